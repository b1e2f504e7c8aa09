/** One arm's latency histogram from the buckets of all proxies. Pure. */
import type { Series } from './prometheus-api.ts';
import type { LatencyHistogram } from './telemetry.ts';

/**
 * Sums buckets by their bound.
 * @param buckets series with the label `le`, in milliseconds
 * @param growth what a bucket grew by; `undefined` when that is not known
 * @returns `undefined` when a bucket is not known, or the proxies' buckets have different bounds
 */
export function histogramOf(
  buckets: readonly Series[],
  growth: (series: Series) => number | undefined,
): LatencyHistogram | undefined {
  const sums = new Map<number, { count: number; series: number }>();
  for (const one of buckets) {
    const count = growth(one);
    const leMs = one.labels.le === '+Inf' ? Infinity : Number(one.labels.le);
    if (count === undefined || Number.isNaN(leMs)) return undefined;
    const sum = sums.get(leMs) ?? { count: 0, series: 0 };
    sums.set(leMs, { count: sum.count + count, series: sum.series + 1 });
  }
  const [first, ...others] = sums.values();
  if (first === undefined) return { bounds: [] };
  if (!sums.has(Infinity) || others.some(({ series }) => series !== first.series)) return undefined;
  return {
    bounds: [...sums]
      .map(([leMs, { count }]) => ({ leMs, count }))
      .sort((one, other) => one.leMs - other.leMs),
  };
}
