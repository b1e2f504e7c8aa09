/** The run service: what the API calls. It reads and stores; the replica that drives does the rest. */
import type { PlatformKind } from '../platforms/platform.ts';
import type { CatalogueService } from '../settings/catalogue.ts';
import { isoNow } from './clock.ts';
import type { Clock } from './clock.ts';
import type { Driving } from './driving.ts';
import type { Journal } from './journal.ts';
import type { Notifier } from './notifier.ts';
import { requireUploaded } from './named-build.ts';
import { People } from './people.ts';
import type { RunJudge, SampleFiles } from './ports.ts';
import type { Promotions } from './promotion.ts';
import { queueEntry, readQueue } from './queue.ts';
import type { Queue } from './queue.ts';
import { Rejudging } from './rejudging.ts';
import type { QueuePlace, RunEvent, RunInShort, RunRequest, RunView } from './run.ts';
import type {
  OverrideOrder,
  PromotionOrder,
  QueueEntry,
  ReferenceOrder,
  RejudgeRequest,
  RunService,
  Submission,
  SubmitOptions,
} from './run-service.ts';
import { RefusedError } from './run-service.ts';
import type {
  InForce,
  JudgementRecord,
  Page,
  PageRequest,
  PromotionRecord,
  ReferenceRecord,
  RunFilter,
  RunRecord,
  RunStore,
  TrendPoint,
} from './run-store.ts';
import { ServiceViews } from './service-views.ts';
import type { ConfigurationView, DecisionView, ServiceView } from './service-views.ts';
import { aheadOf, Submitting } from './submitting.ts';
import { viewInShort, viewOf } from './view.ts';
import type { Worker } from './worker.ts';

export interface GateRunsDependencies {
  readonly store: RunStore;
  readonly journal: Journal;
  readonly worker: Pick<Worker, 'wake'>;
  readonly promotions: Pick<Promotions, 'create'>;
  readonly judge: RunJudge;
  readonly sampleFiles: Pick<SampleFiles, 'read'>;
  readonly clock: Clock;
  /** Where builds run: says how they are named. Default `local`. */
  readonly platform?: PlatformKind;
  readonly services: readonly CatalogueService[];
  /** Services whose production runs on the machine that staging has. */
  readonly productionBesides: () => Promise<readonly string[]>;
  /** Who drives, as last known; absent where this process always does. */
  readonly driving?: () => Driving;
  readonly notifier?: Notifier;
  /** Seed of a new run, 0 to 2³¹ − 1; drawn at random when absent. */
  readonly drawSeed?: () => number;
}

const EVENTS_PER_PAGE = 1000;

export class GateRuns implements RunService {
  readonly #deps: GateRunsDependencies;
  readonly #people: People;
  readonly #rejudging: Rejudging;
  readonly #submitting: Submitting;
  readonly #views: ServiceViews;

  constructor(deps: GateRunsDependencies) {
    this.#deps = deps;
    this.#people = new People(deps);
    this.#rejudging = new Rejudging(deps);
    this.#submitting = new Submitting(deps);
    this.#views = new ServiceViews(deps.store, (run) => this.#inShort(run));
  }

  async submit(
    request: RunRequest,
    actor: string,
    idempotencyKey?: string,
    options?: SubmitOptions,
  ): Promise<Submission> {
    const service = this.#service(request.service);
    const { created, run } = await this.#submitting.submit(
      service,
      request,
      actor,
      idempotencyKey,
      options,
    );
    if (created) this.#deps.worker.wake();
    return { run: await this.#view(run), created, ahead: await aheadOf(run, this.#deps.store) };
  }

  async get(id: string): Promise<RunView | undefined> {
    const run = await this.#deps.store.run(id);
    return run === undefined ? undefined : this.#view(run);
  }

