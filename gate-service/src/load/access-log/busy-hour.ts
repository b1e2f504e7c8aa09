/** Requests by second, kept for the busiest hours only: a log of a year needs no more memory than one of a day. Pure. */

const SECONDS = 3600;
/** Hours of which every second is counted at a time; logs are nearly in order. */
const MAX_HOURS = 64;

interface Hour {
  readonly counts: Uint32Array;
  requests: number;
}

export interface BusyHour {
  /** First second that the log covers in this hour, seconds since 1970. */
  readonly from: number;
  /** Requests of each second that the log covers in this hour. */
  readonly counts: readonly number[];
}

export class BusyHours {
  readonly #hours = new Map<number, Hour>();
  #newest = -Infinity;
  #first = Infinity;
  #last = -Infinity;

  /** @param second seconds since 1970 */
  add(second: number): void {
    this.#first = Math.min(this.#first, second);
    this.#last = Math.max(this.#last, second);
    const number = Math.floor(second / SECONDS);
    this.#newest = Math.max(this.#newest, number);
    let hour = this.#hours.get(number);
    if (hour === undefined) {
      if (this.#hours.size >= MAX_HOURS) this.#forgetOne();
      hour = { counts: new Uint32Array(SECONDS), requests: 0 };
      this.#hours.set(number, hour);
    }
    const index = second - number * SECONDS;
    hour.counts[index] = (hour.counts[index] ?? 0) + 1;
    hour.requests += 1;
  }

  /** First and last second that was seen; undefined when none was. */
  get period(): { readonly first: number; readonly last: number } | undefined {
    return this.#last < this.#first ? undefined : { first: this.#first, last: this.#last };
  }

  /** The clock hour with the most requests; undefined when there were none. */
  busiest(): BusyHour | undefined {
    let best: readonly [number, Hour] | undefined;
    for (const entry of this.#hours) {
      if (best === undefined || entry[1].requests > best[1].requests) best = entry;
    }
    if (best === undefined) return undefined;
    const start = best[0] * SECONDS;
    const from = Math.max(start, this.#first);
    const to = Math.min(start + SECONDS - 1, this.#last);
    return { from, counts: [...best[1].counts.slice(from - start, to - start + 1)] };
  }

  /** The quietest one; not those in which requests are still coming in. */
  #forgetOne(): void {
    let least: readonly [number, Hour] | undefined;
    for (const entry of this.#hours) {
      if (entry[0] >= this.#newest - 2) continue;
      if (least === undefined || entry[1].requests < least[1].requests) least = entry;
    }
    const forgotten = least?.[0] ?? this.#hours.keys().next().value;
    if (forgotten !== undefined) this.#hours.delete(forgotten);
  }
}
