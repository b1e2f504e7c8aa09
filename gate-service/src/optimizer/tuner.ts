/**
 * The tuner: ask what to measure next, tell what came of it. A contextual bandit with a learned
 * policy and critics: it starts from the configuration in force, takes small steps within reach of
 * what was measured to be safe, and adopts only what is shown to be better. Generic, pure, seeded:
 * equal seeds and equal observations give equal asks.
 */
import { startSession } from './session.ts';
import { readSnapshot } from './snapshot.ts';
import type { TunerState } from './tuner-state.ts';
import type { BoundSpace, Prior, Values } from './space/bound-space.ts';

export { LEAST_BUDGET } from './racing.ts';
export type { BoundSpace, Prior, Values } from './space/bound-space.ts';
export {
  DamagedSnapshotError,
  ForeignExperienceError,
  IllegalObservationError,
  IllegalProblemError,
  UnknownProposalError,
} from './tuner-errors.ts';

/** Absolute ceiling on a metric. */
export interface Limit {
  readonly metric: string;
  readonly max: number;
}

export interface TuningProblem {
  /** The knobs with their constraints. */
  readonly space: BoundSpace;
  /** The configuration in force: measured first, always, and what stays when nothing is shown to be better. */
  readonly start: Values;
  /** Expert policy: the actor's mean at step 0. */
  readonly prior?: Prior;
  /** `unsafe: true` in an observation counts as broken, too. */
  readonly limits: readonly Limit[];
  /** Workload features by name: rate, concurrency, mix, … */
  readonly context: Readonly<Record<string, number>>;
}

export interface TunerOptions {
  /** Most evaluations, the first one of `start` included; a whole number from 1. */
  readonly budget: number;
  readonly seed: number;
  /** What former sessions learnt, from {@link Tuner.experience}. */
  readonly experience?: Experience;
  /**
   * Every challenger is measured side by side with the incumbent and told with `logRatios`: no
   * evaluation goes into re-runs, each tell is decided at once. Default false.
   */
  readonly paired?: boolean;
}

export type ProposalSource = 'start' | 'expert' | 'policy' | 'critic' | 'memory' | 'rerun';

/** What the tuner expects before it measures. Changes are ratios against the incumbent: -0.1 = 10 % lower. */
export interface Prediction {
  readonly change: number;
  /** 90 % interval of `change`. */
  readonly low: number;
  readonly high: number;
  /** As in {@link Decision.effect}: set where changes are no ratios. */
  readonly reference?: number;
  /**
   * 0–1: probability that every limit holds, by its critics (one that nothing is known of counts 0.5),
   * by what violators tell, and by how likely a cliff is that none of them foretells.
   */
  readonly safe: number;
  /** The knobs that carry the predicted change, most important first; shares sum to at most 1. */
  readonly knobs: readonly KnobShare[];
}

export interface KnobShare {
  readonly name: string;
  readonly from: Values[string];
  readonly to: Values[string];
  readonly share: number;
}

/** A configuration to be measured next, and why. */
export interface Proposal {
  /** Counts from 1. */
  readonly id: number;
  readonly values: Values;
  readonly source: ProposalSource;
  /** One sentence for a person. */
  readonly reason: string;
  readonly predicted?: Prediction;
}

/** What came of one evaluation. Without `value`, `unsafe` and `aborted` nothing was learnt: an error. */
export interface Observation {
  /** What is to be made small, e.g. p95 in ms. Finite. */
  readonly value?: number;
  /** At least those with a limit: without it the evaluation cannot count as safe, nor be adopted. */
  readonly metrics?: Readonly<Record<string, number>>;
  readonly unsafe?: boolean;
  /** Why the caller broke the evaluation off; counts as unsafe. */
  readonly aborted?: string;
  /** Paired measurements only: log ratios challenger ÷ incumbent, one per window; below 0 is better. */
  readonly logRatios?: readonly number[];
}

/** How far a metric stayed below its limit. */
export interface Margin {
  readonly metric: string;
  readonly max: number;
  readonly measured: number;
  /** (max − measured) ÷ max; negative = broken. */
  readonly share: number;
}

export type Verdict =
  | 'started'
  /** More comparisons are needed, or it is not promising enough to compare. */
  | 'noted'
  | 'adopted'
  | 'rejected'
  /** A limit was broken, or the evaluation was broken off: never entered again in this context. */
  | 'unsafe';

