/**
 * The rule of adoption: only on a paired interval that excludes zero on the good side, over at
 * least 3 comparisons, with no other objective proven worse and no more failures. A lucky trial
 * is not a gain; what is not shown stays out.
 */
import { estimateLocation, lowerBound, upperBound } from '../statistics/location.ts';
import { conditionalBinomialP, share, type Tally } from '../statistics/proportions.ts';
import { signedPercent } from './wording.ts';

/** Challenger against incumbent, measured side by side. */
export interface EvaluationResult {
  /**
   * Per objective the log-ratios challenger ÷ incumbent, one per window; below 0 is better. The
   * first objective is to be won, the others must not get worse.
   */
  readonly objectives: readonly { readonly name: string; readonly logRatios: readonly number[] }[];
  readonly failures: {
    readonly challenger: { readonly hits: number; readonly total: number };
    readonly incumbent: { readonly hits: number; readonly total: number };
  };
  /** Why the evaluation ended early or cannot be trusted; it is then never adopted. */
  readonly aborted?: string;
}

export interface Adoption {
  readonly adopted: boolean;
  /** Of the first objective, as a ratio: -0.1 = 10 % better. Absent when nothing could be estimated. */
  readonly effect?: number;
  readonly low?: number;
  readonly high?: number;
  /** 0–1, two-sided. */
  readonly confidence: number;
  /** What was measured and why it was adopted or not. */
  readonly sentence: string;
}

export const LEAST_COMPARISONS = 3;

/** Chance that a session of paired comparisons adopts anything although nothing is better; its challengers share it. */
const PAIRED_ERROR = 0.025;
/** A challenger is looked at after its first comparisons, and once more where more are made. */
const LOOKS = 2;

/**
 * Two-sided confidence of one look, so that all looks of a session together keep to its error (Bonferroni): each
 * challenger may be looked at twice, however many of them there come to be.
 * @param challengers most that the session can compare, from 1
 */
export function pairedConfidence(challengers: number): number {
  return 1 - (2 * PAIRED_ERROR) / (LOOKS * Math.max(1, challengers));
}

/** More failures than this, in absolute share, are an increase even when it is not yet significant. */
const TOLERATED_FAILURES = 0.001;
const SUSPECT_LEVEL = 0.05;

/**
 * @param confidence two-sided, 0–1; callers that try several challengers raise it accordingly ({@link pairedConfidence})
 */
export function decideAdoption(result: EvaluationResult, confidence: number): Adoption {
  const level = (1 - confidence) / 2;
  const rejected = (sentence: string): Adoption => ({ adopted: false, confidence, sentence });
  if (result.aborted !== undefined) {
    return rejected(`not adopted: the evaluation was broken off (${result.aborted})`);
  }
  const [first, ...others] = result.objectives;
  if (first === undefined) return rejected('not adopted: nothing was measured');
  if (first.logRatios.length < LEAST_COMPARISONS) {
    return rejected(
      `not adopted: ${first.logRatios.length} comparisons of ${first.name}, at least ${LEAST_COMPARISONS} are needed`,
    );
  }
  const location = estimateLocation(first.logRatios);
  if (location === undefined) {
    return rejected(`not adopted: the comparisons of ${first.name} allow no estimate`);
  }
  const low = Math.expm1(lowerBound(location, level));
  const high = Math.expm1(upperBound(location, level));
  const facts = { effect: Math.expm1(location.estimate), low, high, confidence };
  const change = `${first.name} ${signedPercent(facts.effect)} (plausible range ${signedPercent(low)} to ${signedPercent(high)}, ${location.count} comparisons)`;
  const no = (why: string): Adoption => ({
    ...facts,
    adopted: false,
    sentence: `not adopted: ${change}; ${why}`,
  });
  if (!(high < 0)) {
    return no(low > 0 ? 'it is worse' : 'no gain is shown, the configuration in force stays');
  }
  const failing = moreFailures(result.failures.challenger, result.failures.incumbent);
  if (failing !== undefined) return no(failing);
  for (const { name, logRatios } of others) {
    const other = estimateLocation(logRatios);
    if (other === undefined) return no(`the comparisons of ${name} allow no estimate`);
    // No challenger is adopted by mistake for being refused: how many there are is nothing to a veto.
    if (lowerBound(other, SUSPECT_LEVEL) > 0) {
      return no(`but ${name} gets worse: ${signedPercent(Math.expm1(other.estimate))}`);
    }
  }
  return { ...facts, adopted: true, sentence: `adopted: ${change}, and no more failures` };
}

/** Comparisons of the same two configurations in several evaluations as those of one; an aborted one has none. */
export function together(results: readonly EvaluationResult[]): EvaluationResult {
  const tally = (of: 'challenger' | 'incumbent'): Tally => ({
    hits: results.reduce((sum, { failures }) => sum + failures[of].hits, 0),
    total: results.reduce((sum, { failures }) => sum + failures[of].total, 0),
  });
  return {
    objectives: (results[0]?.objectives ?? []).map(({ name }) => ({
      name,
      logRatios: results.flatMap(
        ({ objectives }) => objectives.find((one) => one.name === name)?.logRatios ?? [],
      ),
    })),
    failures: { challenger: tally('challenger'), incumbent: tally('incumbent') },
  };
}

function moreFailures(challenger: Tally, incumbent: Tally): string | undefined {
  const sound = [challenger, incumbent].every(
    ({ hits, total }) => Number.isInteger(hits) && hits >= 0 && total > 0 && hits <= total,
  );
  if (!sound) return 'but its failures were not counted';
  const more = share(challenger) - share(incumbent);
  const suspect = more > 0 && conditionalBinomialP(challenger, incumbent) < SUSPECT_LEVEL;
  if (!suspect && more <= TOLERATED_FAILURES) return undefined;
  return `but more requests fail: ${challenger.hits} of ${challenger.total} against ${incumbent.hits} of ${incumbent.total}`;
}
