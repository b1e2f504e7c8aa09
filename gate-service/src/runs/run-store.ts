/**
 * Port to what is remembered: everything the life of a run and of a promotion needs to survive a restart.
 * All instants are ISO 8601 in UTC; ids come from the caller unless a comment says otherwise.
 * Writers that may race use the record's `version`: an update names the version it has read and
 * fails with {@link VersionConflictError} when somebody else was faster.
 */
import type {
  AttemptRecord,
  AuditEntry,
  BuildAndConfiguration,
  BuildRecord,
  DeliveryRecord,
  DeliveryState,
  IdempotencyKey,
  InForce,
  IntentOutcome,
  IntentRecord,
  JudgedPair,
  JudgementRecord,
  Lease,
  MeasurementRecord,
  NewAuditEntry,
  NewRun,
  OverrideRecord,
  PromotionRecord,
  PromotionState,
  PromotionUpdate,
  ReferenceRecord,
  RunRecord,
  RunUpdate,
  ServiceState,
  TrendPoint,
} from './records.ts';
import type { Cause, Decision, RunEvent, RunPhase } from './run.ts';
import type { LearntSession, TuningRecord, TuningView } from './tuning-record.ts';

export { auditHash, NO_PREVIOUS_HASH } from './audit-chain.ts';
export type * from './records.ts';
export type * from './tuning-record.ts';

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque; absent on the last page. */
  readonly nextCursor?: string;
}
export interface PageRequest {
  /** 1–200. */
  readonly limit: number;
  readonly cursor?: string;
}

/** Somebody else has changed the record since it was read. */
export class VersionConflictError extends Error {
  constructor(what: string, id: string, expected: number) {
    super(`${what} ${id} is no longer at version ${String(expected)}: read it again`);
    this.name = 'VersionConflictError';
  }
}

/** A run is finished, and with it its decision: nothing about it changes any more. */
export class RunFinishedError extends Error {
  constructor(id: string) {
    super(`run ${id} is finished: its decision was written and stays as it is`);
    this.name = 'RunFinishedError';
  }
}

/** The database does not answer. What was under way is not stored, or it is not known whether it is. */
export class StoreUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreUnavailableError';
  }
}

/** Which runs a list shows; every field narrows it. */
export interface RunFilter {
  readonly service?: string;
  /** Only runs of these services: what the caller may read. An empty list shows none. */
  readonly services?: readonly string[];
  readonly phase?: RunPhase;
  readonly build?: string;
  readonly decision?: Decision;
  readonly cause?: Cause;
  readonly requestedBy?: string;
}

/** What a new run finds when it is stored. */
export interface RoomForRun {
  /** Runs that this build of the service had, in whatever phase they are. */
  readonly earlierRuns: number;
  /** Runs of the service that wait; those that are cancelled not counted. */
  readonly queued: number;
  /** Runs of all services that come before it. */
  readonly ahead: number;
}

/** A run as it is stored, with the first that is told and audited of it: never one without the others. */
export interface AcceptedRun {
  readonly run: NewRun;
  readonly event: Omit<RunEvent, 'runId' | 'sequence'>;
  readonly audit: NewAuditEntry;
}

/** The same Idempotency-Key came with another request. */
export class IdempotencyConflictError extends Error {
  constructor(key: string) {
    super(
      `Idempotency-Key ${JSON.stringify(key)} was already used for another request: send a new key, or the same request again`,
    );
    this.name = 'IdempotencyConflictError';
  }
}

export interface RunStore {
  // builds
  /** Storing a digest again keeps the first record. */
  saveBuild(build: BuildRecord): Promise<void>;
  build(digest: string): Promise<BuildRecord | undefined>;

  // configurations: values by hash, read back through the stack's validator
  saveConfiguration(
    hash: string,
    values: Readonly<Record<string, number | boolean | string>>,
  ): Promise<void>;
  configurationValues(
    hash: string,
  ): Promise<Readonly<Record<string, number | boolean | string>> | undefined>;

