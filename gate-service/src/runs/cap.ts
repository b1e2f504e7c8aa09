/** The cap on a run's time: reached, the run ends `inconclusive`. */
import type { Clock } from './clock.ts';
import { RunEnding } from './endings.ts';

export class Cap {
  readonly #clock: Clock;
  readonly #seconds: number;
  readonly #abort: (reason: RunEnding) => void;
  readonly #stop = new AbortController();
  #deadline: number;

  /** Counts from its construction on. */
  constructor(clock: Clock, seconds: number, abort: (reason: RunEnding) => void) {
    this.#clock = clock;
    this.#seconds = seconds;
    this.#abort = abort;
    this.#deadline = clock.now() + seconds * 1000;
    void this.#watch();
  }

  /** What comes on top of the cap: the one repeat after an `invalid` attempt. */
  extend(milliseconds: number): void {
    this.#deadline += milliseconds;
  }

  /** From here on time does not end the run any more. */
  stop(): void {
    this.#stop.abort();
  }

  async #watch(): Promise<void> {
    try {
      while (this.#clock.now() < this.#deadline) {
        await this.#clock.sleep(this.#deadline - this.#clock.now(), this.#stop.signal);
      }
    } catch {
      return;
    }
    this.#abort(
      new RunEnding(
        'inconclusive',
        `the cap of ${Math.round(this.#seconds / 60)} minutes was reached before the evidence was complete`,
      ),
    );
  }
}
