/**
 * The judge: a measurement and thresholds in, outcomes and a decision out. Pure: the same
 * measurement, thresholds and options give the same judgement, whatever the order of the samples.
 * Method: measuring.md; what decides when is in latency.ts, errors.ts, rates.ts and looks.ts.
 */
import { findCapacity } from './capacity.ts';
import { findContradictions } from './contradictions.ts';
import { senderControl, steadyControl } from './controls.ts';
import { countsControl } from './counts.ts';
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
import { nodesControl } from './nodes.ts';
import { plantedControl } from './planted.ts';
import { findCpu, findThroughput } from './rates.ts';
import { sameBuildControl } from './same-build.ts';
import { formatThreshold, type Threshold } from './threshold.ts';
import {
  codeArms,
  sortMeasurement,
  spanSeconds,
  upToLook,
  type ComparedArms,
  type SortedMeasurement,
} from './windows.ts';
import { weigh } from './weigh.ts';
import { describeSummary } from './wording.ts';

export const PROCEDURE = 'speed-gate-judge/2';

export interface JudgeOptions {
  /** Splits the baseline's samples for the same-build control. */
  readonly seed: number;
  /**
   * Counted (fit) windows at this look; the planned number or more is the last look. Absent: all
   * windows there are, and no more will come.
   */
  readonly look?: number;
  /**
   * Nothing more will come, so that this look is the last one. Default: `look` is absent or reaches
   * the planned number, or the sender sent all it should (`ended` planned or max-seconds) and no
   * further window counts.
   */
  readonly final?: boolean;
  /** Measured and shown, never deciding. */
  readonly shown?: readonly Threshold[];
  /** A missing planted block makes the measurement invalid. Default false. */
  readonly requirePlanted?: boolean;
  /** A planted block is judged also where nobody says how long the delay was. Default false. */
  readonly unknownDelay?: boolean;
  /** Missing fitness reports, watch over other processes, or counters make it invalid. Default true. */
  readonly requireSender?: boolean;
  /** Somebody must have said that warm-up became steady. Default: as `requireSender`. */
  readonly requireSteady?: boolean;
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
  return judgeSorted(measurement, sortFor(measurement, options), thresholds, options);
}

/** Sorted once, however many looks are taken at it. */
function sortFor(
  measurement: JudgedMeasurement,
  { arms = codeArms, fitness = defaultFitnessLimits, requireSender }: Omit<JudgeOptions, 'seed'>,
): SortedMeasurement {
  const unwatched = requireSender === false ? 'allowed' : 'unfit';
  return sortMeasurement(measurement, arms, fitness, unwatched);
}

/** @param options `interim` where only is asked whether to end, which nodes and single rows never decide */
function judgeSorted(
  measurement: JudgedMeasurement,
  gathered: SortedMeasurement,
  thresholds: readonly Threshold[],
  options: JudgeOptions & { readonly interim?: true },
): Judgement {
  const limits = options.fitness ?? defaultFitnessLimits;
  const arms = options.arms ?? codeArms;
  const planned = plannedWindows(measurement);
  const sorted = upToLook(gathered, options.look ?? Infinity);
  const final = options.final ?? isLast(measurement, gathered, planned, options.look);
  const levels = levelsAt(sorted.counted.length, planned, final);
  const hasReference = options.baseline !== false;
  const evidence: Evidence = {
    windows: sorted.counted,
    levels,
    reportLevel: reportLevel(options.confidence, levels),
    hasReference,
  };
  const judged = thresholds.filter(({ against }) => hasReference || against === 'absolute');
  const unjudged = thresholds.filter((threshold) => !judged.includes(threshold));
  const strict = options.requireSender !== false;
  // While more is to come there is no time to look at every row, and no counters to hold them against.
  const whole = options.interim !== true && (final || measurement.counters !== undefined);
  const controls: ControlOutcome[] = [
    ...(hasReference ? sameBuildControls(judged, gathered, options.seed) : []),
    plantedControl(measurement, gathered, {
      required: options.requirePlanted === true,
      unknownDelay: options.unknownDelay === true,
    }),
    senderControl(measurement, sorted, {
      droppedShare: limits.droppedShare,
      required: strict,
      final,
    }),
    countsControl(measurement, gathered, {
      strict,
      hasReference,
      contradictions: whole ? findContradictions(measurement) : [],
    }),
    ...[
      steadyControl(options.steady ?? measurement.steady, options.requireSteady ?? strict),
    ].filter((one) => one !== undefined),
  ];
  const steady = !controls.some(({ control, passed }) => control === 'steady' && !passed);
  // On samples that cannot be, nothing rests: not even an outcome that looks fine.
  const [oddity] = gathered.oddities;
  const find = (threshold: Threshold): Finding =>
    oddity === undefined
      ? findOne(threshold, evidence, measurement, arms)
      : invalidFinding(threshold, oddity);
  const conclude = (list: readonly Threshold[]): ThresholdOutcome[] =>
    weigh(list.map(find), evidence, steady).map((outcome, index) => ({
      ...outcome,
      ...extentOf(list[index]?.kind, sorted),
    }));
  const outcomes = conclude(judged);
  if (hasReference && oddity === undefined && options.interim !== true) {
    controls.push(...nodeControls(judged, outcomes, sorted, levels));
  }
  const cause = causeOf(outcomes, controls);
  return {
    decision: cause === 'met' ? 'pass' : 'rollback',
    cause,
    outcomes,
    shown: (options.shown ?? []).flatMap((threshold) => conclude([threshold])),
    controls,
    windows: { planned, counted: sorted.counted.length, dropped: sorted.dropped.length },
    summary: describeSummary(cause, outcomes, controls, unjudged.map(formatThreshold)),
    procedure: PROCEDURE,
  };
}

