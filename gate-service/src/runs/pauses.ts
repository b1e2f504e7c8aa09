/** Pauses that somebody may end early because there is something to do. */
import type { Clock } from './clock.ts';

export class Pauses {
  readonly #clock: Clock;
  readonly #pausing = new Set<AbortController>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves after the time, at {@link end}, or when the signal aborts. */
  async pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    this.#pausing.add(ended);
    try {
      await this.#clock.sleep(milliseconds, AbortSignal.any([signal, ended.signal]));
    } catch {
      // Ended early, which is no failure.
    } finally {
      this.#pausing.delete(ended);
    }
  }

  /** Ends every pause that is under way. */
  end(): void {
    for (const ended of this.#pausing) ended.abort();
  }
}
