/**
 * Peer: the judge of Spinnaker's Kayenta for one metric, re-implemented from its published behaviour
 * (kayenta-judge, NetflixACAJudge-v1.0 and its MannWhitneyClassifier, commit a69573b of April 2025). Pure.
 */
import { mannWhitneyShift } from './mann-whitney.ts';
import type { PeerVerdict } from './point-threshold.ts';

export interface KayentaOptions {
  /** `effectSize.allowedIncrease` of its configuration: a factor, 1.05 lets 5 % pass. Its default, 1, lets none. */
  readonly allowedIncrease: number;
  /** Its judge sets 0.25. */
  readonly tolerance?: number;
  /** Two-sided; its judge sets 0.98. */
  readonly confidence?: number;
}

/**
 * A metric is "high", here `breached`, when both hold:
 * - the lower bound of the Mann–Whitney interval of the shift is above `tolerance` × |its estimate|
 *   (Hodges–Lehmann): the tolerance is a part of the effect seen, not of the limit;
 * - the ratio of the means, b's by a's, is at least `allowedIncrease`; when a mean is 0 there is no
 *   ratio and this condition falls away.
 * Everything else passes, "not significant" too: there is no inconclusive. Equal samples pass. Without
 * data in one arm the metric is "nodata", and with half of the metrics without data the canary scores
 * 0: for one metric that is `breached`. Settings that it has by default: no outliers removed, effect
 * size by mean ratio; direction "increase", since a faster build is nobody's regression.
 *
 * Where all values of an arm are equal and the arms differ, it adds noise of 1/100,000 before ranking.
 * That is not done here: the shift is then the difference itself, as with its noise but for the noise.
 *
 * @param a the baseline's points, one per interval, e.g. a window's p99 in ms
 * @param b the candidate's
 * @throws RangeError when `allowedIncrease` is below 1 (a margin such as 0.05 was meant), or for a point that is not finite
 */
export function kayenta(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { allowedIncrease, tolerance = 0.25, confidence = 0.98 }: KayentaOptions,
): PeerVerdict {
  if (!(allowedIncrease >= 1)) {
    throw new RangeError(
      `allowedIncrease is a factor of at least 1 (1.05 for 5 %), got ${allowedIncrease}`,
    );
  }
  if (a.length === 0 || b.length === 0) return 'breached';
  if (sameValues(a, b)) return 'pass';
  const { estimate, low } = mannWhitneyShift(b, a, confidence);
  const significant = low > tolerance * Math.abs(estimate);
  return significant && !(meanRatio(a, b) < allowedIncrease) ? 'breached' : 'pass';
}

function sameValues(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  const left = Float64Array.from(a).sort();
  const right = Float64Array.from(b).sort();
  return left.every((value, index) => value === right[index]);
}

/** NaN when a mean is 0. */
function meanRatio(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const control = mean(a);
  const experiment = mean(b);
  return control === 0 || experiment === 0 ? NaN : experiment / control;
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (const value of Array.from(values)) sum += value;
  return sum / values.length;
}
