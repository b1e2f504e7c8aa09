/** The store port in memory, for tests of the machine; it keeps the port's rules. */
import type {
  AcceptedRun,
  AttemptRecord,
  AuditEntry,
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
  Page,
  PageRequest,
  PromotionRecord,
  ReferenceRecord,
  RoomForRun,
  RunFilter,
  RunRecord,
  RunStore,
  ServiceState,
  LearntSession,
  TuningRecord,
} from '../run-store.ts';
import {
  auditHash,
  IdempotencyConflictError,
  NO_PREVIOUS_HASH,
  RunFinishedError,
  VersionConflictError,
} from '../run-store.ts';
import type { RunEvent } from '../run.ts';
import { done, given, leaseOf, matches, paged, roomFor, trendPoint } from './memory-parts.ts';
import type { MemoryLease } from './memory-parts.ts';

const keyOf = ({ at, runId, start }: TuningRecord): string => `${at} ${runId} ${start}`;
const byNewest = (one: string, other: string): number => (one < other ? 1 : one > other ? -1 : 0);

type Values = Readonly<Record<string, number | boolean | string>>;

export class MemoryStore implements RunStore {
  readonly #builds = new Map<string, BuildRecord>();
  readonly #configurations = new Map<string, Values>();
  readonly #runs = new Map<string, RunRecord>();
  readonly #keys = new Map<string, IdempotencyKey & { readonly runId: string }>();
  readonly #events = new Map<string, RunEvent[]>();
  readonly #intents = new Map<string, IntentRecord>();
  readonly #attempts = new Map<string, AttemptRecord>();
  readonly #tunings = new Map<string, TuningRecord>();
  readonly #measurements = new Map<string, MeasurementRecord>();
  readonly #judgements = new Map<string, JudgementRecord>();
  readonly #pairs = new Map<string, JudgedPair>();
  readonly #promotions = new Map<string, PromotionRecord>();
  readonly #states = new Map<string, ServiceState>();
  readonly #history = new Map<string, InForce[]>();
  readonly #references = new Map<string, ReferenceRecord>();
  readonly #overrides = new Map<string, OverrideRecord>();
  readonly #audit: AuditEntry[] = [];
  readonly #leases = new Map<string, MemoryLease>();
  readonly #deliveries = new Map<string, DeliveryRecord>();
  readonly #claims = new Map<string, string>();
  readonly #now: () => number;
  /** How often a decision was written, by run. */
  readonly decisionsWritten = new Map<string, number>();

  /** @param now the clock of leases, in milliseconds since 1970 */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

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

