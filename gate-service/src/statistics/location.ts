/**
 * Where the middle of a handful of window effects lies, and how sure that is.
 *
 * From 10 values on: the 20 % trimmed mean with the Winsorised variance (Tukey & McLaughlin 1963;
 * Yuen 1974; Wilcox, "Introduction to Robust Estimation", §4.3): a stall that spoils one window in
 * five does not move it. Below: the mean with Student's t, because trimming costs too many degrees
 * of freedom there.
 */
import { studentUpperQuantile, studentUpperTail } from './distributions.ts';

const TRIM = 0.2;
const TRIM_FROM = 10;

export interface LocationEstimate {
  readonly estimate: number;
  readonly standardError: number;
  readonly degreesOfFreedom: number;
  readonly count: number;
  readonly method: 'trimmed-mean' | 'mean' | 'difference-of-means';
}

/** How many of `count` sorted values are cut off at each end. */
export function trimmedPerSide(count: number): number {
  return count >= TRIM_FROM ? Math.floor(TRIM * count) : 0;
}

/**
 * @param values may hold ±∞ as long as they are few enough to be trimmed away
 * @returns `undefined` when nothing can be said: fewer than 3 values, NaN, more infinite values on
 *   one side than are trimmed, or values that do not vary at all (no measurement of latencies does that)
 */
export function estimateLocation(values: readonly number[]): LocationEstimate | undefined {
  const count = values.length;
  if (count < 3 || values.some(Number.isNaN)) return undefined;
  const sorted = Float64Array.from(values).sort();
  const cut = trimmedPerSide(count);
  const kept = sorted.subarray(cut, count - cut);
  const first = kept[0] ?? NaN;
  const last = kept[kept.length - 1] ?? NaN;
  if (!Number.isFinite(first) || !Number.isFinite(last)) return undefined;

  const estimate = sum(kept) / kept.length;
  const winsorised = sorted.map((value) => Math.min(Math.max(value, first), last));
  const centre = sum(winsorised) / count;
  const squares = sum(winsorised.map((value) => (value - centre) ** 2));
  const standardError = Math.sqrt(squares / (kept.length * (kept.length - 1)));
  const scale = Math.max(Math.abs(first), Math.abs(last));
  if (!(standardError > scale * 1e-14) || !Number.isFinite(standardError)) return undefined;
  return {
    estimate,
    standardError,
    degreesOfFreedom: kept.length - 1,
    count,
    method: cut > 0 ? 'trimmed-mean' : 'mean',
  };
}

/**
 * Difference of two means whose values vary differently (Welch 1947; degrees of freedom by
 * Satterthwaite 1946).
 * @returns `undefined` with fewer than 2 finite values on a side, or when nothing varies
 */
export function differenceOfMeans(
  subject: readonly number[],
  reference: readonly number[],
): LocationEstimate | undefined {
  const [s, r] = [meanAndVariance(subject), meanAndVariance(reference)];
  const [fromSubject, fromReference] = [s.variance / s.count, r.variance / r.count];
  const squared = fromSubject + fromReference;
  if (!(squared > 0) || !Number.isFinite(squared)) return undefined;
  return {
    estimate: s.mean - r.mean,
    standardError: Math.sqrt(squared),
    degreesOfFreedom:
      squared ** 2 / (fromSubject ** 2 / (s.count - 1) + fromReference ** 2 / (r.count - 1)),
    count: s.count + r.count,
    method: 'difference-of-means',
  };
}

/** The less sure of two estimates of the same; decided by their width, blind to the effect. */
export function wider(one: LocationEstimate, other: LocationEstimate): LocationEstimate {
  return halfWidth(other, 0.025) > halfWidth(one, 0.025) ? other : one;
}

/** Mean and variance (n − 1), NaN where there are too few values. */
export function meanAndVariance(values: readonly number[]): {
  readonly count: number;
  readonly mean: number;
  readonly variance: number;
} {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { count, mean, variance: squares / (count - 1) };
}

/** The value that the true location exceeds with confidence 1 − level. */
export function lowerBound(location: LocationEstimate, level: number): number {
  return location.estimate - halfWidth(location, level);
}

/** The value that the true location stays below with confidence 1 − level. */
export function upperBound(location: LocationEstimate, level: number): number {
  return location.estimate + halfWidth(location, level);
}

/** Distance from the estimate to its one-sided bound at `level`. */
export function halfWidth(location: LocationEstimate, level: number): number {
  return studentUpperQuantile(level, location.degreesOfFreedom) * location.standardError;
}

/** One-sided p of "the location is at most `value`": small when it is surely above. */
export function pAbove(location: LocationEstimate, value: number): number {
  const t = (location.estimate - value) / location.standardError;
  return studentUpperTail(t, location.degreesOfFreedom);
}

/** The shift that a one-sided test at `level` finds with probability `power`. */
export function detectableShift(location: LocationEstimate, level: number, power = 0.8): number {
  return halfWidth(location, level) + halfWidth(location, 1 - power);
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
