/**
 * The judge: a measurement and thresholds in, outcomes and a decision out. Pure: the same
 * measurement, thresholds and options give the same judgement, whatever the order of the samples.
 * Method: measuring.md; what decides when is in latency.ts, errors.ts, rates.ts and looks.ts.
 */
import { countsControl, senderControl, steadyControl } from './controls.ts';
import { findErrors } from './errors.ts';
import { invalidFinding, type Evidence, type Finding } from './finding.ts';
import { defaultFitnessLimits, type FitnessLimits } from './fitness.ts';
import type {
  ControlOutcome,
  JudgedCause,
  Judgement,
  Outcome,
  ThresholdOutcome,
} from './judgement.ts';
import { findLatency } from './latency.ts';
import { levelsAt, lookSchedule, MINIMUM_WINDOWS, shouldStop, type LookLevels } from './looks.ts';
import type { JudgedMeasurement } from './measurement.ts';
import { plantedControl } from './planted.ts';
import { findCapacity, findCpu, findThroughput } from './rates.ts';
import { sameBuildControl } from './same-build.ts';
import { formatThreshold, type Threshold } from './threshold.ts';
import { codeArms, sortMeasurement, type ComparedArms, type SortedMeasurement } from './windows.ts';
import { weigh } from './weigh.ts';
import { describeSummary } from './wording.ts';

export const PROCEDURE = 'speed-gate-judge/1';

export interface JudgeOptions {
  /** Splits the baseline's samples for the same-build control. */
  readonly seed: number;
  /**
   * Measured windows at this look, dropped ones included; the planned number or more is the last
   * look. Absent: all windows there are, and no more will come.
   */
  readonly look?: number;
  /** Measured and shown, never deciding. */
  readonly shown?: readonly Threshold[];
  /** A missing planted block makes the measurement invalid. Default false. */
  readonly requirePlanted?: boolean;
  /** Missing fitness reports or counters make it invalid. Default true. */
  readonly requireSender?: boolean;
  /** False: there is no baseline arm, only absolute limits are judged. Default true. */
  readonly baseline?: boolean;
  /** From the warm-up; `undefined` falls back on the measurement's own word. */
  readonly steady?: boolean;
  /**
   * Of the reported intervals, two-sided, 0–1. Absent: the interval that decides at this look, so
   * that what is met lies within its limit.
   */
  readonly confidence?: number;
  readonly arms?: ComparedArms;
  readonly fitness?: FitnessLimits;
}

/**
 * @throws RangeError for a confidence outside 0–1; never because of the measurement
 */
export function judge(
  measurement: JudgedMeasurement,
  thresholds: readonly Threshold[],
  options: JudgeOptions,
): Judgement {
  const limits = options.fitness ?? defaultFitnessLimits;
  const arms = options.arms ?? codeArms;
  const planned = plannedWindows(measurement);
  const gathered = sortMeasurement(measurement, arms, limits);
  const sorted = options.look === undefined ? gathered : upTo(gathered, options.look);
  const final = options.look === undefined || options.look >= planned;
  const levels = levelsAt(Math.max(1, sorted.counted.length), planned, final);
  const hasReference = options.baseline !== false;
  const evidence: Evidence = {
    windows: sorted.counted,
    levels,
    reportLevel: reportLevel(options.confidence, levels),
    hasReference,
  };
  const judged = thresholds.filter(({ against }) => hasReference || against === 'absolute');
  const unjudged = thresholds.filter((threshold) => !judged.includes(threshold));
  const controls = [
    ...(hasReference ? sameBuildControls(judged, gathered, options.seed) : []),
    plantedControl(measurement, gathered, options.requirePlanted === true),
    senderControl(measurement, sorted, {
      droppedShare: limits.droppedShare,
      required: options.requireSender !== false,
      final,
    }),
    countsControl(measurement, gathered, options.requireSender !== false),
    ...[steadyControl(options.steady ?? measurement.steady)].filter((one) => one !== undefined),
  ];
  const steady = !controls.some(({ control, passed }) => control === 'steady' && !passed);
  // On samples that cannot be, nothing rests: not even an outcome that looks fine.
  const [oddity] = gathered.oddities;
  const find = (threshold: Threshold): Finding =>
    oddity === undefined
      ? findOne(threshold, evidence, measurement, arms)
      : invalidFinding(threshold, oddity);
  const conclude = (list: readonly Threshold[]): ThresholdOutcome[] =>
    weigh(list.map(find), evidence, steady);
  const outcomes = conclude(judged);
  const cause = causeOf(outcomes, controls);
  return {
    decision: cause === 'met' ? 'pass' : 'rollback',
    cause,
    outcomes,
    shown: (options.shown ?? []).flatMap((threshold) => conclude([threshold])),
    controls,
    windows: { planned, counted: sorted.counted.length, dropped: sorted.dropped.length },
    summary: describeSummary(
      cause,
      outcomes,
      controls.filter(({ passed }) => !passed),
      unjudged.map(formatThreshold),
    ),
    procedure: PROCEDURE,
  };
}

