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
  IdempotencyKey,
  InForce,
  IntentOutcome,
  IntentRecord,
  JudgedPair,
  JudgementRecord,
  MeasurementRecord,
  NewRun,
  OverrideRecord,
  PromotionRecord,
  PromotionState,
  PromotionUpdate,
  ReferenceRecord,
  RunRecord,
  RunUpdate,
  ServiceState,
} from './records.ts';
import type { RunEvent, RunPhase } from './run.ts';

export type * from './records.ts';

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
   * @throws IdempotencyConflictError when the key belongs to another request
   */
  createRun(
    run: NewRun,
    key?: IdempotencyKey,
  ): Promise<{ readonly run: RunRecord; readonly created: boolean }>;
  run(id: string): Promise<RunRecord | undefined>;
  /** Newest first. */
  runs(
    filter: { readonly service?: string; readonly phase?: RunPhase; readonly build?: string },
    page: PageRequest,
  ): Promise<Page<RunRecord>>;
  /** Queued runs, oldest first. */
  queuedRuns(): Promise<readonly RunRecord[]>;
  /** Runs between `queued` and `finished`: what a restart has to deal with. Oldest first. */
  unfinishedRuns(): Promise<readonly RunRecord[]>;
  /**
   * Compare-and-swap. Refuses to change a run that is `finished`.
   * @throws VersionConflictError
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
  saveJudgement(judgement: JudgementRecord): Promise<void>;
  judgement(id: string): Promise<JudgementRecord | undefined>;
  judgements(runId: string): Promise<readonly JudgementRecord[]>;
  saveJudgedPair(pair: JudgedPair): Promise<void>;
  /** The latest judgement of the pair. */
  judgedPair(service: string, pair: BuildAndConfiguration): Promise<JudgedPair | undefined>;

  // promotions and what is in force
  createPromotion(promotion: Omit<PromotionRecord, 'version'>): Promise<PromotionRecord>;
  promotion(id: string): Promise<PromotionRecord | undefined>;
  /** Newest first. */
  promotions(
    filter: { readonly service?: string; readonly state?: PromotionState },
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
  /** One override per run: a later one replaces it; the audit keeps both. */
  saveOverride(override: OverrideRecord): Promise<void>;
  override(runId: string): Promise<OverrideRecord | undefined>;
  appendAudit(entry: Omit<AuditEntry, 'sequence'>): Promise<AuditEntry>;
  /** Newest first. */
  audit(
    filter: { readonly service?: string; readonly subject?: string },
    page: PageRequest,
  ): Promise<Page<AuditEntry>>;
}
