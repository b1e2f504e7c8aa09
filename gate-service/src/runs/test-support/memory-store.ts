/** The store port in memory, for tests of the machine; it keeps the port's rules. */
import type {
  AttemptRecord,
  AuditEntry,
  BuildRecord,
  IdempotencyKey,
  InForce,
  IntentOutcome,
  IntentRecord,
  JudgedPair,
  JudgementRecord,
  MeasurementRecord,
  OverrideRecord,
  Page,
  PageRequest,
  PromotionRecord,
  ReferenceRecord,
  RunRecord,
  RunStore,
  ServiceState,
} from '../run-store.ts';
import { IdempotencyConflictError, VersionConflictError } from '../run-store.ts';
import type { RunEvent } from '../run.ts';

type Values = Readonly<Record<string, number | boolean | string>>;

export class MemoryStore implements RunStore {
  readonly #builds = new Map<string, BuildRecord>();
  readonly #configurations = new Map<string, Values>();
  readonly #runs = new Map<string, RunRecord>();
  readonly #keys = new Map<string, IdempotencyKey & { readonly runId: string }>();
  readonly #events = new Map<string, RunEvent[]>();
  readonly #intents = new Map<string, IntentRecord>();
  readonly #attempts = new Map<string, AttemptRecord>();
  readonly #measurements = new Map<string, MeasurementRecord>();
  readonly #judgements = new Map<string, JudgementRecord>();
  readonly #pairs = new Map<string, JudgedPair>();
  readonly #promotions = new Map<string, PromotionRecord>();
  readonly #states = new Map<string, ServiceState>();
  readonly #history: (InForce & { readonly service: string })[] = [];
  readonly #references = new Map<string, ReferenceRecord>();
  readonly #overrides = new Map<string, OverrideRecord>();
  readonly #audit: AuditEntry[] = [];
  /** How often a decision was written, by run. */
  readonly decisionsWritten = new Map<string, number>();

