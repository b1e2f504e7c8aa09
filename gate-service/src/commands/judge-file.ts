/** Judges one stored sample file: what `speed-gate judge` says about it, as it is printed. */
import { secondsMeasured } from '../judge/contradictions.ts';
import { judgeSequentially } from '../judge/judge.ts';
import type { ControlOutcome, Judgement, ThresholdOutcome } from '../judge/judgement.ts';
import type { Threshold } from '../judge/threshold.ts';
import type { ComparedArms } from '../judge/windows.ts';
import { readSampleFile, SampleFileError } from '../load/sample-file.ts';
import type { ArmName, Measurement } from '../load/sample.ts';

export interface JudgingOptions {
  readonly thresholds: readonly Threshold[];
  readonly shown: readonly Threshold[];
  /** The planted block must be there and, in files that hold the sender's fitness, its whole evidence. */
  readonly controlsRequired: boolean;
  readonly seed: number;
  readonly arms: ComparedArms;
  /** Delay of the planted block, microseconds, where the file does not say. */
  readonly plantedDelayUs?: number;
  /** Said about every file. */
  readonly notes: readonly string[];
}

export interface EvidenceLine {
  readonly threshold: string;
  readonly outcome: ThresholdOutcome['outcome'];
  readonly unit: ThresholdOutcome['unit'];
  /** `ratio` and `share` as fractions (0.1 is +10 %), `ms` in milliseconds; null where nothing could be estimated. */
  readonly effect: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Smallest effect that this file could have shown. */
  readonly mde: number | null;
  readonly confidence: number;
  readonly sentence: string;
}

interface ControlLine {
  readonly control: ControlOutcome['control'];
  readonly passed: boolean;
  readonly notRun?: true;
  readonly sentence: string;
}

/** One line of the command's output. */
export interface FileReport {
  readonly file: string;
  readonly decision: Judgement['decision'];
  readonly cause: Judgement['cause'];
  /** Why the file could not be read or judged; everything else is empty then. */
  readonly error?: string;
  readonly evidence: readonly EvidenceLine[];
  readonly shown: readonly EvidenceLine[];
  readonly controls: readonly ControlLine[];
  readonly windows?: Judgement['windows'];
  /** Looks taken, and seconds of measured windows up to the deciding one. */
  readonly looks: number;
  readonly secondsUsed: number;
  /** What was taken for granted or could not be checked. */
  readonly notes: readonly string[];
  readonly summary?: string;
  readonly procedure?: string;
}

/** Never rejects: what goes wrong is the report's `error`. */
export async function judgeFile(file: string, options: JudgingOptions): Promise<FileReport> {
  try {
    return judgeMeasurement(file, await readSampleFile(file), options);
  } catch (error) {
    return {
      file,
      decision: 'rollback',
      cause: 'invalid',
      error: wordsOf(error),
      evidence: [],
      shown: [],
      controls: [],
      looks: 0,
      secondsUsed: 0,
      notes: options.notes,
    };
  }
}

/** Pure. */
export function judgeMeasurement(
  file: string,
  stored: Measurement,
  options: JudgingOptions,
): FileReport {
  const planned = stored.windowsPlanned > 0 ? stored.windowsPlanned : countWindows(stored, options);
  const delay = stored.plantedDelayUs ?? options.plantedDelayUs;
  const measurement: Measurement = {
    ...stored,
    windowsPlanned: planned,
    ...(delay === undefined ? {} : { plantedDelayUs: delay }),
  };
  const { judgement, looks, windows } = judgeSequentially(measurement, options.thresholds, {
    seed: options.seed,
    shown: options.shown,
    requirePlanted: options.controlsRequired,
    unknownDelay: true,
    // Only this service's sender reports its fitness: then nothing of its evidence may be missing.
    requireSender: options.controlsRequired && measurement.fitness.length > 0,
    requireSteady: false,
    arms: options.arms,
  });
  return {
    file,
    decision: judgement.decision,
    cause: judgement.cause,
    evidence: judgement.outcomes.map(evidenceLine),
    shown: judgement.shown.map(evidenceLine),
    controls: judgement.controls.map(controlLine),
    windows: judgement.windows,
    looks,
    secondsUsed: rounded(secondsMeasured(measurement.samples, windows)),
    notes: [...options.notes, ...whatIsMissing(measurement, judgement.controls)],
    summary: judgement.summary,
    procedure: judgement.procedure,
  };
}

/** Of a file that does not say and plants in every window: those in which both arms were sent to. */
function countWindows({ samples }: Measurement, { arms }: JudgingOptions): number {
  const windowsOf = (name: ArmName): Set<number> =>
    new Set(
      samples.filter(({ arm, window }) => arm === name && window >= 0).map(({ window }) => window),
    );
  const references = windowsOf(arms.reference);
  return [...windowsOf(arms.subject)].filter((window) => references.has(window)).length;
}

function evidenceLine(outcome: ThresholdOutcome): EvidenceLine {
  return {
    threshold: outcome.threshold,
    outcome: outcome.outcome,
    unit: outcome.unit,
    effect: outcome.effect ?? null,
    low: outcome.low ?? null,
    high: outcome.high ?? null,
    mde: outcome.minimumDetectableEffect ?? null,
    confidence: outcome.confidence,
    sentence: outcome.sentence,
  };
}

function controlLine({ control, passed, notRun, sentence }: ControlOutcome): ControlLine {
  return { control, passed, ...(notRun === undefined ? {} : { notRun }), sentence };
}

function whatIsMissing(
  measurement: Measurement,
  controls: readonly ControlOutcome[],
): readonly string[] {
  const unchecked = controls
    .filter(({ notRun, passed }) => notRun === true && passed)
    .map(({ control, sentence }) => `control "${control}" was ${sentence}`);
  return [
    ...unchecked,
    ...(measurement.steady === undefined
      ? ['nobody said whether the arms were steady after warm-up']
      : []),
    ...(measurement.samples.some(({ window }) => window < 0)
      ? []
      : ['the file holds no warm-up windows']),
  ];
}

function wordsOf(error: unknown): string {
  if (error instanceof SampleFileError) return error.message;
  return `the file could not be judged: ${error instanceof Error ? error.message : String(error)}`;
}

/** Milliseconds are enough. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
