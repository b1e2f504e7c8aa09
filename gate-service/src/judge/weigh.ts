/** From what was found about each threshold to outcomes: breaches weighed together by Holm. */
import { holm } from '../statistics/holm.ts';
import type { Evidence, Finding } from './finding.ts';
import type { Outcome, ThresholdOutcome } from './judgement.ts';
import type { LookLevels } from './looks.ts';
import { formatThreshold } from './threshold.ts';
import { describeOutcome } from './wording.ts';

/** Breaches are called by Holm over all thresholds; that all must be met needs no correction. */
export function weigh(
  findings: readonly Finding[],
  { levels, reportLevel: level }: Pick<Evidence, 'levels' | 'reportLevel'>,
  steady: boolean,
): ThresholdOutcome[] {
  const breached = holm(
    findings.map(({ breachP }) => breachP),
    levels.breach,
  );
  return findings.map((finding, index) => {
    const outcome = outcomeOf(finding, breached[index] === true, levels, steady);
    return {
      ...factsOf(finding),
      threshold: formatThreshold(finding.threshold),
      outcome,
      confidence: 1 - 2 * level,
      sentence: describeOutcome(finding, outcome),
    };
  });
}

function outcomeOf(
  finding: Finding,
  breached: boolean,
  levels: LookLevels,
  steady: boolean,
): Outcome {
  if (finding.invalid !== undefined) return 'invalid';
  const timed = finding.threshold.metric.name !== 'errors';
  if (breached) return steady || !timed ? 'breached' : 'inconclusive';
  if ((finding.bothP ?? 1) <= levels.breach) return 'invalid';
  return finding.holds && steady ? 'met' : 'inconclusive';
}

/** What an outcome shows of a finding. Infinite numbers have no place in JSON: they are left out. */
function factsOf(finding: Finding): Pick<ThresholdOutcome, 'unit' | 'limit'> {
  const {
    unit,
    limit,
    effect,
    low,
    high,
    minimumDetectableEffect,
    baseline,
    candidate,
    valueUnit,
    kinds,
  } = finding;
  const numbers = { effect, low, high, minimumDetectableEffect, baseline, candidate };
  const finite = Object.entries(numbers).filter(([, value]) => Number.isFinite(value));
  return {
    unit,
    limit,
    ...(Object.fromEntries(finite) as Partial<Record<keyof typeof numbers, number>>),
    ...(valueUnit === undefined ? {} : { valueUnit }),
    ...(kinds === undefined ? {} : { kinds }),
  };
}
