/**
 * When a comparison is warm: when the paired difference no longer trends. A steady state of each arm by
 * itself is often never reached (Barrett et al. 2017, arXiv:1602.00602); what the two share cancels out.
 * Pure.
 */
import { studentUpperQuantile } from '../statistics/distributions.ts';
import { median } from './nearest-rank.ts';

/** Windows that are looked at, at least. Fewer could not tell a trend from noise. */
export const TREND_WINDOWS = 5;

/**
 * Two-sided level of the trend test. High on purpose: few windows have little power, and "not
 * significant" must not come too easily; a false trend costs one more window.
 */
const TREND_LEVEL = 0.2;

/** Drift of the log-ratio over the windows looked at that never counts as steady, however noisy: 10 %. */
const LARGE_DRIFT = 0.1;

/** Drift that is too small to matter, however regular: 2 %. */
const SMALL_DRIFT = 0.02;

/** Latencies of one warm-up window by arm, microseconds; failures left out. */
export interface WarmUpWindow {
  readonly latenciesUs: readonly [readonly number[], readonly number[]];
}

/**
 * Whether the log-ratio of the arms' medians has stopped trending, by a least-squares line through the
 * later half of the windows (at least {@link TREND_WINDOWS}, so that the look back grows with the wait):
 * its drift is small, or neither significant nor large. A window without an answer from both arms
 * counts as not steady.
 */
export function isSteady(windows: readonly WarmUpWindow[]): boolean {
  const n = Math.max(TREND_WINDOWS, Math.ceil(windows.length / 2));
  const last = windows.slice(-n);
  if (last.length < n) return false;
  const ratios = last.map(({ latenciesUs: [a, b] }) => Math.log(median(b) / median(a)));
  if (!ratios.every(Number.isFinite)) return false;
  const meanX = (n - 1) / 2;
  const meanY = ratios.reduce((sum, y) => sum + y, 0) / n;
  let sxx = 0;
  let sxy = 0;
  ratios.forEach((y, x) => {
    sxx += (x - meanX) ** 2;
    sxy += (x - meanX) * (y - meanY);
  });
  const slope = sxy / sxx;
  const drift = Math.abs(slope) * (n - 1);
  if (drift < SMALL_DRIFT) return true;
  if (drift > LARGE_DRIFT) return false;
  const residual = ratios.reduce((sum, y, x) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  const standardError = Math.sqrt(residual / (n - 2) / sxx);
  return Math.abs(slope) <= studentUpperQuantile(TREND_LEVEL / 2, n - 2) * standardError;
}
