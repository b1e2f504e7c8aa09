/** Early abort: whether a challenger's failures are so many that its evaluation must end in the middle. */
import { clopperPearson, conditionalBinomialP, share } from '../statistics/proportions.ts';
import type { Tally } from '../statistics/proportions.ts';

/** Failures from which on a multiple of the incumbent's is a burst and no accident. */
export const LEAST_FAILURES = 20;
export const TIMES_AS_MANY = 5;
/** One-sided error of one look at a limit; there is one after every window, so it is strict. */
const LOOK_ERROR = 0.001;

/**
 * Why the evaluation must end: the challenger's failures are proven to be above the limit and more
 * than the incumbent's, or at least {@link LEAST_FAILURES} and {@link TIMES_AS_MANY} times the
 * incumbent's. `undefined` when it need not.
 * @param limit largest share of failures that is allowed, 0–1; absent: none is known
 */
export function burstOf(
  challenger: Tally,
  incumbent: Tally,
  limit: number | undefined,
): string | undefined {
  if (challenger.total === 0 || incumbent.total === 0) return undefined;
  const counts = `${challenger.hits} of ${challenger.total} requests failed, ${incumbent.hits} of ${incumbent.total} on the incumbent`;
  if (challenger.hits >= LEAST_FAILURES && share(challenger) >= TIMES_AS_MANY * share(incumbent)) {
    return `a burst of errors: ${counts}`;
  }
  const above = limit !== undefined && clopperPearson(challenger, LOOK_ERROR).low > limit;
  return above && conditionalBinomialP(challenger, incumbent) < LOOK_ERROR
    ? `errors above the limit of ${(limit * 100).toFixed(2)} %: ${counts}`
    : undefined;
}
