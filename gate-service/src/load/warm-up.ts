/**
 * When a comparison is warm: when the paired difference no longer trends. A steady state of each arm by
 * itself is often never reached (Barrett et al. 2017, arXiv:1602.00602); what the two share cancels out.
 * Pure.
 */
import { median } from './nearest-rank.ts';

/** Windows that are looked at. Fewer could not tell a trend from noise. */
export const TREND_WINDOWS = 5;

/** Two-sided 5 % point of Student's t with 3 degrees of freedom (5 windows, 2 parameters). */
const T_CRITICAL = 3.182;

/** A drift below this over the windows is too small to matter: 2 % of the ratio of medians. */
const IRRELEVANT_DRIFT = 0.02;

/** Latencies of one warm-up window by arm, microseconds; failures left out. */
export interface WarmUpWindow {
  readonly latenciesUs: readonly [readonly number[], readonly number[]];
}

/**
 * Whether the log-ratio of the arms' medians over the last windows shows no trend: its least-squares
 * slope is not significant at 5 %, or too small to matter. A window without an answer from both arms
 * counts as not steady.
 */
export function isSteady(windows: readonly WarmUpWindow[]): boolean {
  const last = windows.slice(-TREND_WINDOWS);
  if (last.length < TREND_WINDOWS) return false;
  const ratios = last.map(({ latenciesUs: [a, b] }) => Math.log(median(b) / median(a)));
  if (!ratios.every(Number.isFinite)) return false;
  const n = ratios.length;
  const meanX = (n - 1) / 2;
  const meanY = ratios.reduce((sum, y) => sum + y, 0) / n;
  let sxx = 0;
  let sxy = 0;
  ratios.forEach((y, x) => {
    sxx += (x - meanX) ** 2;
    sxy += (x - meanX) * (y - meanY);
  });
  const slope = sxy / sxx;
  if (Math.abs(slope) * (n - 1) < IRRELEVANT_DRIFT) return true;
  const residual = ratios.reduce((sum, y, x) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  const standardError = Math.sqrt(residual / (n - 2) / sxx);
  return Math.abs(slope) <= T_CRITICAL * standardError;
}