  async saveBuild(build: BuildRecord) {
    if (!this.#builds.has(build.digest)) this.#builds.set(build.digest, build);
    return done();
  }
  async build(digest: string) {
    return given(this.#builds.get(digest));
  }
  async saveConfiguration(hash: string, values: Values) {
    this.#configurations.set(hash, values);
    return done();
  }
  async configurationValues(hash: string) {
    return given(this.#configurations.get(hash));
  }

  async createRun(run: Omit<RunRecord, 'version'>, key?: IdempotencyKey) {
    const known = key && this.#keys.get(`${key.actor} ${key.key}`);
    if (key !== undefined && known !== undefined) {
      if (known.requestHash !== key.requestHash) throw new IdempotencyConflictError(key.key);
      return { run: this.#must(this.#runs, known.runId), created: false };
    }
    const record: RunRecord = { ...run, version: 1 };
    this.#runs.set(run.id, record);
    if (key !== undefined) this.#keys.set(`${key.actor} ${key.key}`, { ...key, runId: run.id });
    return given({ run: record, created: true });
  }
  async run(id: string) {
    return given(this.#runs.get(id));
  }
  async runs(filter: { service?: string; phase?: string; build?: string }, page: PageRequest) {
    const found = [...this.#runs.values()]
      .filter((run) => filter.service === undefined || run.service === filter.service)
      .filter((run) => filter.phase === undefined || run.phase === filter.phase)
      .filter((run) => filter.build === undefined || run.build === filter.build);
    return given(paged(found.reverse(), page));
  }
  async queuedRuns() {
    return given([...this.#runs.values()].filter((run) => run.phase === 'queued'));
  }
  async unfinishedRuns() {
    const runs = [...this.#runs.values()];
    return given(runs.filter((run) => run.phase !== 'queued' && run.phase !== 'finished'));
  }
  async updateRun(id: string, expectedVersion: number, update: Partial<RunRecord>) {
    const run = this.#must(this.#runs, id);
    if (run.version !== expectedVersion) throw new VersionConflictError('run', id, expectedVersion);
    if (run.phase === 'finished') throw new Error(`run ${id} is finished`);
    const next = { ...run, ...update, version: run.version + 1 };
    if (update.decision !== undefined) {
      this.decisionsWritten.set(id, (this.decisionsWritten.get(id) ?? 0) + 1);
    }
    this.#runs.set(id, next);
    return given(next);
  }
  async requestCancel(id: string, cancel: { readonly actor: string; readonly at: string }) {
    const run = this.#must(this.#runs, id);
    if (run.phase === 'finished' || run.cancel !== undefined) return given(run);
    const next = { ...run, cancel };
    this.#runs.set(id, next);
    return given(next);
  }

  async appendEvent(event: Omit<RunEvent, 'sequence'>) {
    const events = this.#events.get(event.runId) ?? [];
    const stored = { ...event, sequence: events.length + 1 };
    this.#events.set(event.runId, [...events, stored]);
    return given(stored);
  }
  async events(runId: string, after: number, limit: number) {
    const events = this.#events.get(runId) ?? [];
    return given(events.filter(({ sequence }) => sequence > after).slice(0, limit));
  }

  async saveIntent(intent: IntentRecord) {
    this.#intents.set(intent.id, intent);
    return done();
  }
  async saveOutcome(intentId: string, outcome: IntentOutcome) {
    const intent = this.#must(this.#intents, intentId);
    if (intent.outcome !== undefined) throw new Error(`intent ${intentId} has its outcome`);
    this.#intents.set(intentId, { ...intent, outcome });
    return done();
  }
  async intents(filter: { runId?: string; promotionId?: string; open?: boolean }) {
    return given(
      [...this.#intents.values()]
        .filter((intent) => filter.runId === undefined || intent.runId === filter.runId)
        .filter(
          (intent) => filter.promotionId === undefined || intent.promotionId === filter.promotionId,
        )
        .filter((intent) => filter.open !== true || intent.outcome === undefined),
    );
  }

  async saveAttempt(attempt: AttemptRecord) {
    this.#attempts.set(`${attempt.runId} ${attempt.number}`, attempt);
    return done();
  }
  async attempts(runId: string) {
    return given([...this.#attempts.values()].filter((attempt) => attempt.runId === runId));
  }
  async saveMeasurement(measurement: MeasurementRecord) {
    this.#measurements.set(measurement.id, measurement);
    return done();
  }
  async measurement(id: string) {
    return given(this.#measurements.get(id));
  }
  async measurements(runId: string) {
    return given([...this.#measurements.values()].filter((own) => own.runId === runId));
  }
  async saveJudgement(judgement: JudgementRecord) {
    this.#judgements.set(judgement.id, judgement);
    return done();
  }
  async judgement(id: string) {
    return given(this.#judgements.get(id));
  }
  async judgements(runId: string) {
    return given([...this.#judgements.values()].filter((own) => own.runId === runId));
  }
  async saveJudgedPair(pair: JudgedPair) {
    this.#pairs.set(`${pair.service} ${pair.build} ${pair.configurationHash}`, pair);
    return done();
  }
  async judgedPair(service: string, pair: { build: string; configurationHash: string }) {
    return given(this.#pairs.get(`${service} ${pair.build} ${pair.configurationHash}`));
  }

  async createPromotion(promotion: Omit<PromotionRecord, 'version'>) {
    const record = { ...promotion, version: 1 };
    this.#promotions.set(record.id, record);
    return given(record);
  }
  async promotion(id: string) {
    return given(this.#promotions.get(id));
  }
  async promotions(filter: { service?: string; state?: string }, page: PageRequest) {
    const found = [...this.#promotions.values()]
      .filter((own) => filter.service === undefined || own.service === filter.service)
      .filter((own) => filter.state === undefined || own.state === filter.state);
    return given(paged(found.reverse(), page));
  }
  async updatePromotion(id: string, expectedVersion: number, update: Partial<PromotionRecord>) {
    const promotion = this.#must(this.#promotions, id);
    if (promotion.version !== expectedVersion) {
      throw new VersionConflictError('promotion', id, expectedVersion);
    }
    const next = { ...promotion, ...update, version: promotion.version + 1 };
    this.#promotions.set(id, next);
    return given(next);
  }
  async serviceState(service: string): Promise<ServiceState> {
    return given(this.#states.get(service) ?? { service, version: 0 });
  }
  async saveServiceState(
    service: string,
    expectedVersion: number,
    state: Pick<ServiceState, 'inForce' | 'lastKnownGood'>,
  ) {
    const version = this.#states.get(service)?.version ?? 0;
    if (version !== expectedVersion) {
      throw new VersionConflictError('service', service, expectedVersion);
    }
    const next: ServiceState = { service, version: version + 1, ...state };
    this.#states.set(service, next);
    if (state.inForce !== undefined) this.#history.push({ ...state.inForce, service });
    return given(next);
  }
  async serviceHistory(service: string, page: PageRequest): Promise<Page<InForce>> {
    return given(paged(this.#history.filter((own) => own.service === service).reverse(), page));
  }

  async saveReference(reference: ReferenceRecord) {
    this.#references.set(reference.service, reference);
    return done();
  }
  async reference(service: string) {
    return given(this.#references.get(service));
  }

  async saveOverride(override: OverrideRecord) {
    this.#overrides.set(override.runId, override);
    return done();
  }
  async override(runId: string) {
    return given(this.#overrides.get(runId));
  }
  async appendAudit(entry: Omit<AuditEntry, 'sequence'>) {
    const stored = { ...entry, sequence: this.#audit.length + 1 };
    this.#audit.push(stored);
    return given(stored);
  }
  async audit(filter: { service?: string; subject?: string }, page: PageRequest) {
    const found = this.#audit
      .filter((own) => filter.service === undefined || own.service === filter.service)
      .filter((own) => filter.subject === undefined || own.subject === filter.subject);
    return given(paged(found.reverse(), page));
  }

  #must<T>(map: ReadonlyMap<string, T>, id: string): T {
    const found = map.get(id);
    if (found === undefined) throw new Error(`${id} is not stored`);
    return found;
  }
}

/** Answers come later, as from a database. */
async function given<T>(value: T): Promise<T> {
  await Promise.resolve();
  return value;
}

async function done(): Promise<void> {
  await Promise.resolve();
}

function paged<T>(items: readonly T[], { cursor, limit }: PageRequest): Page<T> {
  const from = cursor === undefined ? 0 : Number(cursor);
  const next = from + limit;
  return {
    items: items.slice(from, next),
    ...(next < items.length ? { nextCursor: String(next) } : {}),
  };
}
