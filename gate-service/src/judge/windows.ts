/** Sorts a measurement's samples into windows: which count, which were dropped, which hold the planted block. */
import type { ArmName, Measurement, Sample } from '../load/sample.ts';
import { unfitReason, type FitnessLimits } from './fitness.ts';

/** Reference and subject of a comparison: baseline and candidate, or in tuning candidate and challenger. */
export interface ComparedArms {
  readonly reference: ArmName;
  readonly subject: ArmName;
}

export const codeArms: ComparedArms = { reference: 'baseline', subject: 'candidate' };

export interface ComparedWindow {
  readonly window: number;
  readonly reference: readonly Sample[];
  readonly subject: readonly Sample[];
}

export interface SortedMeasurement {
  /** Windows that count, in order. */
  readonly counted: readonly ComparedWindow[];
  readonly dropped: readonly { readonly window: number; readonly reason: string }[];
  /** Samples of fit windows with the planted delay, reference and planted arm. */
  readonly planted?: { readonly reference: readonly Sample[]; readonly planted: readonly Sample[] };
  /** What cannot be true of a measurement; any entry makes it invalid. */
  readonly oddities: readonly string[];
}

/** Longer than any time-out: an absurd latency, an hour in microseconds. */
const ABSURD_US = 3_600_000_000;

export function sortMeasurement(
  measurement: Measurement,
  arms: ComparedArms,
  limits: FitnessLimits,
): SortedMeasurement {
  const oddities = findOddities(measurement);
  const byWindow = groupByWindow(measurement.samples);
  const unfit = new Map<number, string>();
  for (const fitness of measurement.fitness) {
    const reason = unfitReason(fitness, limits);
    if (reason !== undefined) unfit.set(fitness.window, reason);
  }
  const reported = new Set(measurement.fitness.map(({ window }) => window));
  const counted: ComparedWindow[] = [];
  const dropped: { window: number; reason: string }[] = [];
  const reference: Sample[] = [];
  const planted: Sample[] = [];
  for (const [window, samples] of [...byWindow].sort(([a], [b]) => a - b)) {
    const reason =
      unfit.get(window) ??
      (reported.size > 0 && !reported.has(window) ? 'the sender did not report on it' : undefined);
    const plantedHere = samples.filter(({ arm }) => arm === 'planted');
    const referenceHere = samples.filter(({ arm }) => arm === arms.reference);
    if (plantedHere.length > 0) {
      if (reason !== undefined) continue;
      for (const sample of referenceHere) reference.push(sample);
      for (const sample of plantedHere) planted.push(sample);
      continue;
    }
    const subject = samples.filter(({ arm }) => arm === arms.subject);
    if (referenceHere.length === 0 && subject.length === 0) continue;
    if (reason !== undefined) dropped.push({ window, reason });
    else counted.push({ window, reference: referenceHere, subject });
  }
  return {
    counted,
    dropped,
    ...(planted.length > 0 ? { planted: { reference, planted } } : {}),
    oddities,
  };
}

/** Failed and timed out requests never came back: their latency is +∞. */
export function latencyMs(sample: Sample): number {
  return sample.status === 'ok' ? sample.latencyUs / 1000 : Infinity;
}

function groupByWindow(samples: readonly Sample[]): Map<number, Sample[]> {
  const windows = new Map<number, Sample[]>();
  for (const sample of samples) {
    if (sample.window < 0) continue;
    const list = windows.get(sample.window);
    if (list === undefined) windows.set(sample.window, [sample]);
    else list.push(sample);
  }
  return windows;
}

function findOddities(measurement: Measurement): string[] {
  const oddities: string[] = [];
  if (!Number.isInteger(measurement.windowsPlanned) || measurement.windowsPlanned < 1) {
    oddities.push(`the number of planned windows is ${measurement.windowsPlanned}`);
  }
  let impossible = 0;
  let example = '';
  for (const { latencyUs, intendedUs, window, status, arm } of measurement.samples) {
    const possible =
      latencyUs >= 0 &&
      latencyUs <= ABSURD_US &&
      intendedUs >= 0 &&
      Number.isFinite(intendedUs) &&
      Number.isInteger(window) &&
      status !== '';
    if (possible) continue;
    impossible += 1;
    if (impossible === 1) {
      example = `window ${window}, arm ${arm}: latency ${latencyUs} us, intended at ${intendedUs} us, status "${status}"`;
    }
  }
  if (impossible > 0) oddities.push(`${impossible} impossible samples (first: ${example})`);
  const repeated =
    measurement.fitness.length - new Set(measurement.fitness.map((f) => f.window)).size;
  if (repeated > 0) oddities.push(`${repeated} windows are reported twice`);
  return oddities;
}
