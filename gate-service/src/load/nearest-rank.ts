/** Quantiles of plain numbers, small and without interpolation: for the sender's own housekeeping. Pure. */

/** Nearest-rank quantile: the smallest value that at least `share` of the values do not exceed. NaN when there are none. */
export function nearestRank(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil(share * sorted.length)));
  return sorted[rank - 1] ?? Number.NaN;
}

/** Nearest-rank median; NaN when there are no values. */
export function median(values: readonly number[]): number {
  return nearestRank(values, 0.5);
}
