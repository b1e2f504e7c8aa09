/** The text of `speed-gate-samples/1`, one line at a time. Described in docs/samples.md. Pure. */
import {
  armNames,
  measurementEnds,
  type ArmName,
  type Measurement,
  type MeasurementEnd,
  type Sample,
  type SenderCounters,
  type WindowFitness,
} from './sample.ts';

export const FORMAT = 'speed-gate-samples/1';
/** Written when a held planted block could begin. */
export const PLANTED_HELD = '# planted-block: waits for its delay';
export const HEADER = 'arm,launch,window,kind,intended_us,latency_us,status';

/** Field values need no quoting: what is not plain becomes `_`. */
const NOT_PLAIN = /[^A-Za-z0-9._:@/-]/g;

/** A launch or status as it may stand in a field: at most 64 plain characters, `-` for nothing. */
export function plainField(text: string | undefined): string {
  if (text === undefined || text === '') return '-';
  return text.slice(0, 64).replace(NOT_PLAIN, '_');
}

export function formatSample(sample: Sample): string {
  const { arm, launch, window, kind, intendedUs, latencyUs, status } = sample;
  return `${arm},${launch},${window},${kind},${Math.round(intendedUs)},${Math.round(latencyUs)},${status}`;
}

export function formatFitness(fitness: WindowFitness): string {
  const { window, latenessP99Us, runQueueShare, foreignCores, sent, received, waited } = fitness;
  const { contained, missingWorkers } = fitness;
  const fields = [
    `window=${window}`,
    `lateness-p99-us=${Math.round(latenessP99Us)}`,
    `run-queue-share=${rounded(runQueueShare)}`,
    ...(foreignCores === undefined ? [] : [`foreign-cores=${rounded(foreignCores)}`]),
    `sent=${sent}`,
    `received=${received}`,
    ...(waited === undefined ? [] : [`waited=${waited}`]),
    ...(contained === true ? ['contained=1'] : []),
    ...(missingWorkers === undefined ? [] : [`missing-workers=${missingWorkers}`]),
  ];
  return `# fitness: ${fields.join(' ')}`;
}

export function formatCounters(counters: SenderCounters): string[] {
  return [
    `# sent: ${counters.sent}`,
    `# received: ${counters.received}`,
    `# in-flight: ${counters.inFlight}`,
    `# sender-cpu-seconds: ${rounded(counters.cpuSeconds)}`,
  ];
}

/** Everything about a measurement that is not a sample, a window's fitness or a counter. */
export type Metadata = Omit<Measurement, 'samples' | 'fitness' | 'counters' | 'windowsPlanned'> & {
  readonly windowsPlanned?: number;
};

export function formatMetadata(metadata: Metadata): string[] {
  const { windowsPlanned, replacements, plantedDelayUs, steady, ended, cpuSeconds } = metadata;
  return [
    ...(windowsPlanned === undefined ? [] : [`# windows-planned: ${windowsPlanned}`]),
    ...(replacements === undefined ? [] : [`# replacements: ${replacements}`]),
    ...(plantedDelayUs === undefined ? [] : [`# planted-delay-us: ${plantedDelayUs}`]),
    ...(steady === undefined ? [] : [`# steady: ${steady}`]),
    ...(ended === undefined ? [] : [`# ended: ${ended}`]),
    ...Object.entries(cpuSeconds ?? {}).map(
      ([arm, seconds]) => `# arm-cpu-seconds: ${arm}=${seconds}`,
    ),
  ];
}

const arms: ReadonlySet<string> = new Set(armNames);
export function isArmName(text: string): text is ArmName {
  return arms.has(text);
}

const ends: ReadonlySet<string> = new Set(measurementEnds);
export function isMeasurementEnd(text: string): text is MeasurementEnd {
  return ends.has(text);
}

/** `ok`, an HTTP status >= 400, or an error word of lower-case letters, digits and dashes. */
export function isStatus(text: string): boolean {
  return /^[a-z][a-z0-9-]{0,39}$/.test(text) || /^[4-9][0-9]{2}$/.test(text);
}

/** Six decimals are enough for a share or a count of seconds. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
