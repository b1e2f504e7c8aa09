/**
 * When a comparison is warm: when nothing piles up and the paired difference no longer trends. A steady state of each arm by
 * itself is often never reached (Barrett et al. 2017, arXiv:1602.00602); what the two share cancels out.
 * Pure.
 */
import { studentUpperQuantile } from '../statistics/distributions.ts';
import { median } from './nearest-rank.ts';
import type { MeasurementPlan } from './sender.ts';

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

/**
 * Rise of an arm's own median that the two may share and that still counts as steady. Generous, as the
 * machine's noise is in it; cold nodes that fall behind double theirs within seconds.
 */
const LARGE_RISE = 1.5;

/** Windows that a rise is looked for in: a rise that takes longer is a machine that became slower. */
const RISE_WINDOWS = 2 * TREND_WINDOWS;

export interface WarmUpWindow {
  /** By arm, microseconds; failures left out. */
  readonly latenciesUs: readonly [readonly number[], readonly number[]];
  /** Requests that had to wait for a connection; 0 when absent. */
  readonly waited?: number;
  /** Requests under way at the window's end; not looked at when absent. */
  readonly inFlight?: number;
}

/**
 * Whether there is no backlog and no rise (see {@link pilesUp}, {@link rises}), and the difference is steady.
 */
export function isSteady(windows: readonly WarmUpWindow[]): boolean {
  return isDifferenceSteady(windows) && !pilesUp(windows) && !rises(windows);
}

export interface WarmUpFloor {
  readonly minSeconds: number;
  /** Answers from each arm. */
  readonly minRequests: number;
}

/** Whether warm-up may end: its floor is reached, and the comparison is steady. */
export function isWarm(
  windows: readonly WarmUpWindow[],
  windowSeconds: number,
  { minRequests, minSeconds }: WarmUpFloor,
): boolean {
  const answered = ([0, 1] as const).map((arm) =>
    windows.reduce((sum, { latenciesUs }) => sum + latenciesUs[arm].length, 0),
  );
  return (
    windows.length * windowSeconds >= minSeconds &&
    Math.min(...answered) >= minRequests &&
    isSteady(windows)
  );
}

/**
 * Whether requests gather: some had to wait for a connection, or clearly more were under way at the end of
 * the last two windows looked at than at that of the first two. By Little's law the number under way is
 * rate times latency; the slack is four standard deviations of a Poisson number.
 */
function pilesUp(windows: readonly WarmUpWindow[]): boolean {
  const last = lookedAt(windows);
  if (last.some(({ waited = 0 }) => waited > 0)) return true;
  const underWay = last.flatMap(({ inFlight }) => inFlight ?? []);
  if (underWay.length < last.length) return false;
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const before = mean(underWay.slice(0, 2));
  return mean(underWay.slice(-2)) > LARGE_RISE * before + 4 * Math.sqrt(before + 1);
}

/** Whether an arm's median in both of the last two windows is far above its lowest one before. */
function rises(windows: readonly WarmUpWindow[]): boolean {
  const last = windows.slice(-RISE_WINDOWS);
  return ([0, 1] as const).some((arm) => {
    const medians = last.map(({ latenciesUs }) => median(latenciesUs[arm]));
    return Math.min(...medians.slice(-2)) > LARGE_RISE * Math.min(...medians.slice(0, -2));
  });
}

/** The later half, at least {@link TREND_WINDOWS}: the look back grows with the wait. */
function lookedAt(windows: readonly WarmUpWindow[]): readonly WarmUpWindow[] {
  return windows.slice(-Math.max(TREND_WINDOWS, Math.ceil(windows.length / 2)));
}

/**
 * Whether the log-ratio of the arms' medians has stopped trending, by a least-squares line through the
 * windows looked at: its drift is small, or neither significant nor large. A window without an answer from both arms
 * counts as not steady.
 */
function isDifferenceSteady(windows: readonly WarmUpWindow[]): boolean {
  const last = lookedAt(windows);
  const n = last.length;
  if (n < TREND_WINDOWS) return false;
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

/** Short enough that the floor of warm-up holds as many windows as the trend needs; at least 0.2 s. */
export function warmupWindowSeconds({
  blocks,
  windowSeconds,
  warmup,
}: Pick<MeasurementPlan, 'blocks' | 'windowSeconds' | 'warmup'>): number {
  // A couple of blocks is not cut.
  if (blocks !== undefined) return windowSeconds;
  return Math.min(windowSeconds, Math.max(0.2, warmup.minSeconds / TREND_WINDOWS));
}
