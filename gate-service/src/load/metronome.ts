/**
 * Wakes the sender at the right moment without busy waiting. Timers of the event loop count whole
 * milliseconds (measured: median 0.65 ms late); a thread that sleeps on a futex is precise to the
 * scheduler's grain (0.15 ms) for the same CPU.
 */
import { Worker } from 'node:worker_threads';

/** Shared with the thread: a version that changes with each wish, and the wished time. */
export interface MetronomeMemory {
  readonly version: Int32Array;
  /** On the clock of monotonic.ts, microseconds. */
  readonly dueUs: Float64Array;
}

export class Metronome {
  readonly #memory: MetronomeMemory = {
    version: new Int32Array(new SharedArrayBuffer(4)),
    dueUs: new Float64Array(new SharedArrayBuffer(8)),
  };
  readonly #worker: Worker;
  readonly #ready: Promise<void>;

  /**
   * @param tick called once for each {@link wakeAt}, at or after the wished time
   * @param failed called when the thread dies
   */
  constructor(tick: () => void, failed: (error: Error) => void) {
    this.#worker = new Worker(new URL('./metronome-worker.ts', import.meta.url), {
      workerData: this.#memory,
    });
    this.#worker.on('message', (version: number) => {
      // 0 only says that the thread runs; a wish that has been replaced meanwhile gives no tick of its own.
      if (version !== 0 && version === Atomics.load(this.#memory.version, 0)) tick();
    });
    this.#worker.on('error', failed);
    // Its first message; starting a thread takes up to half a second on a busy machine.
    this.#ready = new Promise((resolve) =>
      this.#worker.once('message', () => {
        resolve();
      }),
    );
  }

  /** Resolves when the thread can keep time. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** Replaces the former wish. A time in the past gives a tick at once. */
  wakeAt(dueUs: number): void {
    // The thread reads the time only after it has seen the version change, hence this order.
    this.#memory.dueUs[0] = dueUs;
    Atomics.add(this.#memory.version, 0, 1);
    Atomics.notify(this.#memory.version, 0);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