export interface Decision {
  readonly id: number;
  readonly verdict: Verdict;
  readonly adopted: boolean;
  /** The configuration to run now: the last that was shown to be good. */
  readonly incumbent: Values;
  /** What was measured and what follows from it. */
  readonly sentence: string;
  readonly margins: readonly Margin[];
  /** Of a comparison that was decided, as ratio with its interval. */
  readonly effect?: {
    readonly change: number;
    readonly low: number;
    readonly high: number;
    /** 0–1, two-sided. */
    readonly confidence: number;
    readonly comparisons: number;
    /**
     * Where values may be 0 or less there are no ratios: `change`, `low` and `high` are then
     * differences, and this is what a difference of 1 is in the value's own unit.
     */
    readonly reference?: number;
  };
}

/** One evaluation from ask to decision. */
export interface Step {
  readonly proposal: Proposal;
  readonly observation: Observation;
  readonly decision: Decision;
}

/** Plain JSON for the API, the report and the log. */
export interface Explanation {
  /** The result in one or two sentences. */
  readonly summary: string;
  /** Knobs that differ between start and best. */
  readonly changes: readonly {
    readonly name: string;
    readonly from: Values[string];
    readonly to: Values[string];
  }[];
  /** The comparison that the last adoption rests on. */
  readonly effect?: Decision['effect'];
  /** Of the best configuration, as measured last. */
  readonly margins: readonly Margin[];
  readonly evaluations: number;
  readonly unsafeEvaluations: number;
  readonly trajectory: readonly Step[];
  /** What was made of former sessions. */
  readonly memory: readonly string[];
}

export interface TuningResult {
  /** What to deploy: `start`, or what was shown to be better by paired comparisons. */
  readonly best: Values;
  /** Whether `best` is another than `start`. */
  readonly adopted: boolean;
  readonly explanation: Explanation;
  /** Why the session ended, or that it did not yet. */
  readonly ended: string;
}

/** What one evaluation taught. */
export interface Trial {
  readonly values: Values;
  readonly value?: number;
  /** A limit whose metric is missing was not judged: such a trial is not safe, whatever `unsafe` says. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** Whether a limit was seen to be broken, or it was reported or broken off as unsafe. */
  readonly unsafe: boolean;
}

/** Policy state: what the actor would try, per knob. */
export interface PolicyState {
  readonly updates: number;
  readonly numeric: Readonly<Record<string, { readonly mean: number; readonly sd: number }>>;
  readonly categorical: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface PastSession {
  readonly context: Readonly<Record<string, number>>;
  readonly start: Values;
  readonly trials: readonly Trial[];
  readonly policy: PolicyState;
  /** The configuration that was adopted, if any. */
  readonly adopted?: Values;
  /** Configurations that broke a limit on this workload, in former sessions, too; oldest first. */
  readonly violators: readonly Values[];
  /** Left of a session that made room for later ones: only what forbids and warns. */
  readonly remnant?: true;
}

/** What sessions learnt; plain JSON, bounded. From outside it is parsed with `experienceSchema`. */
export interface Experience {
  readonly version: 1;
  /** Hash of the knob space: experience of another one is refused. */
  readonly space: string;
  /** Oldest first. */
  readonly sessions: readonly PastSession[];
}

/** All of a session as plain JSON. */
export interface TunerSnapshot {
  readonly version: 1;
  readonly space: string;
  readonly options: TunerOptions;
  readonly open?: Proposal;
  readonly steps: readonly Step[];
  readonly state: TunerState;
}

export interface Tuner {
  /**
   * The next configuration to measure, or `undefined` when the session has ended (why is in the
   * result). Asking again before telling repeats the open proposal.
   */
  ask(): Proposal | undefined;
  /**
   * @throws UnknownProposalError for an id that is not open
   * @throws IllegalObservationError for NaN and the like, or an observation that says nothing; the
   *   proposal stays open
   */
  tell(id: number, observation: Observation): Decision;
  result(): TuningResult;
  /** What {@link resumeTuner} goes on from with the same asks. */
  snapshot(): TunerSnapshot;
  /** Former experience with this session added. */
  experience(): Experience;
}

/**
 * Starts a session.
 * @throws IllegalProblemError when the start breaks the space's own rules, or budget and seed are
 *   no whole numbers
 * @throws ForeignExperienceError for experience of other knobs
 */
export function createTuner(problem: TuningProblem, options: TunerOptions): Tuner {
  return startSession(problem, options);
}

/**
 * Goes on where {@link Tuner.snapshot} was taken, with the same asks.
 * @param stored as it comes from a store: nothing in it is taken on trust
 * @throws DamagedSnapshotError for one that no session can have left, with what is wrong in it
 * @throws ForeignExperienceError for a snapshot of other knobs
 */
export function resumeTuner(problem: TuningProblem, stored: unknown): Tuner {
  const snapshot = readSnapshot(problem, stored);
  return startSession(problem, snapshot.options, snapshot);
}
