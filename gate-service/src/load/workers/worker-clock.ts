/** A worker's clock against ours, by asking it the time: Cristian's algorithm (1989). Pure. */

export interface ClockReading {
  /** Worker's clock minus ours, microseconds. */
  readonly offsetUs: number;
  /** The offset is wrong by at most this: half the time that question and answer took. */
  readonly errorUs: number;
}

/** @param askedUs,answeredUs on our clock; `theirsUs` on the worker's, somewhere between them */
export function readingOf(askedUs: number, theirsUs: number, answeredUs: number): ClockReading {
  return {
    offsetUs: theirsUs - (askedUs + answeredUs) / 2,
    errorUs: (answeredUs - askedUs) / 2,
  };
}

/** The most exact one: the shortest way there and back left the least room for a lopsided one. */
export function bestOf(readings: readonly ClockReading[]): ClockReading | undefined {
  return readings.reduce<ClockReading | undefined>(
    (best, one) => (best === undefined || one.errorUs < best.errorUs ? one : best),
    undefined,
  );
}

/** How far two readings of one clock are apart for sure, beyond both their errors; 0 when they agree. */
export function drift(one: ClockReading, other: ClockReading): number {
  const apart = Math.abs(one.offsetUs - other.offsetUs);
  return Math.max(0, apart - one.errorUs - other.errorUs);
}
