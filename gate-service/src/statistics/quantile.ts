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
