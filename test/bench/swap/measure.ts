/** One row: swaps one after the other under constant load. */
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicUs } from '../../../gate-service/src/load/monotonic.ts';
import type { Exchange, LoadPlan } from './exchange.ts';
import { startLoad } from './load.ts';
import { failuresOf, type Window } from './row.ts';

/** The client's and the JVMs' first requests are slow and not the swaps' doing. */
const WARM_UP_MS = 4000;
/** Before and after each swap: its aftermath, and as long again of quiet to compare with. */
const PAUSE_MS = 2000;

export interface Measured {
  readonly windows: readonly Window[];
  /** All requests after the warm-up. */
  readonly exchanges: readonly Exchange[];
}

export interface MeasureOptions {
  readonly load: LoadPlan;
  readonly swaps: number;
  /** Carries one out; number from 0. */
  readonly swap: (number: number) => Promise<unknown>;
  readonly say: (message: string) => void;
  readonly signal: AbortSignal;
}

/** @throws Error of a swap that failed, or when the load ended by itself: the bench could not run */
export async function measure(options: MeasureOptions): Promise<Measured> {
  const { signal, say, swaps } = options;
  const load = startLoad(options.load);
  const windows: Window[] = [];
  try {
    await sleep(WARM_UP_MS, undefined, { signal });
    const fromUs = monotonicUs();
    await sleep(PAUSE_MS, undefined, { signal });
    for (let number = 0; number < swaps; number += 1) {
      const window = await timed(() => options.swap(number));
      windows.push(window);
      await sleep(PAUSE_MS, undefined, { signal });
      load.requireRunning();
      const seconds = ((window.toUs - window.fromUs) / 1e6).toFixed(2);
      say(`${number + 1} of ${swaps} in ${seconds} s, ${soFar(load.exchanges)}`);
    }
    const all = await load.stop();
    const exchanges = all.filter(({ intendedUs }) => intendedUs >= fromUs);
    const cold = all.filter((one) => one.intendedUs < fromUs && one.failure !== undefined).length;
    if (cold > 0)
      say(
        `${cold} requests failed already in the warm-up, before the first swap; they are not counted`,
      );
    return { windows, exchanges };
  } catch (error) {
    say(`broken off after ${windows.length} of ${swaps}, ${soFar(load.exchanges)}`);
    throw error;
  } finally {
    await load.kill();
  }
}

function soFar(exchanges: readonly Exchange[]): string {
  const failures = Object.entries(failuresOf(exchanges));
  const list = failures.map(([what, count]) => `${count} × ${what}`).join(', ');
  return `${exchanges.length} requests, ${list === '' ? 'none failed' : `failed: ${list}`}`;
}

async function timed(work: () => Promise<unknown>): Promise<Window> {
  const fromUs = monotonicUs();
  await work();
  return { fromUs, toUs: monotonicUs() };
}
