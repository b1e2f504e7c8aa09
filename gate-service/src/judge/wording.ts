/**
 * Sentences for people, as in: "p99 is 1.8 % slower (plausible range -0.9 % to +4.3 %). Limit +5 %: met.
 * Same build against itself: p99 +0.2 %. A planted delay of 10 ms was seen. 131 s."
 */
import type { Finding } from './finding.ts';
import type { ControlOutcome, JudgedCause, Outcome, ThresholdOutcome } from './judgement.ts';
import { milliseconds, percent, signedPercent } from './numbers.ts';
import type { Outlying } from './outlying.ts';
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

/** @param controls all of them: those that failed say why, the others how far the answer can be trusted */
export function describeSummary(
  cause: JudgedCause,
  outcomes: readonly ThresholdOutcome[],
  controls: readonly ControlOutcome[],
  unjudged: readonly string[],
): string {
  const rest =
    unjudged.length === 0
      ? ''
      : ` Without a baseline ${unjudged.join(' and ')} could not be judged.`;
  const trust = describeTrust(controls, outcomes);
  const broken = controls.filter(({ passed }) => !passed);
  const of = (outcome: Outcome): string =>
    outcomes
      .filter((one) => one.outcome === outcome)
      .map(({ sentence }) => sentence)
      .join(' ');
  switch (cause) {
    case 'met':
      return `${describeMet(outcomes)}${trust}${rest}`;
    case 'breached':
      return `Breached: ${of('breached')}${trust}${rest}`;
    case 'inconclusive': {
      const unsteady = broken.find(({ control }) => control === 'steady');
      const why = unsteady === undefined ? of('inconclusive') : `${capital(unsteady.sentence)}.`;
      return `Not decided: ${why}${trust}${rest}`;
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

/** As part of a sentence: in which windows the candidate alone stalled. */
export function describeStalls(
  { candidate, baseline, greatest }: Outlying,
  {
    windows,
    form,
    name,
  }: { readonly windows: number; readonly form: 'log' | 'ms'; readonly name: string },
): string {
  const where = `in ${candidate} of ${windows} windows the candidate alone`;
  const against = baseline === 0 ? '' : ` (the baseline alone in ${baseline})`;
  if (greatest === Infinity) return `${where} stalled or failed, up to having no ${name}${against}`;
  const size =
    form === 'ms'
      ? milliseconds(greatest)
      : `x${Math.exp(greatest).toPrecision(greatest < Math.log(10) ? 2 : 3)}`;
  return `${where} was up to ${size} slower in ${name}${against}`;
}

function describeMet(outcomes: readonly ThresholdOutcome[]): string {
  const [first, ...others] = outcomes.toSorted((a, b) => closeness(b) - closeness(a));
  if (first === undefined) return '';
  if (others.length === 0) return `The threshold is met: ${first.sentence}`;
  return `All ${outcomes.length} thresholds are met. Nearest to its limit: ${first.sentence}`;
}

/** How much of its limit an outcome uses up, at the bad end of its interval. */
function closeness({
  threshold,
  effect = 0,
  low = effect,
  high = effect,
  limit,
}: ThresholdOutcome): number {
  if (!threshold.includes('>')) return high / limit;
  return threshold.includes('baseline') ? -low / limit : limit / low;
}

/** What the controls of this very measurement showed, and how long it took. */
function describeTrust(
  controls: readonly ControlOutcome[],
  outcomes: readonly ThresholdOutcome[],
): string {
  const shown = controls.filter(
    ({ control, passed, notRun }) =>
      passed && notRun !== true && (control === 'same-build' || control === 'planted'),
  );
  const seconds = Math.max(0, ...outcomes.map((outcome) => outcome.seconds ?? 0));
  // Two thresholds of one quantile have one and the same to tell.
  const sentences = new Set(shown.map(({ sentence }) => sentence.replace(/ \(plausible.*$/, '')));
  return [
    ...[...sentences].map((sentence) => ` ${capital(sentence)}.`),
    ...(seconds > 0 ? [` ${seconds.toFixed(0)} s.`] : []),
  ].join('');
}

function describeEffect(finding: Finding): string {
  const { threshold, effect, low, high } = finding;
  const name = subjectOf(threshold);
  if (effect === undefined) return `${name} has no finite value`;
  const digits = digitsToTellApart(finding);
  const shown = (value: number): string => inUnit(finding, value, digits);
  const range =
    low === undefined || high === undefined
      ? ''
      : ` (plausible range ${shown(low)} to ${shown(high)})`;
  if (threshold.against === 'absolute') return `${name} is ${shown(effect)}${range}`;
  const size = (finding.unit === 'ms' ? milliseconds : percent)(Math.abs(effect), digits);
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

/** As written in the threshold. */
function limitOf({ limit, threshold: { against, amount, operator, unit } }: Finding): string {
  // Rates are told in parts of the limit; the note names it.
  if (unit === '/s') return percent(limit);
  const sign = against === 'absolute' ? '' : operator.startsWith('<') ? '+' : '-';
  return `${sign}${Number(amount.toFixed(6))} ${unit}`;
}

/** How many digits more it takes until no number that is not the limit looks like it. */
function digitsToTellApart(finding: Finding): number {
  const { limit, effect, low, high } = finding;
  const others = [effect, low, high].filter(
    (value) => value !== undefined && Number.isFinite(value) && Math.abs(value) !== limit,
  ) as number[];
  const alike = (more: number): boolean =>
    others.some((value) => inUnit(finding, Math.abs(value), more) === inUnit(finding, limit, more));
  let more = 0;
  while (more < MOST_DIGITS && alike(more)) more += 1;
  return more;
}

const MOST_DIGITS = 8;

function inUnit({ unit, threshold }: Finding, value: number, more = 0): string {
  if (unit === 'ms') return milliseconds(value, more);
  return threshold.against === 'baseline' && unit === 'ratio'
    ? signedPercent(value, more)
    : percent(value, more);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