  async createRun(draft: NewRun, key?: IdempotencyKey, accept?: (room: RoomForRun) => AcceptedRun) {
    const known = key && this.#byKey(key);
    if (known !== undefined) return given({ run: known, created: false });
    const accepted = accept?.(roomFor(draft, [...this.#runs.values()]));
    const run = accepted?.run ?? draft;
    const record: RunRecord = { ...run, version: 1 };
    this.#runs.set(run.id, record);
    if (key !== undefined) this.#keys.set(`${key.actor} ${key.key}`, { ...key, runId: run.id });
    if (accepted !== undefined) {
      this.#events.set(run.id, [{ ...accepted.event, runId: run.id, sequence: 1 }]);
      await this.appendAudit(accepted.audit);
    }
    return given({ run: record, created: true });
  }
  async runByKey(key: IdempotencyKey) {
    return given(this.#byKey(key));
  }
  async run(id: string) {
    return given(this.#runs.get(id));
  }
  async runs({ services, ...filter }: RunFilter, page: PageRequest) {
    const found = this.#byAge()
      .filter((run) => services?.includes(run.service) ?? true)
      .filter((run) => matches(run, filter));
    return given(paged(found.reverse(), page));
  }
  async latestRun(service: string) {
    return given(this.#byAge().findLast((run) => run.service === service));
  }
  async trend(service: string, limit: number) {
    const points = this.#byAge()
      .filter((run) => run.service === service && run.phase === 'finished')
      .map((run) => trendPoint(run, this.#judgements.get(run.judgementId ?? '')))
      .filter((point) => point !== undefined)
      .sort((one, other) => (one.finishedAt < other.finishedAt ? 1 : -1));
    return given(points.slice(0, limit));
  }
  async queuedRuns() {
    return given(this.#byAge().filter((run) => run.phase === 'queued'));
  }
  async unfinishedRuns() {
    const runs = this.#byAge();
    return given(runs.filter((run) => run.phase !== 'queued' && run.phase !== 'finished'));
  }
  async updateRun(id: string, expectedVersion: number, update: Partial<RunRecord>) {
    const run = this.#must(this.#runs, id);
    if (run.version !== expectedVersion) throw new VersionConflictError('run', id, expectedVersion);
    if (run.phase === 'finished') throw new RunFinishedError(id);
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
  async saveTuning(tuning: TuningRecord) {
    this.#tunings.set(`${tuning.runId} ${tuning.start}`, tuning);
    return done();
  }
  async tuning(runId: string) {
    const own = [...this.#tunings.values()].filter((tuning) => tuning.runId === runId);
    return given(own.sort((one, other) => one.start - other.start).at(-1)?.view);
  }
  async learntSessions({ service }: { readonly service?: string }, limit: number) {
    const found = [...this.#tunings.values()]
      .sort((one, other) => byNewest(keyOf(one), keyOf(other)))
      .flatMap(({ learnt, ...own }) =>
        learnt === undefined || (service !== undefined && own.service !== service)
          ? []
          : [{ runId: own.runId, start: own.start, service: own.service, at: own.at, ...learnt }],
      );
    return given(found.slice(0, limit));
  }
  async saveLearnt({ runId, start, space, session }: LearntSession) {
    const key = `${runId} ${start}`;
    const tuning = this.#tunings.get(key);
    if (tuning !== undefined) this.#tunings.set(key, { ...tuning, learnt: { space, session } });
    return done();
  }
  async forgetLearnt(keep: number) {
    const kept = new Map<string, number>();
    let changed = 0;
    const newest = [...this.#tunings].sort(([, one], [, other]) =>
      byNewest(keyOf(one), keyOf(other)),
    );
    for (const [key, { learnt, ...own }] of newest) {
      if (learnt === undefined) continue;
      const rank = (kept.get(own.service) ?? 0) + 1;
      kept.set(own.service, rank);
      if (rank <= keep) continue;
      this.#tunings.set(key, own);
      changed += 1;
    }
    for (const [key, { learnt, runId, start }] of this.#tunings) {
      if (learnt !== undefined || !this.#tunings.has(`${runId} ${start + 1}`)) continue;
      this.#tunings.delete(key);
      changed += 1;
    }
    return given(changed);
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
  async prunableMeasurements(before: string, limit: number) {
    const kept = (own: MeasurementRecord): boolean => {
      const run = this.#runs.get(own.runId);
      if (run?.phase !== 'finished') return true;
      const state = this.#states.get(run.service);
      const builds = [state?.inForce, state?.lastKnownGood, this.#references.get(run.service)];
      return builds.some((known) => known?.build === run.build);
    };
    const found = [...this.#measurements.values()]
      .filter((own) => own.samplesPrunedAt === undefined && own.endedAt < before && !kept(own))
      .sort((one, other) => (one.endedAt < other.endedAt ? -1 : 1));
    return given(found.slice(0, limit));
  }
  async markSamplesPruned(id: string, at: string) {
    const measurement = this.#must(this.#measurements, id);
    this.#measurements.set(id, { samplesPrunedAt: at, ...measurement });
    return done();
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
  async promotions(
    { services, ...filter }: { service?: string; services?: readonly string[]; state?: string },
    page: PageRequest,
  ) {
    const found = [...this.#promotions.values()]
      .filter((own) => services?.includes(own.service) ?? true)
      .filter((own) => matches(own, filter));
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
    const stay = this.#states.get(service)?.inForce;
    this.#states.set(service, next);
    if (state.inForce !== undefined && stay?.promotionId !== state.inForce.promotionId) {
      this.#history.set(service, [...(this.#history.get(service) ?? []), state.inForce]);
    }
    return given(next);
  }
  async serviceHistory(service: string, page: PageRequest): Promise<Page<InForce>> {
    return given(paged([...(this.#history.get(service) ?? [])].reverse(), page));
  }

  async saveReference(reference: ReferenceRecord) {
    this.#references.set(reference.service, reference);
    return done();
  }
  async reference(service: string) {
    return given(this.#references.get(service));
  }

  async createOverride(
    override: OverrideRecord,
    audit: NewAuditEntry,
    accept: (run: RunRecord, overrides: readonly OverrideRecord[]) => void,
  ) {
    const run = this.#runs.get(override.runId);
    if (run === undefined) throw new Error(`there is no run ${override.runId}`);
    accept(run, this.#overridesOf({ runId: override.runId }));
    this.#overrides.set(override.id, override);
    await this.appendAudit(audit);
  }
  async saveOverride(override: OverrideRecord) {
    this.#overrides.set(override.id, override);
    return done();
  }
  async override(runId: string) {
    return given(this.#overridesOf({ runId }).at(-1));
  }
  async overrides(runId: string) {
    return given(this.#overridesOf({ runId }));
  }
  async waitingOverrides() {
    return given(this.#overridesOf({ state: 'waiting' }));
  }
  async appendAudit(entry: NewAuditEntry) {
    const previousHash = this.#audit.at(-1)?.hash ?? NO_PREVIOUS_HASH;
    const numbered = { ...entry, sequence: this.#audit.length + 1 };
    const stored = { ...numbered, previousHash, hash: auditHash(previousHash, numbered) };
    this.#audit.push(stored);
    return given(stored);
  }
  async audit(
    { services, ...filter }: { service?: string; services?: readonly string[]; subject?: string },
    page: PageRequest,
  ) {
    const found = this.#audit
      .filter((own) => services?.includes(own.service ?? '') ?? true)
      .filter((own) => matches(own, filter));
    return given(paged(found.reverse(), page));
  }
  async auditFrom(sequence: number, limit: number) {
    return given(this.#audit.filter((own) => own.sequence >= sequence).slice(0, limit));
  }

  async acquireLease(name: string, holder: string, seconds: number) {
    const held = this.#leases.get(name);
    const same = held?.holder === holder;
    if (held !== undefined && !same && held.until > this.#now()) return given(undefined);
    const token = same ? held.token : (held?.token ?? 0) + 1;
    return given(this.#hold({ name, holder, token }, seconds));
  }
  async renewLease(lease: Lease, seconds: number) {
    return given(this.#holds(lease) ? this.#hold(lease, seconds) : undefined);
  }
  async releaseLease(lease: Lease) {
    if (this.#holds(lease)) {
      this.#leases.set(lease.name, { holder: '', token: lease.token, until: 0 });
    }
    return done();
  }
  async leases() {
    return given(
      [...this.#leases]
        .filter(([, { until }]) => until > this.#now())
        .map(([name, { holder, token, until }]) => leaseOf({ name, holder, token }, until)),
    );
  }

  async enqueueDelivery(delivery: DeliveryRecord) {
    const { endpoint, subject, type } = delivery;
    const known = [...this.#deliveries.values()];
    if (!known.some((own) => matches(own, { endpoint, subject, type }))) {
      this.#deliveries.set(delivery.id, delivery);
    }
    return done();
  }
  async claimDueDelivery(_holder: string, now: string, seconds: number) {
    const due = [...this.#deliveries.values()]
      .filter((own) => own.state === 'due' && own.nextAt <= now)
      .filter((own) => (this.#claims.get(own.id) ?? '') <= now)
      .sort((one, other) => Date.parse(one.nextAt) - Date.parse(other.nextAt))
      .at(0);
    if (due !== undefined) {
      this.#claims.set(due.id, new Date(Date.parse(now) + seconds * 1000).toISOString());
    }
    return given(due);
  }
  async saveDelivery(delivery: DeliveryRecord) {
    const { state } = this.#must(this.#deliveries, delivery.id);
    if (state !== 'delivered') {
      this.#deliveries.set(delivery.id, delivery);
      this.#claims.delete(delivery.id);
    }
    return done();
  }
  async removeSettled(before: string, limit: number) {
    const messages = [...this.#deliveries.values()]
      .filter((own) => own.state !== 'due' && own.type !== 'ping' && own.nextAt < before)
      .slice(0, limit);
    for (const { id } of messages) this.#deliveries.delete(id);
    const keys = [...this.#keys].filter(([, { runId }]) => {
      const { createdAt, phase } = this.#must(this.#runs, runId);
      return createdAt < before && phase === 'finished';
    });
    for (const [key] of keys.slice(0, limit)) this.#keys.delete(key);
    return given(messages.length + Math.min(keys.length, limit));
  }
  async deliveries(
    filter: { id?: string; endpoint?: string; state?: DeliveryState; subject?: string },
    page: PageRequest,
  ) {
    const found = [...this.#deliveries.values()].filter((own) => matches(own, filter));
    return given(paged(found.reverse(), page));
  }

  #byKey({ actor, key, requestHash }: IdempotencyKey): RunRecord | undefined {
    const known = this.#keys.get(`${actor} ${key}`);
    if (known === undefined) return undefined;
    if (known.requestHash !== requestHash) throw new IdempotencyConflictError(key);
    return this.#must(this.#runs, known.runId);
  }
  /** Oldest first. */
  #byAge(): RunRecord[] {
    return [...this.#runs.values()].sort((one, other) =>
      one.createdAt === other.createdAt ? 0 : one.createdAt < other.createdAt ? -1 : 1,
    );
  }
  #overridesOf(filter: { runId?: string; state?: string }): OverrideRecord[] {
    return [...this.#overrides.values()]
      .filter((own) => matches(own, filter))
      .sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  }
  #holds({ name, holder, token }: Lease): boolean {
    const held = this.#leases.get(name);
    return held?.holder === holder && held.token === token;
  }
  #hold({ name, holder, token }: Omit<Lease, 'expiresAt'>, seconds: number): Lease {
    const until = this.#now() + seconds * 1000;
    this.#leases.set(name, { holder, token, until });
    return leaseOf({ name, holder, token }, until);
  }
  #must<T>(map: ReadonlyMap<string, T>, id: string): T {
    const found = map.get(id);
    if (found === undefined) throw new Error(`${id} is not stored`);
    return found;
  }
}
