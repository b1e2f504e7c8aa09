/**
 * The quantile of type 7 (Hyndman & Fan 1996; R's and NumPy's default): linear between the order
 * statistics around position (n − 1)·q. Infinite values are allowed (a failed request has +∞
 * latency): as soon as an infinite neighbour has weight the quantile is infinite, never NaN.
 *
 * @param sorted ascending, without NaN
 * @param q 0–1
 * @returns `undefined` without values
 */
export function quantileOfSorted(sorted: ArrayLike<number>, q: number): number | undefined {
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const low = sorted[below];
  const high = sorted[Math.min(below + 1, sorted.length - 1)];
  if (low === undefined || high === undefined) return undefined;
  const weight = position - below;
  if (weight === 0 || low === high) return low;
  if (high === Infinity) return Infinity;
  if (low === -Infinity) return -Infinity;
  return low + weight * (high - low);
}

/** Ascending copy as typed array: sorts numbers as numbers, and fast. */
export function sortedCopy(values: Iterable<number>): Float64Array {
  return Float64Array.from(values).sort();
}

/**
 * The quantile of type 7 over several sorted runs together, without merging them: bisection on the
 * value, counting by binary search. Exact but for the last bit.
 *
 * @param runs each ascending, without NaN; values >= 0 or +∞
 * @param q 0–1
 * @returns `undefined` without values
 */
export function quantileOfRuns(runs: readonly Float64Array[], q: number): number | undefined {
  const total = runs.reduce((sum, run) => sum + run.length, 0);
  if (total === 0) return undefined;
  return valueAtPosition(runs, (total - 1) * q);
}

/**
 * Linear between the order statistics of several sorted runs together.
 * @param position from 0 to the number of values − 1
 */
export function valueAtPosition(runs: readonly Float64Array[], position: number): number {
  const below = Math.floor(position);
  const low = orderStatistic(runs, below);
  const weight = position - below;
  if (weight === 0 || low === Infinity) return low;
  const high = orderStatistic(runs, below + 1);
  return high === Infinity ? Infinity : low + weight * (high - low);
}

/** The value at `rank` (from 0) of all runs together. */
function orderStatistic(runs: readonly Float64Array[], rank: number): number {
  const finite = runs.reduce((sum, run) => sum + countUpTo(run, Number.MAX_VALUE), 0);
  if (rank >= finite) return Infinity;
  let low = -1;
  let high = 0;
  for (const run of runs) {
    const last = run[countUpTo(run, Number.MAX_VALUE) - 1];
    if (last !== undefined && last > high) high = last;
  }
  // Invariant: at most `rank` values are <= low, more than `rank` are <= high.
  for (let step = 0; step < 80; step += 1) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    let count = 0;
    for (const run of runs) count += countUpTo(run, middle);
    if (count > rank) high = middle;
    else low = middle;
  }
  // The greatest value that is there up to `high`, which is a number in between.
  let value = -Infinity;
  for (const run of runs) {
    const last = run[countUpTo(run, high) - 1];
    if (last !== undefined && last > value) value = last;
  }
  return value;
}

/** How many values of a sorted run are <= `value`. */
function countUpTo(run: Float64Array, value: number): number {
  let from = 0;
  let to = run.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((run[middle] ?? Infinity) <= value) from = middle + 1;
    else to = middle;
  }
  return from;
}
