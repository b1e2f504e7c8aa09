/** Virtual time: it moves to the next sleeper whenever nothing else is left to do. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { asError } from '../clock.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

const TURNS = 4;

export class FakeClock implements Clock {
  #now = Date.parse('2026-01-05T08:00:00Z');
  #sleepers: Sleeper[] = [];

  now(): number {
    return this.#now;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(asError(signal.reason));
        return;
      }
      const sleeper = { at: this.#now + milliseconds, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(asError(signal.reason));
      });
    });
  }

  /** Lets time pass until the promise settles. `stalled` when nothing can happen any more. */
  async run<T>(promise: Promise<T>): Promise<T | 'stalled'> {
    let settled = false;
    const done = promise.finally(() => {
      settled = true;
    });
    done.catch(() => undefined);
    for (;;) {
      // A database answers within a few turns of the event loop; a promise within one.
      for (let turn = 0; turn < TURNS && !(settled as boolean); turn += 1) await nextTurn();
      if (settled as boolean) return done;
      const next = this.#sleepers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) return 'stalled';
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.wake();
    }
  }
}