/** A judgement with the look at which it was final. */
export interface SequentialJudgement {
  readonly judgement: Judgement;
  /** How many looks were taken. */
  readonly looks: number;
  /** Windows measured up to that look. */
  readonly windows: number;
}

/** Judges a stored measurement with the looks that the live run takes: ends at the first that settles it. */
export function judgeSequentially(
  measurement: JudgedMeasurement,
  thresholds: readonly Threshold[],
  options: Omit<JudgeOptions, 'look'>,
): SequentialJudgement {
  const { counted, dropped } = sortMeasurement(
    measurement,
    options.arms ?? codeArms,
    options.fitness ?? defaultFitnessLimits,
  );
  const measured = counted.length + dropped.length;
  const planned = plannedWindows(measurement);
  const interim = lookSchedule(planned).filter((look) => look < planned && look <= measured);
  for (const [index, look] of interim.entries()) {
    const judgement = judge(measurement, thresholds, { ...options, look });
    if (shouldStop(judgement)) return { judgement, looks: index + 1, windows: look };
  }
  return {
    judgement: judge(measurement, thresholds, options),
    looks: interim.length + 1,
    windows: measured,
  };
}

function plannedWindows({ windowsPlanned }: JudgedMeasurement): number {
  return Number.isInteger(windowsPlanned) && windowsPlanned > 0 ? windowsPlanned : 1;
}

/** The first `look` measured windows; decided by their numbers alone. */
function upTo(sorted: SortedMeasurement, look: number): SortedMeasurement {
  const numbers = [...sorted.counted, ...sorted.dropped].map(({ window }) => window);
  const last = numbers.sort((a, b) => a - b)[look - 1] ?? Infinity;
  return {
    ...sorted,
    counted: sorted.counted.filter(({ window }) => window <= last),
    dropped: sorted.dropped.filter(({ window }) => window <= last),
  };
}

function reportLevel(confidence: number | undefined, levels: LookLevels): number {
  if (confidence === undefined) return levels.pass;
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`a confidence lies between 0 and 1, not at ${confidence}`);
  }
  return (1 - confidence) / 2;
}

function sameBuildControls(
  thresholds: readonly Threshold[],
  gathered: SortedMeasurement,
  seed: number,
): ControlOutcome[] {
  return thresholds
    .filter(({ metric, against }) => metric.name === 'latency' && against === 'baseline')
    .map((threshold) => sameBuildControl(threshold, gathered.counted, seed));
}

function findOne(
  threshold: Threshold,
  evidence: Evidence,
  measurement: JudgedMeasurement,
  arms: ComparedArms,
): Finding {
  const { length } = evidence.windows;
  if (length < MINIMUM_WINDOWS) {
    return invalidFinding(threshold, `${length} windows count, at least ${MINIMUM_WINDOWS} must`);
  }
  switch (threshold.metric.name) {
    case 'latency':
      return findLatency(threshold, evidence);
    case 'errors':
      return findErrors(threshold, evidence);
    case 'throughput':
      return findThroughput(threshold, evidence);
    case 'cpu_per_request':
      return findCpu(threshold, evidence, measurement, arms);
    case 'capacity':
      return findCapacity(threshold);
  }
}

function causeOf(
  outcomes: readonly ThresholdOutcome[],
  controls: readonly ControlOutcome[],
): JudgedCause {
  const has = (wanted: Outcome): boolean => outcomes.some(({ outcome }) => outcome === wanted);
  if (controls.some(({ control, passed }) => control !== 'steady' && !passed)) return 'invalid';
  if (has('breached')) return 'breached';
  if (has('invalid') || outcomes.length === 0) return 'invalid';
  if (has('inconclusive') || controls.some(({ passed }) => !passed)) return 'inconclusive';
  return 'met';
}
