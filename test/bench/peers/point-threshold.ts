/** Peer: a threshold on point estimates, as most gates have it (k6, Jenkins Performance plugin, Argo Rollouts). Pure. */
import { quantileOfSorted } from '../../../gate-service/src/statistics/quantile.ts';

export type PeerVerdict = 'breached' | 'pass';

export interface PointThresholdOptions {
  /** Quantile to compare, 0–1. */
  readonly quantile: number;
  /** Allowed relative increase: 0.05 = 5 %. */
  readonly margin: number;
}

/**
 * Breached when b's quantile is above a's by more than the margin. No interval, no middle: whatever
 * the two numbers say decides.
 * @param a latencies of the baseline, any unit, +∞ for a failed request
 * @param b latencies of the candidate, same unit
 * @throws RangeError when an arm is empty or holds NaN: a comparison with nothing is not a pass
 */
export function pointThreshold(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { quantile, margin }: PointThresholdOptions,
): PeerVerdict {
  return quantileOf(b, quantile) > quantileOf(a, quantile) * (1 + margin) ? 'breached' : 'pass';
}

function quantileOf(values: ArrayLike<number>, quantile: number): number {
  const sorted = Float64Array.from(values).sort();
  // Typed arrays sort NaN to the end.
  if (Number.isNaN(sorted.at(-1))) throw new RangeError('a latency is NaN');
  const value = quantileOfSorted(sorted, quantile);
  if (value === undefined) throw new RangeError('an arm has no latencies');
  return value;
}
