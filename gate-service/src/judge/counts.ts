/** Control `counts`: what was recorded must be what was sent, to both arms alike, answered by nodes of their own. */
import type { ArmWindow } from './arm-window.ts';
import { notRun } from './controls.ts';
import type { ControlOutcome } from './judgement.ts';
import type { JudgedMeasurement } from './measurement.ts';
import type { SortedMeasurement } from './windows.ts';

export interface CountsOptions {
  /** The measurement is one of this service's sender: counters must be there, pairs are whole. */
  readonly strict: boolean;
  readonly hasReference: boolean;
  /** From contradictions.ts, where it was asked. */
  readonly contradictions: readonly string[];
}

/** Requests must add up, and nothing may be recorded that cannot have happened. */
export function countsControl(
  measurement: JudgedMeasurement,
  sorted: SortedMeasurement,
  { strict, hasReference, contradictions }: CountsOptions,
): ControlOutcome {
  const [odd] =
    sorted.oddities.length > 0
      ? [`the samples hold what cannot be: ${sorted.oddities.join('; ')}`]
      : [
          ...(hasReference ? unequalArms(sorted, strict) : []),
          ...missingRows(measurement),
          ...(contradictions.length > 0 ? [contradictions.join('; ')] : []),
          // Without a baseline the candidate may stand on both sides.
          ...(hasReference ? sharedLaunches(sorted, strict) : []),
          ...wrongCounters(measurement),
        ];
  if (odd !== undefined) return { control: 'counts', passed: false, sentence: odd };
  const { counters } = measurement;
  if (counters === undefined) return notRun('counts', !strict, 'the sender left no counters');
  return {
    control: 'counts',
    passed: true,
    sentence: `requests add up: ${counters.sent} sent, ${counters.received} received, ${counters.inFlight} in flight at the end`,
  };
}

function wrongCounters({ counters, samples }: JudgedMeasurement): string[] {
  if (counters === undefined) return [];
  const { sent, received, inFlight } = counters;
  if (![sent, received, inFlight].every((count) => Number.isInteger(count) && count >= 0)) {
    return [
      `the sender's counters are impossible: sent ${sent}, received ${received}, in flight ${inFlight}`,
    ];
  }
  if (sent !== received + inFlight) {
    return [
      `the sender's counters contradict each other: ${sent} sent, but ${received} received and ${inFlight} in flight`,
    ];
  }
  if (samples.length > sent) {
    return [`${samples.length} samples are recorded, but only ${sent} requests were sent`];
  }
  if (inFlight > Math.max(10, 0.01 * sent)) {
    return [
      `${inFlight} of ${sent} requests were never answered nor given up: the slowest would be missing`,
    ];
  }
  return [];
}

/** Each pair goes to both arms: clearly unequal counts mean that samples of one are missing. */
function unequalArms({ counted }: SortedMeasurement, strict: boolean): string[] {
  const kinds = new Map<string, { subject: number; reference: number }>();
  let [subject, reference] = [0, 0];
  const empty: string[] = [];
  for (const window of counted) {
    subject += window.subject.length;
    reference += window.reference.length;
    for (const side of ['subject', 'reference'] as const) {
      for (const [kind, { total }] of window[side].tallies()) {
        const known = kinds.get(kind) ?? { subject: 0, reference: 0 };
        known[side] += total;
        kinds.set(kind, known);
      }
      const other = window[side === 'subject' ? 'reference' : 'subject'];
      if (window[side].length === 0 && other.length >= FEW) {
        const arm = side === 'subject' ? 'candidate' : 'baseline';
        empty.push(`window ${window.window} holds no row of the ${arm}`);
      }
    }
  }
  // An arm that is missing altogether is the thresholds' to name.
  if (subject === 0 || reference === 0) return [];
  const [first] = empty;
  if (first !== undefined) return [first];
  if (apart(subject, reference) > (strict ? 0.02 : 0.05)) {
    return [
      `the arms got unequal numbers of requests: baseline ${reference}, candidate ${subject}`,
    ];
  }
  for (const [kind, counts] of kinds) {
    // Where requests were drawn for each arm apart, the mix varies by chance.
    const chance = strict ? 0 : 5 * Math.sqrt(counts.subject + counts.reference);
    if (apart(counts.subject, counts.reference, chance) <= (strict ? 0.02 : 0.05)) continue;
    return [
      `the arms got different mixes of requests: of kind "${kind}" baseline ${counts.reference}, candidate ${counts.subject}`,
    ];
  }
  return [];
}

/** So many requests say nothing by their number. */
const FEW = 10;

/** By which part two counts differ, beyond a few and what chance explains. */
function apart(one: number, other: number, chance = 0): number {
  return Math.max(0, Math.abs(one - other) - FEW - chance) / Math.max(one, other, 1);
}

/** The sender counts what it records: a window with other rows than its report says is not whole. */
function missingRows({ fitness, samples }: JudgedMeasurement): string[] {
  if (fitness.length === 0) return [];
  const rows = new Map<number, number>();
  for (const { window } of samples) rows.set(window, (rows.get(window) ?? 0) + 1);
  for (const { window, received } of fitness) {
    const own = rows.get(window) ?? 0;
    // Warm-up may have been left out of a file.
    if (window < 0 || own === received || !Number.isFinite(received)) continue;
    return [
      `the sender received ${received} answers in window ${window}, but ${own} rows are recorded`,
    ];
  }
  return [];
}

/** A number within an arm, as other tools name launches: no name of a node. */
const INDEX = /^[a-z]{0,8}[-_]?\d{1,4}$/i;

/** No node runs both builds, and none of the candidate's answers the planted block. */
function sharedLaunches({ counted, planted }: SortedMeasurement, strict: boolean): string[] {
  const names = (windows: readonly ArmWindow[]): Set<string> =>
    new Set(windows.flatMap((window) => window.launches()));
  const subjects = names(counted.map(({ subject }) => subject));
  subjects.delete('-');
  const of = (windows: readonly ArmWindow[]): string | undefined =>
    [...names(windows)].find((name) => subjects.has(name) && (strict || !INDEX.test(name)));
  const both = of(counted.map(({ reference }) => reference));
  if (both !== undefined) {
    return [`both arms were answered by ${both}: what was compared is one build with itself`];
  }
  const delayed = of(planted.map((window) => window.planted));
  if (delayed !== undefined) {
    return [
      `the planted block, which goes to the baseline, was answered by ${delayed} of the candidate`,
    ];
  }
  return [];
}
