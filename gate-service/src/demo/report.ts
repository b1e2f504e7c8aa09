/** What the demo prints of a run. */
import type { EffectUnit, ThresholdOutcome } from '../judge/judgement.ts';
import type { RunView } from '../runs/run.ts';

function inUnit(value: number | undefined, unit: EffectUnit): string {
  if (value === undefined) return '?';
  if (unit === 'ms') return `${value.toFixed(1)} ms`;
  const signed = unit === 'ratio' && value >= 0 ? '+' : '';
  return `${signed}${(value * 100).toFixed(unit === 'share' ? 2 : 1)} %`;
}

function line(outcome: ThresholdOutcome): string {
  const { effect, high, kinds, low, threshold, unit } = outcome;
  const named = kinds === undefined || kinds.length === 0 ? '' : `  kind: ${kinds.join(', ')}`;
  const found =
    effect === undefined
      ? outcome.sentence
      : `${inUnit(effect, unit)}  [${inUnit(low, unit)} … ${inUnit(high, unit)}]${named}`;
  return `  ${outcome.outcome.padEnd(12)} ${threshold.padEnd(24)} ${found}`;
}

/** Decision and cause, each threshold with effect and interval, seconds by phase. */
export function describeRun(run: RunView): string[] {
  return [
    `${run.label ?? run.build.slice(0, 12)}: ${run.decision ?? '?'} (${run.cause ?? '?'}). ${run.summary ?? ''}`,
    ...run.evidence.map(line),
    ...run.shown.map((outcome) => `${line(outcome)}  (shown, not gated)`),
    `  seconds: ${run.phases
      .filter(({ phase }) => phase !== 'finished')
      .map(({ phase, seconds }) => `${phase} ${seconds.toFixed(1)}`)
      .join(', ')}`,
    ...(run.promotion?.steps.map(
      ({ outcome, sentence, weight }) => `  ${String(weight)} %: ${outcome}. ${sentence}`,
    ) ?? []),
  ];
}