  // runs
  /**
   * In one transaction with the idempotency key. With a key that is known for this actor nothing is
   * stored and the earlier run comes back.
   * @param accept what is stored, given what the run finds; no other run is created between the counting and
   *   the storing. What it throws is thrown, and nothing is stored
   * @throws IdempotencyConflictError when the key belongs to another request
   */
  createRun(
    run: NewRun,
    key?: IdempotencyKey,
    accept?: (room: RoomForRun) => AcceptedRun,
  ): Promise<{ readonly run: RunRecord; readonly created: boolean }>;
  /**
   * The run that was created with this actor's key.
   * @throws IdempotencyConflictError when the key belongs to another request
   */
  runByKey(key: IdempotencyKey): Promise<RunRecord | undefined>;
  run(id: string): Promise<RunRecord | undefined>;
  /** Newest first. */
  runs(filter: RunFilter, page: PageRequest): Promise<Page<RunRecord>>;
  /** The run of the service that was asked for last. */
  latestRun(service: string): Promise<RunRecord | undefined>;
  /** Finished runs, newest end first; at most `limit`. */
  trend(service: string, limit: number): Promise<readonly TrendPoint[]>;
  /** Queued runs, oldest first. */
  queuedRuns(): Promise<readonly RunRecord[]>;
  /** Runs between `queued` and `finished`: what a restart has to deal with. Oldest first. */
  unfinishedRuns(): Promise<readonly RunRecord[]>;
  /**
   * Compare-and-swap. Refuses to change a run that is `finished`.
   * @throws VersionConflictError, RunFinishedError
   */
  updateRun(id: string, expectedVersion: number, update: RunUpdate): Promise<RunRecord>;
  /** First request wins; does not raise the version; no effect on a finished run. Returns the run as it is then. */
  requestCancel(
    id: string,
    cancel: { readonly actor: string; readonly at: string },
  ): Promise<RunRecord>;

  // events
  /** The store gives the sequence: 1, 2, 3 … in each run, without gaps. */
  appendEvent(event: Omit<RunEvent, 'sequence'>): Promise<RunEvent>;
  /** Events with a sequence above `after`, rising. */
  events(runId: string, after: number, limit: number): Promise<readonly RunEvent[]>;

  // intents and outcomes
  saveIntent(intent: Omit<IntentRecord, 'outcome'>): Promise<void>;
  /** Once per intent. */
  saveOutcome(intentId: string, outcome: IntentOutcome): Promise<void>;
  /** Oldest first. */
  intents(filter: {
    readonly runId?: string;
    readonly promotionId?: string;
    readonly open?: boolean;
  }): Promise<readonly IntentRecord[]>;

  // evidence
  /** Inserts, or replaces the attempt of the same run and number. */
  saveAttempt(attempt: AttemptRecord): Promise<void>;
  attempts(runId: string): Promise<readonly AttemptRecord[]>;
  saveMeasurement(measurement: MeasurementRecord): Promise<void>;
  measurement(id: string): Promise<MeasurementRecord | undefined>;
  measurements(runId: string): Promise<readonly MeasurementRecord[]>;
  /**
   * Measurements of finished runs that ended before the instant and still have their samples, oldest first.
   * Left out are those of a build that is in force, last known good or the reference of its service.
   */
  prunableMeasurements(before: string, limit: number): Promise<readonly MeasurementRecord[]>;
  /** Says that the sample file is gone. The first instant stays. */
  markSamplesPruned(id: string, at: string): Promise<void>;
  saveJudgement(judgement: JudgementRecord): Promise<void>;
  judgement(id: string): Promise<JudgementRecord | undefined>;
  judgements(runId: string): Promise<readonly JudgementRecord[]>;
  saveJudgedPair(pair: JudgedPair): Promise<void>;
  /** The latest judgement of the pair. */
  judgedPair(service: string, pair: BuildAndConfiguration): Promise<JudgedPair | undefined>;

  // tuning
  /** Inserts, or replaces what is stored of this start of the run: after a kill at most one evaluation is lost. */
  saveTuning(tuning: TuningRecord): Promise<void>;
  /** Of the run's last start. */
  tuning(runId: string): Promise<TuningView | undefined>;
  /** What tuners learnt, latest first: of one service, or of all. As stored, unchecked. */
  learntSessions(
    filter: { readonly service?: string },
    limit: number,
  ): Promise<readonly LearntSession[]>;
  /** Replaces what the tuner of this start learnt; when it did stays. */
  saveLearnt(session: LearntSession): Promise<void>;

