/** Sorts a measurement's samples into windows: which count, which were dropped, which hold the planted block. */
import type { ArmName, Measurement, Sample } from '../load/sample.ts';
import { ArmWindow, Names, type Columns, type Dictionaries } from './arm-window.ts';
import { unfitReason, type FitnessLimits } from './fitness.ts';

/** Reference and subject of a comparison: baseline and candidate, or in tuning candidate and challenger. */
export interface ComparedArms {
  readonly reference: ArmName;
  readonly subject: ArmName;
}

export const codeArms: ComparedArms = { reference: 'baseline', subject: 'candidate' };

export interface ComparedWindow {
  readonly window: number;
  readonly reference: ArmWindow;
  readonly subject: ArmWindow;
}

/** A window with the planted delay: the reference arm without and with it. */
export interface PlantedWindow {
  readonly window: number;
  readonly reference: ArmWindow;
  readonly planted: ArmWindow;
}

export interface SortedMeasurement {
  /** Windows that count, in order. */
  readonly counted: readonly ComparedWindow[];
  readonly dropped: readonly { readonly window: number; readonly reason: string }[];
  /** Fit windows of the planted block, in order. */
  readonly planted: readonly PlantedWindow[];
  /** What cannot be true of a measurement; any entry makes it invalid. */
  readonly oddities: readonly string[];
}

/** Longer than any time-out: an absurd latency, an hour in microseconds. */
const ABSURD_US = 3_600_000_000;

/** @param unwatched whether windows count in which nobody watched what other processes used */
export function sortMeasurement(
  measurement: Measurement,
  arms: ComparedArms,
  limits: FitnessLimits,
  unwatched: 'unfit' | 'allowed' = 'unfit',
): SortedMeasurement {
  const oddities = findOddities(measurement);
  const unfit = new Map<number, string>();
  for (const fitness of measurement.fitness) {
    const reason = unfitReason(fitness, limits, unwatched);
    if (reason !== undefined) unfit.set(fitness.window, reason);
  }
  const reported = new Set(measurement.fitness.map(({ window }) => window));
  const counted: ComparedWindow[] = [];
  const dropped: { window: number; reason: string }[] = [];
  const planted: PlantedWindow[] = [];
  const names: Dictionaries = { kinds: new Names(), launches: new Names() };
  const nothing = new ArmWindow(emptyColumns(0), names);
  const columns = toColumns(measurement.samples, names);
  for (const [window, byArm] of [...columns].sort(([a], [b]) => a - b)) {
    const of = (arm: ArmName): ArmWindow => {
      const own = byArm.get(arm);
      return own === undefined ? nothing : new ArmWindow(own, names);
    };
    const reason =
      unfit.get(window) ??
      (reported.size > 0 && !reported.has(window) ? 'the sender did not report on it' : undefined);
    if (byArm.has('planted')) {
      if (reason === undefined) {
        planted.push({ window, reference: of(arms.reference), planted: of('planted') });
      }
      // Other tools plant beside the comparison.
      if (!byArm.has(arms.reference) || !byArm.has(arms.subject)) continue;
    }
    if (!byArm.has(arms.reference) && !byArm.has(arms.subject)) continue;
    if (reason !== undefined) dropped.push({ window, reason });
    else counted.push({ window, reference: of(arms.reference), subject: of(arms.subject) });
  }
  return { counted, dropped, planted: withReferences(planted, counted), oddities };
}

/** A planted window without a baseline of its own is held against the nearest that there is, each once. */
function withReferences(
  planted: readonly PlantedWindow[],
  counted: readonly ComparedWindow[],
): PlantedWindow[] {
  const left = counted.filter(({ reference }) => reference.length > 0);
  return planted.map((own) => {
    if (own.reference.length > 0) return own;
    const nearest = left.reduce<ComparedWindow | undefined>(
      (best, one) =>
        best === undefined || Math.abs(one.window - own.window) < Math.abs(best.window - own.window)
          ? one
          : best,
      undefined,
    );
    if (nearest === undefined) return own;
    left.splice(left.indexOf(nearest), 1);
    return { ...own, reference: nearest.reference };
  });
}

/** What was measured when `look` windows counted: those, and the spoilt ones in between. */
export function upToLook(sorted: SortedMeasurement, look: number): SortedMeasurement {
  if (look >= sorted.counted.length) return sorted;
  const counted = sorted.counted.slice(0, Math.max(0, look));
  const last = counted.at(-1)?.window ?? -1;
  return { ...sorted, counted, dropped: sorted.dropped.filter(({ window }) => window < last) };
}

/** Seconds from the first to the last intended send of these windows; 0 without requests. */
export function spanSeconds(windows: readonly ComparedWindow[]): number {
  let first = Infinity;
  let last = -Infinity;
  for (const { reference, subject } of windows) {
    for (const { intendedUs } of [reference, subject]) {
      for (const at of intendedUs) {
        if (at < first) first = at;
        if (at > last) last = at;
      }
    }
  }
  return last > first ? (last - first) / 1e6 : 0;
}

/** Two passes, so that every column gets the length it needs at once. */
function toColumns(
  samples: readonly Sample[],
  names: Dictionaries,
): Map<number, Map<ArmName, Columns>> {
  const counts: number[] = [];
  const groups = new Map<number, Map<ArmName, number>>();
  const groupOf = new Int32Array(samples.length).fill(-1);
  let recent: { window: number; byArm: Map<ArmName, number> } | undefined;
  for (const [row, { window, arm }] of samples.entries()) {
    if (!(window >= 0)) continue;
    if (recent?.window !== window) {
      let byArm = groups.get(window);
      if (byArm === undefined) {
        byArm = new Map<ArmName, number>();
        groups.set(window, byArm);
      }
      recent = { window, byArm };
    }
    let group = recent.byArm.get(arm);
    if (group === undefined) {
      group = counts.length;
      counts.push(0);
      recent.byArm.set(arm, group);
    }
    groupOf[row] = group;
    counts[group] = (counts[group] ?? 0) + 1;
  }
  const columns = counts.map(emptyColumns);
  const filled = new Uint32Array(counts.length);
  for (const [row, sample] of samples.entries()) {
    const group = groupOf[row] ?? -1;
    const own = columns[group];
    if (own === undefined) continue;
    const next = filled[group] ?? 0;
    filled[group] = next + 1;
    own.latencyMs[next] = sample.status === 'ok' ? sample.latencyUs / 1000 : Infinity;
    own.intendedUs[next] = sample.intendedUs;
    own.kind[next] = names.kinds.number(sample.kind);
    own.launch[next] = names.launches.number(sample.launch);
  }
  return new Map(
    [...groups].map(([window, byArm]) => [
      window,
      new Map([...byArm].map(([arm, group]) => [arm, columns[group] ?? emptyColumns(0)])),
    ]),
  );
}

function emptyColumns(length: number): Columns {
  return {
    latencyMs: new Float64Array(length),
    intendedUs: new Float64Array(length),
    kind: new Uint32Array(length),
    launch: new Uint32Array(length),
  };
}

function findOddities(measurement: Measurement): string[] {
  if (measurement.samples.length === 0) return ['there are no samples'];
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
