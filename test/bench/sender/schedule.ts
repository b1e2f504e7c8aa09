/** How late requests reach the server, seen from outside the tool. Pure. */

/**
 * Differences between arrival and intended time, both sorted, the smallest set to 0: what all requests
 * share (the way there, and when the clock was started) is not lateness. Microseconds.
 * @param intendedUs ascending; evenly spread at `perSecond` when undefined
 */
export function latenessUs(
  arrivedUs: readonly number[],
  intendedUs: readonly number[] | undefined,
  perSecond: number,
): number[] {
  const differences = [...arrivedUs]
    .sort((a, b) => a - b)
    .map(
      (at, i) => at - (intendedUs === undefined ? (i / perSecond) * 1e6 : (intendedUs[i] ?? NaN)),
    )
    .filter(Number.isFinite);
  const least = differences.reduce((smallest, value) => Math.min(smallest, value), Infinity);
  return differences.map((value) => value - least);
}
