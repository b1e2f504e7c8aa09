/**
 * Comparisons side by side that lean to the good side and show nothing yet: the same challenger is compared once
 * more, and all of its comparisons count together. Each look at them has its part of the challenger's share of the
 * session's error, so that looking twice makes no lucky adoption likelier.
 */
import { studentUpperQuantile } from '../statistics/distributions.ts';
import { sameValues } from './encoding.ts';
import { WORTHWHILE } from './exploring.ts';
import type { BoundSpace, Values } from './space/bound-space.ts';
import type { Proposal, Step } from './tuner.ts';

/** Log ratios of the comparisons of these values that came right before, one evaluation after the other. */
export function ratiosBefore(
  space: BoundSpace,
  steps: readonly Step[],
  values: Values,
): readonly number[] {
  const other = steps.findLastIndex((step) => !isComparisonOf(space, step, values));
  return steps.slice(other + 1).flatMap(({ observation }) => observation.logRatios ?? []);
}

function isComparisonOf(space: BoundSpace, { decision, proposal }: Step, values: Values): boolean {
  return decision.verdict === 'rejected' && sameValues(space, proposal.values, values);
}

/**
 * The latest challenger once more, where as many comparisons again would show its gain, if it is as large as it
 * looks; `undefined` where it was decided, or hardly could be, or the gain is not worth an evaluation.
 */
export function comparedAgain(steps: readonly Step[]): Omit<Proposal, 'id'> | undefined {
  const last = steps.at(-1);
  const { effect, verdict } = last?.decision ?? {};
  const count = last?.observation.logRatios?.length ?? 0;
  if (last === undefined || verdict !== 'rejected' || effect === undefined || count === 0) {
    return undefined;
  }
  // Once: the rest of the budget is for others.
  if (last.proposal.source === 'rerun') return undefined;
  const gain = -Math.log1p(effect.change);
  if (gain < WORTHWHILE) return undefined;
  const half = Math.log1p(effect.high) + gain;
  const level = (1 - effect.confidence) / 2;
  const width = (comparisons: number): number =>
    studentUpperQuantile(level, comparisons - 1) / Math.sqrt(comparisons);
  const { comparisons } = effect;
  if (!(gain > (half * width(comparisons + count)) / width(comparisons))) return undefined;
  const { predicted, values } = last.proposal;
  return {
    values,
    source: 'rerun',
    reason:
      'it looked better without being shown to be: compared once more, and all comparisons of it count',
    ...(predicted === undefined ? {} : { predicted }),
  };
}
