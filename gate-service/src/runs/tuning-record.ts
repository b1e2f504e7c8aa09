/** What tuning did in a run, and what was learnt: for the answer, the report, and the tuner of later runs. */
import type { KnobValue } from '../optimizer/space/knob.ts';
import type { ProposalSource } from '../optimizer/tuner.ts';

/** What became of tuning as a whole. */
export type TuningOutcome =
  /** Never begun; the summary says why. */
  | 'skipped'
  | 'under-way'
  /** Nothing better was shown: the incumbent stays. A normal result. */
  | 'kept'
  /** Shown to be better, not confirmed yet. */
  | 'adopted'
  | 'confirmed'
  /** Adopted, but not confirmed on fresh data, or taken back from production: given up again. */
  | 'reverted'
  /** The run ended in the middle of it. */
  | 'broken-off';

export type EvaluationVerdict =
  | 'under-way'
  | 'adopted'
  | 'rejected'
  /** It broke a limit, more requests failed, or it could not be measured twice: never entered again on this workload. */
  | 'unsafe'
  /** It could not be measured. */
  | 'dropped'
  | 'reverted';

/** A knob of the tuner that was turned. One such knob may lead several of the stack. */
export interface TuningChange {
  readonly knob: string;
  readonly from: KnobValue;
  readonly to: KnobValue;
  /** 0–1: its part of the predicted change. Absent where nothing is known yet. */
  readonly share?: number;
}

/** Ratios of challenger to incumbent: -0.1 = 10 % lower, which is better. */
export interface TuningChangeRatio {
  readonly change: number;
  readonly low: number;
  readonly high: number;
}

/** How far the challenger stayed from a limit. */
export interface TuningMargin {
  /** As a threshold names it: `p95{kind=search}`, `errors`. */
  readonly metric: string;
  /** ms for a latency, 0–1 for errors. */
  readonly max: number;
  readonly measured: number;
  /** (max − measured) ÷ max; below 0 = broken. */
  readonly share: number;
}

export interface TuningEvaluation {
  /** Counts from 1. */
  readonly number: number;
  readonly configurationHash: string;
  readonly source: Exclude<ProposalSource, 'start'>;
  /** Why it was tried, one sentence. */
  readonly reason: string;
  readonly changes: readonly TuningChange[];
  readonly predicted?: TuningChangeRatio & {
    /** 0–1: that all limits hold. */
    readonly safe: number;
  };
  readonly measured?: TuningChangeRatio & {
    /** 0–1, two-sided; the evaluations of a budget share the error. */
    readonly confidence: number;
    readonly windows: number;
  };
  readonly margins: readonly TuningMargin[];
  readonly verdict: EvaluationVerdict;
  /** What was measured, and why it was adopted, rejected or reverted. */
  readonly sentence: string;
}

export interface TuningView {
  readonly outcome: TuningOutcome;
  /** For a person. */
  readonly summary: string;
  /** What is to be made small; `p95` of the answers. */
  readonly objective: string;
  readonly budget?: { readonly evaluations: number; readonly seconds: number };
  /** What was made of former runs, in sentences. */
  readonly memory: readonly string[];
  /** What the expert rules would change besides, which no tuner turns: for a person. */
  readonly advice?: readonly string[];
  readonly evaluations: readonly TuningEvaluation[];
}

/** As stored: once for every start of the run's tuning, replaced after every step. */
export interface TuningRecord {
  readonly runId: string;
  /** Which start of the run, from 1: one that a restart interrupted keeps what it learnt. */
  readonly start: number;
  readonly service: string;
  readonly at: string;
  readonly view: TuningView;
  /** What later runs may learn from it; absent before anything was measured. */
  readonly learnt?: {
    /** Hash of the tuner's knob space. */
    readonly space: string;
    /** A `PastSession` of the optimizer. */
    readonly session: unknown;
  };
}

/** What comes back for later runs. Whoever reads it checks it: a bad one must not fail a run. */
export interface LearntSession {
  readonly runId: string;
  /** Of which start of the run, from 1. */
  readonly start: number;
  readonly service: string;
  readonly at: string;
  readonly space: string;
  readonly session: unknown;
}
