/**
 * Thresholds on capacity: answers per second in closed loop, each arm alone under so many connections,
 * in adjacent blocks in random order. The arms cannot both be saturated at once on the same machine, so
 * that each couple of blocks gives one log-ratio; Student's t over the couples decides.
 */
import type { ArmName } from '../load/sample.ts';
import {
  detectableShift,
  estimateLocation,
  lowerBound,
  pAbove,
  upperBound,
} from '../statistics/location.ts';
import { frame, invalidFinding, type Evidence, type Finding } from './finding.ts';
import type { CapacityBlock, JudgedMeasurement } from './measurement.ts';
import type { Threshold } from './threshold.ts';
import type { ComparedArms } from './windows.ts';

/** Fewer couples of blocks decide nothing. */
export const LEAST_COUPLES = 6;
/** A generator that is this busy measures itself: the couple is dropped, both arms together. */
const GENERATOR_LIMIT_CORES = 0.9;
/** More than this share of the couples must count. */
const LEAST_COUNTED = 0.7;

interface Couple {
  readonly reference: number;
  readonly subject: number;
}

export function findCapacity(
  threshold: Threshold,
  evidence: Evidence,
  { capacityByBlock = [] }: JudgedMeasurement,
  arms: ComparedArms,
): Finding {
  if (threshold.against === 'baseline' && !evidence.hasReference) {
    return invalidFinding(threshold, 'there is no baseline to compare with');
  }
  if (capacityByBlock.length === 0) {
    return invalidFinding(
      threshold,
      'capacity takes a closed-loop measurement, and this measurement has none',
    );
  }
  const names = evidence.hasReference ? [arms.reference, arms.subject] : [arms.subject];
  const couples = couplesOf(capacityByBlock);
  const whole = couples.filter((couple) => names.every((name) => couple.has(name)));
  const busy = whole.filter((couple) =>
    names.some((name) => !((couple.get(name)?.generatorCores ?? NaN) <= GENERATOR_LIMIT_CORES)),
  );
  const counted = whole.filter((couple) => !busy.includes(couple));
  if (counted.length < LEAST_COUPLES || counted.length < LEAST_COUNTED * couples.length) {
    const why =
      busy.length > 0
        ? `in ${busy.length} of ${couples.length} the load generator was as busy as it can be`
        : `at least ${LEAST_COUPLES} must`;
    return invalidFinding(
      threshold,
      `${counted.length} of ${couples.length} couples of blocks count: ${why}`,
    );
  }
  const rate = (couple: ReadonlyMap<ArmName, CapacityBlock>, name: ArmName): number =>
    couple.get(name)?.completedPerSecond ?? NaN;
  const rates = counted.map((couple) => ({
    reference: rate(couple, arms.reference),
    subject: rate(couple, arms.subject),
  }));
  const usable = ({ reference, subject }: Couple): boolean =>
    isPositive(subject) && (!evidence.hasReference || isPositive(reference));
  if (!rates.every(usable)) {
    return invalidFinding(threshold, 'in some block no request was answered');
  }
  return threshold.against === 'baseline'
    ? relative(threshold, evidence, rates)
    : absolute(threshold, evidence, rates);
}

function relative(threshold: Threshold, evidence: Evidence, rates: readonly Couple[]): Finding {
  const { levels, reportLevel } = evidence;
  // How much is lost, so that larger is worse as everywhere.
  const loss = estimateLocation(
    rates.map(({ reference, subject }) => Math.log(reference / subject)),
  );
  if (loss === undefined) return invalidFinding(threshold, SAME);
  const { limit } = frame(threshold);
  const bound = -Math.log1p(-Math.min(limit, 1));
  const proven = levels.final ? 0 : bound;
  return {
    ...frame(threshold),
    effect: Math.expm1(-loss.estimate),
    low: Math.expm1(-upperBound(loss, reportLevel)),
    high: Math.expm1(-lowerBound(loss, reportLevel)),
    minimumDetectableEffect: -Math.expm1(-detectableShift(loss, levels.breach)),
    ...values(rates, true),
    holds: upperBound(loss, levels.pass) < bound,
    breachP: loss.estimate >= bound ? pAbove(loss, proven) : 1,
  };
}

/** In parts of the limit: 1.2 is 20 % more than it asks for. */
function absolute(threshold: Threshold, evidence: Evidence, rates: readonly Couple[]): Finding {
  const { hasReference, levels, reportLevel } = evidence;
  const { limit } = frame(threshold);
  const shortfall = (rate: (couple: Couple) => number): ReturnType<typeof estimateLocation> =>
    estimateLocation(rates.map((couple) => Math.log(limit / rate(couple))));
  const subject = shortfall((couple) => couple.subject);
  if (subject === undefined) return invalidFinding(threshold, SAME);
  const p = subject.estimate >= 0 ? pAbove(subject, 0) : 1;
  const both =
    hasReference && (shortfall((couple) => couple.reference)?.estimate ?? -Infinity) >= 0;
  const shown = values(rates, hasReference);
  return {
    ...frame(threshold),
    unit: 'ratio',
    limit: 1,
    effect: Math.exp(-subject.estimate),
    low: Math.exp(-upperBound(subject, reportLevel)),
    high: Math.exp(-lowerBound(subject, reportLevel)),
    ...shown,
    holds: upperBound(subject, levels.pass) < 0,
    note: `that is of the ${limit}/s asked for: ${shown.candidate.toFixed(0)} answers per second`,
    ...(both ? { breachP: 1, bothP: p } : { breachP: p }),
  };
}

const SAME = 'the capacity is the same in every block: real ones vary';

function values(
  rates: readonly Couple[],
  hasReference: boolean,
): Pick<Finding, 'valueUnit' | 'baseline'> & { readonly candidate: number } {
  const mean = (of: (couple: Couple) => number): number =>
    rates.reduce((sum, couple) => sum + of(couple), 0) / rates.length;
  return {
    ...(hasReference ? { baseline: mean(({ reference }) => reference) } : {}),
    candidate: mean(({ subject }) => subject),
    valueUnit: 'per-second',
  };
}

function couplesOf(blocks: readonly CapacityBlock[]): ReadonlyMap<ArmName, CapacityBlock>[] {
  const couples = new Map<number, Map<ArmName, CapacityBlock>>();
  for (const block of blocks) {
    const couple = couples.get(block.couple) ?? new Map<ArmName, CapacityBlock>();
    couples.set(block.couple, couple.set(block.arm, block));
  }
  return [...couples.values()];
}

function isPositive(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}
