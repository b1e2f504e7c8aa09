/** The thread behind {@link Metronome}: sleeps until the wished time, says so, sleeps until the next wish. */
import { parentPort, workerData } from 'node:worker_threads';
import type { MetronomeMemory } from './metronome.ts';
import { monotonicUs } from './monotonic.ts';

const { version, dueUs } = workerData as MetronomeMemory;

/** The owner ends the thread; until then it waits for ever. */
function beat(): never {
  // Version 0: nothing has been wished for yet.
  let done = 0;
  for (;;) {
    const wish = Atomics.load(version, 0);
    if (wish === done) {
      Atomics.wait(version, 0, wish);
      continue;
    }
    const leftMs = ((dueUs[0] ?? 0) - monotonicUs()) / 1000;
    // Woken before its time: a newer wish, looked at in the next turn.
    if (leftMs > 0 && Atomics.wait(version, 0, wish, leftMs) !== 'timed-out') continue;
    done = wish;
    parentPort?.postMessage(wish);
  }
}

parentPort?.postMessage(0);
beat();
