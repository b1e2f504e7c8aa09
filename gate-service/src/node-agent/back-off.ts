/** Pauses between attempts to start a component again: short at first, then doubling. Milliseconds. */
const FIRST_MS = 100;
const LONGEST_MS = 10_000;
/** A component that ran this long is not in a loop of failures. */
const STABLE_MS = 30_000;

export class BackOff {
  #attempts = 0;
  #lastAttempt = Number.NEGATIVE_INFINITY;

  /** Whether the pause since the last attempt is over at this time (a monotonic clock's milliseconds). */
  isDue(now: number): boolean {
    return now - this.#lastAttempt >= this.#pause();
  }

  attempted(now: number): void {
    this.#attempts = now - this.#lastAttempt > STABLE_MS + LONGEST_MS ? 1 : this.#attempts + 1;
    this.#lastAttempt = now;
  }

  #pause(): number {
    return this.#attempts === 0 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#attempts);
  }
}