/** A judgement with the look at which it was final. */
export interface SequentialJudgement {
  readonly judgement: Judgement;
  /** How many looks were taken. */
  readonly looks: number;
  /** Windows measured up to that look, dropped ones included. */
  readonly windows: number;
  /** From the first to the last intended send of those that count. */
  readonly seconds: number;
}

/**
 * Judges a stored measurement with the looks that the live run takes: whenever so many windows count
 * as a look asks for. Whether it ends there is decided as in the live run, on what was there at that
 * moment; what it then says rests on everything that was gathered.
 */
export function judgeSequentially(
  measurement: JudgedMeasurement,
  thresholds: readonly Threshold[],
  options: Omit<JudgeOptions, 'look' | 'final'>,
): SequentialJudgement {
  const gathered = sortFor(measurement, options);
  const planned = plannedWindows(measurement);
  const available = gathered.counted.length;
  const interim = lookSchedule(planned).filter((look) => look < planned && look <= available);
  const answer = (look: number | undefined, looks: number): SequentialJudgement => {
    const { counted, dropped } = upToLook(gathered, look ?? Infinity);
    return {
      judgement: judgeSorted(measurement, gathered, thresholds, {
        ...options,
        ...(look === undefined ? {} : { look }),
        final: look === undefined || look >= planned,
      }),
      looks,
      windows: counted.length + dropped.length,
      seconds: spanSeconds(counted),
    };
  };
  for (const [index, look] of interim.entries()) {
    const then = { ...upToLook(gathered, look), planted: [] };
    const live = judgeSorted(measurement, then, thresholds, {
      ...options,
      shown: [],
      look,
      final: false,
      requirePlanted: false,
      interim: true,
    });
    if (shouldStop(live)) return answer(look, index + 1);
  }
  return answer(available >= planned ? planned : undefined, interim.length + 1);
}

function plannedWindows({ windowsPlanned }: JudgedMeasurement): number {
  return Number.isInteger(windowsPlanned) && windowsPlanned > 0 ? windowsPlanned : 1;
}

/** Whether no more windows will come after this look. */
function isLast(
  { ended }: JudgedMeasurement,
  { counted }: SortedMeasurement,
  planned: number,
  look: number | undefined,
): boolean {
  if (look === undefined || look >= planned) return true;
  return look >= counted.length && (ended === 'planned' || ended === 'max-seconds');
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
    .map((threshold) => sameBuildControl(threshold, gathered, seed));
}

function nodeControls(
  thresholds: readonly Threshold[],
  outcomes: readonly ThresholdOutcome[],
  sorted: SortedMeasurement,
  levels: LookLevels,
): ControlOutcome[] {
  const decided = thresholds.flatMap((threshold, index) => {
    const outcome = outcomes[index]?.outcome;
    const compares = threshold.metric.name === 'latency' && threshold.against === 'baseline';
    return compares && outcome !== undefined ? [{ threshold, outcome }] : [];
  });
  const control = nodesControl(decided, sorted.counted, levels);
  return control === undefined ? [] : [control];
}

/** How much an outcome rests on. */
function extentOf(
  kind: string | undefined,
  { counted }: SortedMeasurement,
): Pick<ThresholdOutcome, 'requests' | 'windows' | 'seconds'> {
  const requests = counted.reduce(
    (sum, { reference, subject }) => sum + reference.count(kind) + subject.count(kind),
    0,
  );
  return { requests, windows: counted.length, seconds: spanSeconds(counted) };
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
      return findCapacity(threshold, evidence, measurement, arms);
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
