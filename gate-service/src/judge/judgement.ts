/** What the judge answers: outcomes of thresholds, and the decision with the cause they lead to. */

export type Outcome = 'met' | 'breached' | 'inconclusive' | 'invalid';

/** Unit of effect, interval and limit: `ratio` is relative (0.05 = 5 % slower than baseline), `ms` milliseconds, `share` 0–1. */
export type EffectUnit = 'ratio' | 'ms' | 'share';

export interface ThresholdOutcome {
  /** As written, e.g. `p99{kind=search} <= baseline + 10ms`. */
  readonly threshold: string;
  readonly outcome: Outcome;
  readonly unit: EffectUnit;
  /** Candidate against baseline for relative thresholds, the candidate's value for absolute ones. Absent when nothing could be estimated. */
  readonly effect?: number;
  readonly low?: number;
  readonly high?: number;
  /** 0–1, e.g. 0.95. */
  readonly confidence: number;
  /** The margin of a relative threshold or the limit of an absolute one, in `unit`. */
  readonly limit: number;
  /** Smallest effect that this measurement could have shown, in `unit`. */
  readonly minimumDetectableEffect?: number;
  readonly baseline?: number;
  readonly candidate?: number;
  /** Unit of `baseline` and `candidate`. */
  readonly valueUnit?: 'ms' | 'share' | 'per-second' | 'cpu-ms';
  /** Request kinds that carry the breach, most first (errors: the kinds that fail more than in the baseline). */
  readonly kinds?: readonly string[];
  /** Requests of both arms (of the kind, if only one) that it rests on. */
  readonly requests?: number;
  /** Windows that it rests on. */
  readonly windows?: number;
  /** From the first to the last of these requests. */
  readonly seconds?: number;
  /** One sentence for a person. */
  readonly sentence: string;
}

export interface ControlOutcome {
  readonly control: 'same-build' | 'nodes' | 'planted' | 'sender' | 'counts' | 'steady';
  readonly passed: boolean;
  /** There was nothing to check with; `passed` then says whether that is acceptable. */
  readonly notRun?: true;
  readonly effect?: number;
  readonly low?: number;
  readonly high?: number;
  readonly sentence: string;
}

export type JudgedCause = 'met' | 'breached' | 'inconclusive' | 'invalid';

/** Precedence of causes: invalid control, breached, invalid, inconclusive, met. Anything but met is a rollback. */
export interface Judgement {
  readonly decision: 'pass' | 'rollback';
  readonly cause: JudgedCause;
  readonly outcomes: readonly ThresholdOutcome[];
  /** Shown without deciding anything (the demo shows p99 so). */
  readonly shown: readonly ThresholdOutcome[];
  readonly controls: readonly ControlOutcome[];
  readonly windows: {
    readonly planned: number;
    readonly counted: number;
    readonly dropped: number;
  };
  /** One sentence: what was found and why it decides so. */
  readonly summary: string;
  /** Version of the procedure, so that a stored judgement says how it came about. */
  readonly procedure: string;
}
