/** What is remembered of runs, promotions and services. Instants are ISO 8601 in UTC. */
import type { Judgement, ThresholdOutcome } from '../judge/judgement.ts';
import type { CapacityBlock } from '../judge/measurement.ts';
import type { ArmName, SenderCounters } from '../load/sample.ts';
import type { Workload } from '../load/workload.ts';
import type { HopsByArm } from './hop-readings.ts';
import type { Cause, Decision, RunPhase, RunRequest } from './run.ts';

/** A build and the stack configuration it runs with: the unit that is judged and promoted. */
export interface BuildAndConfiguration {
  /** SHA-256 of the build, lower-case hex. */
  readonly build: string;
  readonly configurationHash: string;
}

export interface BuildRecord {
  readonly digest: string;
  /** Where a platform finds it: a path (local) or an image reference (kubernetes). */
  readonly location: string;
  readonly sizeBytes: number;
  readonly uploadedBy: string;
  readonly uploadedAt: string;
}

/** What the run uses, resolved from request and catalogue when it was accepted; later catalogue changes do not touch it. */
export interface RunSettings {
  readonly workload: Workload;
  readonly thresholds: readonly string[];
  readonly shown: readonly string[];
  readonly tune: 'off' | { readonly evaluations: number; readonly seconds: number };
  readonly promote: 'auto' | 'manual' | 'never';
  readonly profile: 'standard' | 'quick';
  readonly against: 'production' | 'reference';
  /** Connections of the closed-loop measurement; absent when no threshold asks for capacity. */
  readonly capacity?: { readonly connections: number };
  /** Seed of everything random in the run: arrivals, pairing, slots, splits. */
  readonly seed: number;
  /** Where the request asked for less than the catalogue does, in words; absent: nowhere. */
  readonly loosened?: readonly string[];
  /** Runs of this build and service before this one, whatever became of them. Absent in older records. */
  readonly earlierRuns?: number;
}

export interface PhaseSpan {
  readonly phase: RunPhase;
  readonly startedAt: string;
  readonly endedAt?: string;
}

export interface RunRecord {
  readonly id: string;
  readonly service: string;
  readonly build: string;
  readonly label?: string;
  readonly request: RunRequest;
  readonly settings: RunSettings;
  readonly requestedBy: string;
  readonly createdAt: string;
  /** Rises by one with every update. */
  readonly version: number;
  readonly phase: RunPhase;
  readonly phases: readonly PhaseSpan[];
  /** What the candidate is compared with: what production ran when the run started to deploy, or the reference; absent for a service that has neither. */
  readonly baseline?: BuildAndConfiguration;
  /** Configuration the candidate was finally judged with, and whether it is an adopted one. */
  readonly configuration?: { readonly hash: string; readonly adopted: boolean };
  /** Judgement that the decision rests on. */
  readonly judgementId?: string;
  /** Judgement of the code effect (first) and of the configuration effect, when they were reached. */
  readonly codeJudgementId?: string;
  readonly configurationJudgementId?: string;
  readonly promotionId?: string;
  /** Set when the end is known but its cleaning up is not done: a restart ends the run with the same cause. */
  readonly ending?: { readonly cause: Cause; readonly words: string };
  /** The newer run of the same service that took this one's place in the queue. */
  readonly supersededBy?: string;
  /** Written once, together, with the transition to `finished`. */
  readonly decision?: Decision;
  readonly cause?: Cause;
  readonly summary?: string;
  readonly finishedAt?: string;
  /** Set beside the version (a cancel never conflicts with the worker). */
  readonly cancel?: { readonly actor: string; readonly at: string };
}

/** What an update of a run may change; an absent field stays as it is. */
export type RunUpdate = Partial<
  Pick<
    RunRecord,
    | 'phase'
    | 'phases'
    | 'baseline'
    | 'configuration'
    | 'judgementId'
    | 'codeJudgementId'
    | 'configurationJudgementId'
    | 'promotionId'
    | 'ending'
    | 'supersededBy'
    | 'decision'
    | 'cause'
    | 'summary'
    | 'finishedAt'
  >
>;

export type NewRun = Omit<RunRecord, 'version'>;

export interface IdempotencyKey {
  readonly key: string;
  readonly actor: string;
  /** SHA-256 of the request in canonical form. */
  readonly requestHash: string;
}

