/** Mann–Whitney: how far one sample lies above another, with interval. Pure. */
import { normalQuantile } from '../../../gate-service/src/statistics/distributions.ts';

export interface Shift {
  /** Hodges–Lehmann: the median of all differences x − y. */
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Location shift of x against y by inverting the Mann–Whitney test (Mann & Whitney 1947; interval after
 * Bauer 1972): those shifts that the two-sided test would not reject. Normal approximation with
 * correction for ties and for continuity, as in R's `wilcox.test(exact = FALSE, conf.int = TRUE)`.
 *
 * The test's statistic is a step function of the shift that jumps at the differences x − y only, so
 * that the bounds are found among the sorted differences, without a root finder's tolerance. With too
 * few values for the level the bounds are the least and the greatest difference.
 *
 * @param confidence two-sided, 0–1
 * @throws RangeError when a sample is empty or a value is not finite
 */
export function mannWhitneyShift(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  confidence: number,
): Shift {
  if (x.length === 0 || y.length === 0) throw new RangeError('a sample is empty');
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`a confidence lies between 0 and 1, not at ${confidence}`);
  }
  const differences = sortedDifferences(x, y);
  const pairs = differences.length;
  const sigma = standardDeviation(x, y);
  const z = normalQuantile((1 + confidence) / 2);
  // Beyond the first k differences U − E(U) is pairs/2 − k. The low bound is the first shift at which
  // it is not significantly above 0 any more, the high bound the first at which it is below.
  const critical = z * sigma + 0.5;
  const low = Math.ceil(pairs / 2 - critical);
  const high = Math.ceil(pairs / 2 + critical);
  const at = (k: number): number => differences[Math.min(Math.max(k, 1), pairs) - 1] ?? NaN;
  return {
    estimate: (at((pairs + 1) >> 1) + at((pairs + 2) >> 1)) / 2,
    low: at(low),
    high: at(high),
  };
}

function sortedDifferences(x: ArrayLike<number>, y: ArrayLike<number>): Float64Array {
  const differences = new Float64Array(x.length * y.length);
  let next = 0;
  for (const one of Array.from(x)) {
    for (const other of Array.from(y)) {
      const difference = one - other;
      if (!Number.isFinite(difference)) {
        throw new RangeError(`the samples hold ${one} and ${other}: only finite values have ranks`);
      }
      differences[next] = difference;
      next += 1;
    }
  }
  return differences.sort();
}

/**
 * Of U, with the correction for ties. For all shifts but the differences themselves no x equals a y:
 * the ties are those within each sample.
 */
function standardDeviation(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const n = x.length;
  const m = y.length;
  const all = n + m;
  const ties = (tieTerm(x) + tieTerm(y)) / (all * (all - 1));
  return Math.sqrt(Math.max(0, ((n * m) / 12) * (all + 1 - ties)));
}

/** Σ t³ − t over groups of t equal values. */
function tieTerm(values: ArrayLike<number>): number {
  const groups = new Map<number, number>();
  for (const value of Array.from(values)) groups.set(value, (groups.get(value) ?? 0) + 1);
  let sum = 0;
  for (const t of groups.values()) sum += t ** 3 - t;
  return sum;
}
