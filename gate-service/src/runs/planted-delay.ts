/** How long a delay the positive control plants: twice the margin that the gate has to see. Pure. */
import { nearestRank } from '../load/nearest-rank.ts';
import type { Sample } from '../load/sample.ts';

/** What a latency threshold allows above the baseline; of `percent` of the requests, of one kind if one is named. */
export interface LatencyMargin {
  readonly percent: number;
  readonly kind?: string;
  /** A share of the baseline's own quantile, or milliseconds. */
  readonly allowed: { readonly share: number } | { readonly ms: number };
}

/** The fault filters of both renderings count whole milliseconds. */
const LEAST_MS = 1;
/** A longer one would pile requests up, and is seen at once anyway. */
const MOST_MS = 1000;

/**
 * Twice the smallest margin in milliseconds, rounded up to whole ones, 1 to 1,000: who does not see that
 * would not have seen a breach either.
 * @param baseline samples of the reference in the counted windows; failures count as endless
 * @returns undefined when no margin says anything
 */
export function plantedDelayMs(
  margins: readonly LatencyMargin[],
  baseline: readonly Pick<Sample, 'kind' | 'latencyUs' | 'status'>[],
): number | undefined {
  const known = margins
    .map(({ allowed, kind, percent }) => {
      if ('ms' in allowed) return allowed.ms;
      const latenciesMs = baseline
        .filter((sample) => kind === undefined || sample.kind === kind)
        .map(({ latencyUs, status }) => (status === 'ok' ? latencyUs / 1000 : Infinity));
      return allowed.share * nearestRank(latenciesMs, percent / 100);
    })
    .filter((ms) => Number.isFinite(ms) && ms > 0);
  if (known.length === 0) return undefined;
  // A hair of rounding is no millisecond more.
  const twice = Math.ceil(2 * Math.min(...known) - 1e-6);
  return Math.min(MOST_MS, Math.max(LEAST_MS, twice));
}
