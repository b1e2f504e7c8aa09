/**
 * Early abort of an evaluation: a challenger whose requests fail in bursts is taken away in the
 * middle of its measurement. Looked at after every window, so both rules are strict.
 */
import type { ArmName, Sample } from '../load/sample.ts';
import { clopperPearson, conditionalBinomialP, share } from '../statistics/proportions.ts';
import type { Tally } from '../statistics/proportions.ts';

/** Failures from which on a multiple of the incumbent's is a burst and no accident. */
export const LEAST_FAILURES = 20;
export const TIMES_AS_MANY = 5;
/** One-sided error of one look at a limit. */
const LOOK_ERROR = 0.001;

/** What fails on each side; fed window by window. */
export class ErrorBurst {
  readonly #arms: { readonly incumbent: ArmName; readonly challenger: ArmName };
  readonly #limit: number | undefined;
  readonly #tallies = new Map<ArmName, { hits: number; total: number }>();

  /** @param limit largest share of failures that the service allows, 0–1 */
  constructor(
    arms: { readonly incumbent: ArmName; readonly challenger: ArmName },
    limit: number | undefined,
  ) {
    this.#arms = arms;
    this.#limit = limit;
  }

  add(samples: readonly Sample[]): void {
    for (const { arm, status } of samples) {
      const tally = this.#tallies.get(arm) ?? { hits: 0, total: 0 };
      tally.total += 1;
      if (status !== 'ok') tally.hits += 1;
      this.#tallies.set(arm, tally);
    }
  }

  /** Why the evaluation must end now; undefined when it need not. */
  get reason(): string | undefined {
    return burstOf(this.#of(this.#arms.challenger), this.#of(this.#arms.incumbent), this.#limit);
  }

  #of(arm: ArmName): Tally {
    return this.#tallies.get(arm) ?? { hits: 0, total: 0 };
  }
}

/**
 * Failures of the challenger are proven to be above the limit and more than the incumbent's, or at
 * least {@link LEAST_FAILURES} and {@link TIMES_AS_MANY} times the incumbent's.
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
