/** Sentences for people, as in: "p99 is 1.8 % slower (plausible range -0.9 to +4.3 %). Limit +5 %: met." */
import type { Finding } from './finding.ts';
import type { ControlOutcome, JudgedCause, Outcome, ThresholdOutcome } from './judgement.ts';
import { milliseconds, percent, signedPercent } from './numbers.ts';
import { metricName, type Threshold } from './threshold.ts';

export function describeOutcome(finding: Finding, outcome: Outcome): string {
  const { threshold } = finding;
  const name = subjectOf(threshold);
  if (finding.invalid !== undefined) return `${name} cannot be judged: ${finding.invalid}.`;
  const parts = [
    `${describeEffect(finding)}.`,
    ...(finding.note === undefined ? [] : [`${capital(finding.note)}.`]),
    `Limit ${limitOf(finding)}: ${describe(finding, outcome)}.`,
  ];
  return parts.join(' ');
}

export function describeSummary(
  cause: JudgedCause,
  outcomes: readonly ThresholdOutcome[],
  broken: readonly ControlOutcome[],
  unjudged: readonly string[],
): string {
  const rest =
    unjudged.length === 0
      ? ''
      : ` Without a baseline ${unjudged.join(' and ')} could not be judged.`;
  const of = (outcome: Outcome): string =>
    outcomes
      .filter((one) => one.outcome === outcome)
      .map(({ sentence }) => sentence)
      .join(' ');
  switch (cause) {
    case 'met':
      return `${outcomes.length === 1 ? 'The threshold is' : `All ${outcomes.length} thresholds are`} met.${rest}`;
    case 'breached':
      return `Breached: ${of('breached')}${rest}`;
    case 'inconclusive': {
      const unsteady = broken.find(({ control }) => control === 'steady');
      const why = unsteady === undefined ? of('inconclusive') : `${capital(unsteady.sentence)}.`;
      return `Not decided: ${why}${rest}`;
    }
    case 'invalid': {
      const unsound = broken.filter(({ control }) => control !== 'steady');
      // A control that could not run is a consequence, as long as another one names the cause.
      const ran = unsound.filter(({ notRun }) => notRun !== true);
      const failed = ran.length > 0 ? ran : unsound;
      const why =
        failed.length > 0
          ? failed.map(({ control, sentence }) => `${control}: ${sentence}.`).join(' ')
          : outcomes.length === 0
            ? 'there is no threshold to judge by.'
            : of('invalid');
      return `Not a valid measurement: ${why}${rest}`;
    }
  }
}

function describeEffect(finding: Finding): string {
  const { threshold, effect, low, high } = finding;
  const name = subjectOf(threshold);
  if (effect === undefined) return `${name} has no finite value`;
  const shown = (value: number): string => inUnit(finding, value);
  const range =
    low === undefined || high === undefined
      ? ''
      : ` (plausible range ${shown(low)} to ${shown(high)})`;
  if (threshold.against === 'absolute') return `${name} is ${shown(effect)}${range}`;
  const size = finding.unit === 'ms' ? milliseconds(Math.abs(effect)) : percent(Math.abs(effect));
  const [more, less] = comparatives(threshold);
  const change =
    effect === 0 ? 'the same as in the baseline' : `${size} ${effect > 0 ? more : less}`;
  return `${name} is ${change}${range}`;
}

function describe(finding: Finding, outcome: Outcome): string {
  switch (outcome) {
    case 'met':
      return 'met';
    case 'breached':
      return 'breached';
    case 'inconclusive': {
      const detectable = finding.minimumDetectableEffect;
      const hint =
        detectable === undefined
          ? ''
          : finding.threshold.against === 'absolute'
            ? ''
            : ` (this measurement could have shown ${inUnit(finding, detectable)})`;
      return `not decided${hint}`;
    }
    case 'invalid':
      return 'beyond it in both arms, so that it says nothing about the candidate';
  }
}

function subjectOf({ metric, kind }: Threshold): string {
  const of = kind === undefined ? '' : ` of ${kind}`;
  switch (metric.name) {
    case 'errors':
      return `the share of failed requests${of}`;
    case 'cpu_per_request':
      return 'CPU time per request';
    case 'latency':
    case 'throughput':
    case 'capacity':
      return metricName(metric) + of;
  }
}

function comparatives({ metric }: Threshold): readonly [string, string] {
  switch (metric.name) {
    case 'latency':
      return ['slower', 'faster'];
    case 'errors':
      return ['points higher', 'points lower'];
    case 'cpu_per_request':
    case 'throughput':
    case 'capacity':
      return ['higher', 'lower'];
  }
}

function limitOf({ threshold, unit, limit }: Finding): string {
  const sign =
    threshold.against === 'absolute' ? '' : threshold.operator.startsWith('<') ? '+' : '-';
  return `${sign}${unit === 'ms' ? milliseconds(limit) : percent(limit)}`;
}

function inUnit({ unit, threshold }: Finding, value: number): string {
  if (unit === 'ms') return milliseconds(value);
  return threshold.against === 'baseline' && unit === 'ratio'
    ? signedPercent(value)
    : percent(value);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