  // promotions and what is in force
  createPromotion(promotion: Omit<PromotionRecord, 'version'>): Promise<PromotionRecord>;
  promotion(id: string): Promise<PromotionRecord | undefined>;
  /** Newest first. `services`: only promotions of these. */
  promotions(
    filter: {
      readonly service?: string;
      readonly services?: readonly string[];
      readonly state?: PromotionState;
    },
    page: PageRequest,
  ): Promise<Page<PromotionRecord>>;
  /** @throws VersionConflictError */
  updatePromotion(
    id: string,
    expectedVersion: number,
    update: PromotionUpdate,
  ): Promise<PromotionRecord>;
  /** Version 0 without `inForce` when nothing is stored yet. */
  serviceState(service: string): Promise<ServiceState>;
  /**
   * Compare-and-swap. What was in force becomes history. Absent fields are cleared.
   * @throws VersionConflictError
   */
  saveServiceState(
    service: string,
    expectedVersion: number,
    state: Pick<ServiceState, 'inForce' | 'lastKnownGood'>,
  ): Promise<ServiceState>;
  /** Everything that was ever in force, newest first. */
  serviceHistory(service: string, page: PageRequest): Promise<Page<InForce>>;

  /** One reference per service: a later one replaces it; the audit keeps both. */
  saveReference(reference: ReferenceRecord): Promise<void>;
  reference(service: string): Promise<ReferenceRecord | undefined>;

  // people
  /**
   * Stores a new order together with its audit entry.
   * @param accept given the run and all its orders, oldest first, as they are then; neither another order nor a change
   *   of the run comes between the looking and the storing. What it throws is thrown, and nothing is stored
   */
  createOverride(
    override: OverrideRecord,
    audit: NewAuditEntry,
    accept: (run: RunRecord, overrides: readonly OverrideRecord[]) => void,
  ): Promise<void>;
  /** Inserts, or replaces the override with this id. */
  saveOverride(override: OverrideRecord): Promise<void>;
  /** The latest of the run. */
  override(runId: string): Promise<OverrideRecord | undefined>;
  /** All of the run, oldest first. */
  overrides(runId: string): Promise<readonly OverrideRecord[]>;
  /** All in state `waiting`, oldest first. */
  waitingOverrides(): Promise<readonly OverrideRecord[]>;
  /** The only writer of the audit; the store gives sequence and hashes, also between replicas one after the other. */
  appendAudit(entry: NewAuditEntry): Promise<AuditEntry>;
  /** Newest first. `services`: only entries about these services. */
  audit(
    filter: {
      readonly service?: string;
      readonly services?: readonly string[];
      readonly subject?: string;
    },
    page: PageRequest,
  ): Promise<Page<AuditEntry>>;
  /** Entries from this sequence on, rising. */
  auditFrom(sequence: number, limit: number): Promise<readonly AuditEntry[]>;

  // leases: time is the store's own clock, so that replicas need not agree on theirs
  /**
   * Undefined when somebody else holds it. The same holder again renews it under the same token.
   * @param holder not empty, unique to one process
   * @param seconds how long it holds without a renewal
   */
  acquireLease(name: string, holder: string, seconds: number): Promise<Lease | undefined>;
  /** Undefined when it was lost to another holder or released. */
  renewLease(lease: Lease, seconds: number): Promise<Lease | undefined>;
  /** Another may have it at once. No effect on a lease that was lost. */
  releaseLease(lease: Lease): Promise<void>;
  /** Those that hold now. */
  leases(): Promise<readonly Lease[]>;

  // deliveries of webhooks
  /** No effect when this endpoint, subject and type are stored already. */
  enqueueDelivery(delivery: DeliveryRecord): Promise<void>;
  /**
   * The one that has been due longest, for this holder alone until it is saved or `seconds` have passed.
   * @param now ISO 8601
   */
  claimDueDelivery(
    holder: string,
    now: string,
    seconds: number,
  ): Promise<DeliveryRecord | undefined>;
  /** Updates state, attempts, nextAt and lastAnswer, and ends the claim. A delivered one stays delivered. */
  saveDelivery(delivery: DeliveryRecord): Promise<void>;
  /**
   * Removes messages that were delivered or given up, last due before then, and idempotency keys from before then
   * whose runs have ended. An endpoint's `ping` stays: it says since when it is told things.
   * @param limit most of each in one go
   * @returns how many were removed, 0 when nothing is left
   */
  removeSettled(before: string, limit: number): Promise<number>;
  /**
   * Forgets what tuners learnt in all but the latest sessions of each service, and the records of
   * starts that a later start of the same run has replaced. What a run answers of its tuning stays.
   * @param keep sessions of each service
   * @returns how many records were changed or removed
   */
  forgetLearnt(keep: number): Promise<number>;
  /** Newest first. */
  deliveries(
    filter: {
      readonly id?: string;
      readonly endpoint?: string;
      readonly state?: DeliveryState;
      readonly subject?: string;
    },
    page: PageRequest,
  ): Promise<Page<DeliveryRecord>>;
}
