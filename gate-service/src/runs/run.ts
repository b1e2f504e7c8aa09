/** A gate run: its request, its phases, its answer. */
import { z } from 'zod';
import type { ControlOutcome, Judgement, ThresholdOutcome } from '../judge/judgement.ts';
import { workloadSchema } from '../load/workload.ts';
import type { HopsByArm } from './hop-readings.ts';
import { BUILD_NAME } from './named-build.ts';
import type { OverrideState } from './records.ts';
import type { TuningView } from './tuning-record.ts';

export const runPhaseSchema = z.enum([
  'queued',
  'deploying',
  'measuring',
  'tuning',
  'confirming',
  'judging',
  'promoting',
  'restoring',
  'finished',
]);
export type RunPhase = z.infer<typeof runPhaseSchema>;

export const decisionSchema = z.enum(['pass', 'promote', 'rollback']);
export type Decision = z.infer<typeof decisionSchema>;

export const causeSchema = z.enum([
  'met',
  'breached',
  'inconclusive',
  'invalid',
  'promotion-breached',
  'platform-failed',
  'cancelled',
  'superseded',
]);
export type Cause = z.infer<typeof causeSchema>;

export const tuneSchema = z.union([
  z.literal('off'),
  z.strictObject({ evaluations: z.int().min(1).max(1000), seconds: z.number().min(1).max(86_400) }),
]);

export const runRequestSchema = z.strictObject({
  service: z.string().min(1).max(80),
  build: z
    .string()
    .regex(
      BUILD_NAME,
      'the SHA-256 of the uploaded WAR as 64 lower-case hex digits, or an image as REPOSITORY@sha256:HEX',
    )
    .describe(
      'SHA-256 of an uploaded WAR, 64 lower-case hex digits; on platform kubernetes an image as REPOSITORY@sha256:HEX, of the repository that the catalogue names.',
    ),
  /** What people call this build, e.g. its version; shown, never decided on. */
  label: z.string().max(80).optional(),
  workload: workloadSchema.optional(),
  thresholds: z.array(z.string().min(1).max(200)).min(1).max(50).optional(),
  tune: tuneSchema.optional(),
  against: z.enum(['production', 'reference']).optional(),
  promote: z.enum(['auto', 'manual', 'never']).optional(),
  profile: z.enum(['standard', 'quick']).optional(),
  /** The person behind an automatic build, as the pipeline tells it: may not override this run. It gives no right. */
  startedBy: z.string().trim().min(1).max(200).optional(),
  /** A Jenkins job that waits for the end: a configured webhook endpoint and the token of its hook, never an address. */
  wake: z
    .strictObject({
      endpoint: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'the name of a webhook endpoint'),
      token: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, 'the token of the hook'),
    })
    .optional(),
});
export type RunRequest = z.infer<typeof runRequestSchema>;

/** An effect as the answer shows it: which threshold, how large, how sure. */
export type EffectSummary = readonly ThresholdOutcome[];

export interface PhaseTime {
  readonly phase: RunPhase;
  readonly seconds: number;
}

export interface PromotionSummary {
  readonly id: string;
  readonly state: 'running' | 'completed' | 'returned' | 'failed';
  readonly steps: readonly {
    readonly weight: number;
    readonly outcome: 'held' | 'skipped' | 'breached' | 'no-data';
    readonly sentence: string;
  }[];
}

/** Where a queued run waits. */
export interface QueuePlace {
  /** Runs that come before it, the one under way included. */
  readonly ahead: number;
  /** The run right before it. */
  readonly behind?: string;
  /** For a person. */
  readonly reason: string;
}

/** An order against a decision, and what came of it. */
export interface OverrideView {
  readonly id: string;
  readonly actor: string;
  readonly reason: string;
  readonly order: 'promote' | 'rollback';
  readonly at: string;
  /** Latest moment at which it may act. */
  readonly expiresAt: string;
  readonly state: OverrideState;
  /** What came of it, for a person. */
  readonly outcome?: string;
  /** Cause of the decision that it stands beside; absent while there is none. */
  readonly cause?: Cause;
  /** The promotion that it started. */
  readonly promotion?: PromotionSummary & { readonly summary?: string };
}

/** A run as lists have it: what was asked and decided. The evidence is told by the run itself. */
export type RunInShort = Omit<
  RunView,
  | 'evidence'
  | 'shown'
  | 'controls'
  | 'codeEffect'
  | 'configurationEffect'
  | 'configuration'
  | 'tuning'
  | 'promotion'
  | 'attempts'
>;

/** The run as the API answers it. */
export interface RunView {
  readonly id: string;
  /** Changes with every change of the run and of what was ordered beside it: the entity tag of the answer. */
  readonly revision: string;
  readonly service: string;
  readonly build: string;
  readonly label?: string;
  readonly requestedBy: string;
  /** The person behind the build, as the pipeline told it. */
  readonly startedBy?: string;
  readonly createdAt: string;
  readonly phase: RunPhase;
  readonly phases: readonly PhaseTime[];
  /** While it is queued. */
  readonly queue?: QueuePlace;
  /** Runs of this build and service before this one, whatever became of them. */
  readonly earlierRuns: number;
  /** Where the request asked for less than the catalogue does, in words. */
  readonly loosened?: readonly string[];
  /** Somebody wants it to end. */
  readonly cancel?: { readonly actor: string; readonly at: string };
  /** The newer run that took its place in the queue. */
  readonly supersededBy?: string;
  readonly against: 'production' | 'reference';
  /** What the candidate was compared with, once that is known; absent where there was nothing. */
  readonly baseline?: { readonly build: string; readonly configurationHash: string };
  /** Present once finished. */
  readonly decision?: Decision;
  readonly cause?: Cause;
  /** What was decided and why, and what was restored or promoted, or that nothing had to be. */
  readonly summary?: string;
  readonly evidence: readonly ThresholdOutcome[];
  readonly shown: readonly ThresholdOutcome[];
  readonly controls: readonly ControlOutcome[];
  readonly codeEffect?: EffectSummary;
  readonly configurationEffect?: EffectSummary;
  readonly configuration?: {
    readonly hash: string;
    readonly adopted: boolean;
    readonly values: Readonly<Record<string, number | boolean | string>>;
  };
  /** Once tuning was reached or left out. */
  readonly tuning?: TuningView;
  readonly promotion?: PromotionSummary;
  /** The latest of {@link overrides}. */
  readonly override?: OverrideView;
  /** Orders beside the decision, oldest first. */
  readonly overrides: readonly OverrideView[];
  /** Every attempt at measuring, also those that were repeated. */
  readonly attempts: readonly {
    readonly number: number;
    readonly purpose: 'measuring' | 'tuning' | 'confirming';
    readonly judgement?: Judgement;
    readonly sentence: string;
    /** Mean latency of each arm by hop, once it was measured. */
    readonly hops?: HopsByArm;
  }[];
  readonly links: Readonly<Record<string, string>>;
}

/** Something that happened in a run; `sequence` rises by one per run and is the SSE id. */
export interface RunEvent {
  readonly runId: string;
  readonly sequence: number;
  readonly at: string;
  readonly type:
    | 'phase'
    | 'progress'
    | 'attempt'
    | 'judgement'
    | 'tuning'
    | 'promotion'
    | 'decision'
    | 'problem'
    | 'override';
  /** One line for a person. */
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}