/** A change of the world, stored before it is made. */
export interface IntentRecord {
  readonly id: string;
  readonly service: string;
  readonly runId?: string;
  readonly promotionId?: string;
  /** `deploy`, `apply`, `route-measurement`, `route-production`, `restore`, `remove`. */
  readonly kind: IntentKind;
  readonly at: string;
  /** What exactly shall be done; never a secret. */
  readonly data: Readonly<Record<string, unknown>>;
  /** What came of it; absent while it is open. */
  readonly outcome?: IntentOutcome;
}
export type IntentKind =
  'deploy' | 'route-measurement' | 'route-production' | 'restore' | 'remove' | 'take-over';
export interface IntentOutcome {
  readonly at: string;
  readonly succeeded: boolean;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export type MeasurementPurpose = 'measuring' | 'tuning' | 'confirming';

/** One try at measuring; every one is kept and shown. `number` counts from 1 in its run. */
export interface AttemptRecord {
  readonly runId: string;
  readonly number: number;
  readonly purpose: MeasurementPurpose;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly measurementId?: string;
  readonly judgementId?: string;
  /** What came of it, for a person. */
  readonly sentence: string;
}

/** Metadata of a stored measurement; the samples are in `file`. */
export interface MeasurementRecord {
  readonly id: string;
  readonly runId: string;
  readonly attempt: number;
  readonly purpose: MeasurementPurpose;
  /** Path of the sample file (`.csv.gz`), relative to the state folder. */
  readonly file: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly arms: readonly {
    readonly name: ArmName;
    readonly armId: string;
    readonly build: string;
    readonly configurationHash: string;
  }[];
  readonly windowsPlanned: number;
  /** Spoilt ones and those that replaced them included. */
  readonly windowsMeasured: number;
  /** Measured ones that count, by the sender's fitness alone. Absent in older records. */
  readonly windowsCounted?: number;
  /** Counted windows at the look that settled the question and ended the sending; absent when none did. */
  readonly stoppedAt?: number;
  readonly windowSeconds: number;
  readonly pairsPerSecond: number;
  readonly seed: number;
  readonly steady: boolean;
  readonly counters: SenderCounters;
  /** How late the sender was, in microseconds: 99th percentile of the median window. Absent in older records. */
  readonly latenessP99Us?: number;
  readonly plantedDelayUs?: number;
  /** CPU seconds of each arm's nodes over the counted windows, from the agents. */
  readonly cpuSeconds?: Readonly<Partial<Record<ArmName, number>>>;
  /** The same by window; a window that the agents did not tell about in time is missing. */
  readonly cpuSecondsByWindow?: readonly {
    readonly window: number;
    readonly arm: ArmName;
    readonly seconds: number;
  }[];
  /** Mean latency of each arm by hop; of the arms that it could be told for. Absent in older records. */
  readonly hops?: HopsByArm;
  /** Closed loop, each arm alone; present when a threshold asked for capacity. */
  readonly capacityByBlock?: readonly CapacityBlock[];
  /** When `file` was removed to make room; the judgements stay. */
  readonly samplesPrunedAt?: string;
}

/** A judgement with all it rests on, so that it can be repeated: same measurement, thresholds and options → same judgement. */
export interface JudgementRecord {
  readonly id: string;
  readonly runId: string;
  readonly measurementId: string;
  readonly at: string;
  /** `run`, or who asked for it to be judged again. */
  readonly by: string;
  /** The run's own judgement of the same measurement; absent for that one itself. */
  readonly rejudges?: string;
  readonly thresholds: readonly string[];
  readonly shown: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly judgement: Judgement;
}

export type PromotionOrigin = 'run' | 'person' | 'restore' | 'controller' | 'initial';
export type PromotionState = 'running' | 'completed' | 'returned' | 'failed';
/** `weighting` moves traffic, `holding` watches 100 %, `draining` removes the old nodes: from here on the new ones are in force. */
export type PromotionStage =
  'queued' | 'deploying' | 'warming' | 'weighting' | 'holding' | 'draining' | 'returning' | 'ended';

export interface PromotionStep {
  readonly weight: number;
  readonly outcome: 'held' | 'skipped' | 'breached' | 'no-data';
  readonly sentence: string;
  readonly at: string;
}

export interface PromotionRecord extends BuildAndConfiguration {
  readonly id: string;
  readonly service: string;
  readonly origin: PromotionOrigin;
  readonly runId?: string;
  readonly actor: string;
  readonly reason: string;
  readonly createdAt: string;
  /** Rises by one with every update. */
  readonly version: number;
  readonly state: PromotionState;
  readonly stage: PromotionStage;
  /** Arm in force when it began; absent for the first promotion of a service. */
  readonly currentArmId?: string;
  readonly canaryArmId?: string;
  readonly steps: readonly PromotionStep[];
  /** Why it went back or failed, for a person. */
  readonly summary?: string;
  readonly finishedAt?: string;
}
export type PromotionUpdate = Partial<
  Pick<
    PromotionRecord,
    'state' | 'stage' | 'currentArmId' | 'canaryArmId' | 'steps' | 'summary' | 'finishedAt'
  >
>;

/** What is, or was, in force in production. */
export interface InForce extends BuildAndConfiguration {
  readonly armId: string;
  readonly since: string;
  readonly promotionId: string;
}

export interface ServiceState {
  readonly service: string;
  /** 0 while nothing is stored for the service; rises by one with every change. */
  readonly version: number;
  readonly inForce?: InForce;
  /** What was in force, proven, before: where the one button back leads. */
  readonly lastKnownGood?: InForce;
}

/** The release that runs with `against: reference` compare with; anchored until a person moves it. */
export interface ReferenceRecord {
  readonly service: string;
  /** SHA-256 of the build, lower-case hex. */
  readonly build: string;
  readonly actor: string;
  readonly reason: string;
  readonly at: string;
}

/** A (build, configuration) pair that a judgement spoke about. The latest judgement of a pair counts. */
export interface JudgedPair extends BuildAndConfiguration {
  readonly service: string;
  readonly runId: string;
  readonly judgementId: string;
  readonly decision: Judgement['decision'];
  readonly cause: Judgement['cause'];
  readonly at: string;
}

/**
 * `waiting` for its run to end, `acted` (a promotion was started), `refused` (there was nothing it could do),
 * `expired` before it could act, `stands` beside the decision with nothing to be done.
 */
export type OverrideState = 'waiting' | 'acted' | 'refused' | 'expired' | 'stands';

export interface OverrideRecord {
  readonly id: string;
  readonly runId: string;
  readonly order: 'promote' | 'rollback';
  readonly actor: string;
  readonly reason: string;
  readonly at: string;
  /** Latest moment at which it may act. */
  readonly expiresAt: string;
  readonly state: OverrideState;
  /** What came of it, for a person. */
  readonly outcome?: string;
  /** Cause of the decision that it stands beside. */
  readonly cause?: Cause;
}

export interface AuditEntry {
  /** Given by the store, rising by one. */
  readonly sequence: number;
  readonly at: string;
  readonly actor: string;
  /** e.g. `run.submit`, `run.cancel`, `run.override`, `service.promote`, `promotion.completed`. */
  readonly action: string;
  /** What it was done to: a run id, a promotion id or a service. */
  readonly subject: string;
  readonly service?: string;
  readonly reason?: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** `hash` of the entry before; 64 zeros for the first. */
  readonly previousHash: string;
  /** SHA-256, lower-case hex, over `previousHash` and the canonical JSON of the fields above it. */
  readonly hash: string;
}

/** What a caller says; the store gives the rest. */
export type NewAuditEntry = Omit<AuditEntry, 'sequence' | 'previousHash' | 'hash'>;

/** The right to do something alone, for a while. */
export interface Lease {
  readonly name: string;
  readonly holder: string;
  /** Fencing token: rises with every new holder. */
  readonly token: number;
  /** By the store's own clock. */
  readonly expiresAt: string;
}

/** One finished run in a service's trend. */
export interface TrendPoint {
  readonly runId: string;
  readonly label?: string;
  readonly build: string;
  readonly finishedAt: string;
  readonly decision: Decision;
  readonly cause: Cause;
  /** Of the judgement that the decision rests on; empty when it rests on none. */
  readonly outcomes: readonly Pick<
    ThresholdOutcome,
    'threshold' | 'effect' | 'low' | 'high' | 'outcome'
  >[];
}

export type DeliveryState = 'due' | 'delivered' | 'given-up';

/** One notification to one endpoint, kept until it is delivered or given up. */
export interface DeliveryRecord {
  readonly id: string;
  /** Name of the endpoint in the settings, never its URL. */
  readonly endpoint: string;
  /** What it is about: a run, a promotion or an override. */
  readonly subject: string;
  readonly type: string;
  /** As it is sent and signed. */
  readonly body: string;
  readonly createdAt: string;
  readonly state: DeliveryState;
  /** Made so far. */
  readonly attempts: number;
  /** Not to be sent before. */
  readonly nextAt: string;
  /** What the endpoint answered last, or why there was no answer. */
  readonly lastAnswer?: string;
}