  async list(filter: RunFilter, page: PageRequest): Promise<Page<RunInShort>> {
    const { items, nextCursor } = await this.#deps.store.runs(filter, page);
    const queue = items.some(({ phase }) => phase === 'queued') ? await this.#queue() : undefined;
    const views = await Promise.all(items.map((run) => this.#inShort(run, queue)));
    return { items: views, ...(nextCursor === undefined ? {} : { nextCursor }) };
  }

  async queue(): Promise<readonly QueueEntry[]> {
    const { places, runs } = await this.#queue();
    return runs.map((run) => queueEntry(run, places));
  }

  async events(id: string, after: number): Promise<readonly RunEvent[]> {
    await this.#run(id);
    return this.#deps.store.events(id, after, EVENTS_PER_PAGE);
  }

  subscribe(id: string, listener: (event: RunEvent) => void): () => void {
    return this.#deps.journal.subscribe(id, listener);
  }

  async cancel(id: string, actor: string): Promise<RunView> {
    const { clock, journal, store, worker } = this.#deps;
    const run = await this.#run(id);
    if (run.phase === 'finished' || run.cancel !== undefined) return this.#view(run);
    const at = isoNow(clock);
    await store.appendAudit({
      at,
      actor,
      action: 'run.cancel',
      subject: id,
      service: run.service,
      data: { phase: run.phase },
    });
    const cancelled = await store.requestCancel(id, { actor, at });
    if (cancelled.phase !== 'finished') {
      await journal.append(id, 'problem', `${actor} cancels the run`);
    }
    worker.wake();
    return this.#view(cancelled);
  }

  async override(id: string, order: OverrideOrder, actor: string): Promise<RunView> {
    await this.#people.override(await this.#run(id), order, actor);
    this.#deps.worker.wake();
    return this.#view(await this.#run(id));
  }

  async rejudge(id: string, request: RejudgeRequest, actor: string): Promise<JudgementRecord> {
    return this.#rejudging.rejudge(await this.#run(id), request, actor);
  }

  async promote(service: string, order: PromotionOrder, actor: string): Promise<PromotionRecord> {
    const promotion = await this.#people.promote(this.#service(service), order, actor);
    this.#deps.worker.wake();
    return promotion;
  }

  /** For the replica that drives: acts on the orders of people whose time has come. */
  due(): Promise<void> {
    return this.#people.due();
  }

  async setReference(name: string, order: ReferenceOrder, actor: string): Promise<ReferenceRecord> {
    const { clock, store } = this.#deps;
    const service = this.#service(name);
    await requireUploaded(this.#deps.store, order.build);
    const reference = { service: service.name, ...order, actor, at: isoNow(clock) };
    await store.appendAudit({
      at: reference.at,
      actor,
      action: 'service.reference',
      subject: service.name,
      service: service.name,
      reason: order.reason,
      data: { build: order.build, before: (await store.reference(service.name))?.build ?? null },
    });
    await store.saveReference(reference);
    return reference;
  }

  promotion(id: string): Promise<PromotionRecord | undefined> {
    return this.#deps.store.promotion(id);
  }

  async promotions(service: string, page: PageRequest): Promise<Page<PromotionRecord>> {
    return this.#deps.store.promotions({ service: this.#service(service).name }, page);
  }

  serviceNames(): readonly string[] {
    return this.#deps.services.map(({ name }) => name);
  }

  services(): Promise<readonly ServiceView[]> {
    return this.#views.services(this.#deps.services);
  }

  async service(name: string): Promise<ServiceView | undefined> {
    const service = this.#deps.services.find((known) => known.name === name);
    return service === undefined ? undefined : this.#views.service(service);
  }

  async history(service: string, page: PageRequest): Promise<Page<InForce>> {
    return this.#deps.store.serviceHistory(this.#service(service).name, page);
  }

  async decisions(service: string, page: PageRequest): Promise<Page<DecisionView>> {
    return this.#views.decisions(this.#service(service).name, page);
  }

  async trend(service: string, limit: number): Promise<readonly TrendPoint[]> {
    return this.#deps.store.trend(this.#service(service).name, limit);
  }

  async configuration(service: string): Promise<ConfigurationView> {
    return this.#views.configuration(this.#service(service).name);
  }

  driving(): Driving {
    return this.#deps.driving?.() ?? { here: true };
  }

  #queue(): Promise<Queue> {
    return readQueue(this.#deps.store, this.#deps.driving?.());
  }

  async #view(run: RunRecord): Promise<RunView> {
    const { clock, store } = this.#deps;
    return viewOf(run, store, clock.now(), await this.#placeOf(run));
  }

  async #inShort(run: RunRecord, queue?: Queue): Promise<RunInShort> {
    const { clock, store } = this.#deps;
    return viewInShort(run, store, clock.now(), await this.#placeOf(run, queue));
  }

  async #placeOf(run: RunRecord, queue?: Queue): Promise<QueuePlace | undefined> {
    if (run.phase !== 'queued') return undefined;
    return (queue ?? (await this.#queue())).places.get(run.id);
  }

  async #run(id: string): Promise<RunRecord> {
    const run = await this.#deps.store.run(id);
    if (run === undefined) throw new RefusedError('unknown-run', `there is no run ${id}`);
    return run;
  }

  #service(name: string): CatalogueService {
    const service = this.#deps.services.find((known) => known.name === name);
    if (service !== undefined) return service;
    const known = this.serviceNames().join(', ');
    throw new RefusedError(
      'unknown-service',
      `there is no service ${JSON.stringify(name)} in the catalogue; known: ${known}`,
      '/service',
    );
  }
}
