/** The run service: what the API calls, on store, worker and promotions. */
import { createHash, randomInt, randomUUID } from 'node:crypto';
import { isoNow } from './clock.ts';
import type { Clock } from './clock.ts';
import type { Journal } from './journal.ts';
import { People } from './people.ts';
import type { RunJudge, SampleFiles } from './ports.ts';
import type { Promotions } from './promotion.ts';
import { Rejudging } from './rejudging.ts';
import { resolveSettings } from './request-rules.ts';
import type { RunEvent, RunRequest, RunView } from './run.ts';
import type {
  OverrideOrder,
  PromotionOrder,
  ReferenceOrder,
  RejudgeRequest,
  RunService,
  ServiceView,
  Submission,
} from './run-service.ts';
import { RefusedError } from './run-service.ts';
import type {
  InForce,
  JudgementRecord,
  Page,
  PageRequest,
  PromotionRecord,
  ReferenceRecord,
  RunRecord,
  RunStore,
} from './run-store.ts';
import { viewOf } from './view.ts';
import type { Worker } from './worker.ts';
import type { CatalogueService } from '../settings/catalogue.ts';

export interface GateRunsDependencies {
  readonly store: RunStore;
  readonly journal: Journal;
  readonly worker: Pick<Worker, 'wake' | 'cancel'>;
  readonly promotions: Promotions;
  readonly judge: RunJudge;
  readonly sampleFiles: Pick<SampleFiles, 'read'>;
  readonly clock: Clock;
  readonly services: readonly CatalogueService[];
  /** Services whose production runs on the machine that staging has. */
  readonly productionBesides: () => Promise<readonly string[]>;
  /** Seed of a new run, 0 to 2³¹ − 1; drawn at random when absent. */
  readonly drawSeed?: () => number;
  /** Told of a promotion that could not even be carried out; its record says the rest. */
  readonly problem?: (error: Error) => void;
}

const EVENTS_PER_PAGE = 1000;

export class GateRuns implements RunService {
  readonly #deps: GateRunsDependencies;
  readonly #people: People;
  readonly #rejudging: Rejudging;

  constructor(deps: GateRunsDependencies) {
    this.#deps = deps;
    this.#people = new People(deps);
    this.#rejudging = new Rejudging(deps);
  }

  async submit(request: RunRequest, actor: string, idempotencyKey?: string): Promise<Submission> {
    const { clock, journal, judge, store, worker } = this.#deps;
    const service = this.#service(request.service);
    await this.#requireBuild(request.build);
    const { inForce } = await store.serviceState(service.name);
    const settings = resolveSettings(request, service, judge, {
      hasProduction: inForce !== undefined,
      productionBesides: await this.#deps.productionBesides(),
      hasReference: (await store.reference(service.name)) !== undefined,
      seed: (this.#deps.drawSeed ?? drawSeed)(),
    });
    const at = isoNow(clock);
    const { created, run } = await store.createRun(
      {
        id: randomUUID(),
        service: service.name,
        build: request.build,
        ...(request.label === undefined ? {} : { label: request.label }),
        request,
        settings,
        requestedBy: actor,
        createdAt: at,
        phase: 'queued',
        phases: [{ phase: 'queued', startedAt: at }],
      },
      idempotencyKey === undefined
        ? undefined
        : { key: idempotencyKey, actor, requestHash: hashOf(request) },
    );
    const ahead = await this.#ahead(run);
    if (created) {
      await store.appendAudit({
        at,
        actor,
        action: 'run.submit',
        subject: run.id,
        service: service.name,
        data: { build: run.build, promote: settings.promote },
      });
      const earlier = (
        await store.runs({ service: service.name, build: run.build }, { limit: 200 })
      ).items.length;
      await journal.append(
        run.id,
        'phase',
        `queued${ahead === 0 ? '' : ` behind ${ahead}`}${earlier > 1 ? `; this build was submitted ${earlier - 1} times before` : ''}`,
        { phase: 'queued', ahead, earlierRuns: earlier - 1 },
      );
      worker.wake();
    }
    return { run: await this.#view(run), created, ahead };
  }

  async get(id: string): Promise<RunView | undefined> {
    const run = await this.#deps.store.run(id);
    return run === undefined ? undefined : this.#view(run);
  }

  async list(filter: { readonly service?: string }, page: PageRequest): Promise<Page<RunView>> {
    const { items, nextCursor } = await this.#deps.store.runs(filter, page);
    const views = await Promise.all(items.map((run) => this.#view(run)));
    return { items: views, ...(nextCursor === undefined ? {} : { nextCursor }) };
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
    await worker.cancel(cancelled);
    return this.#view(await this.#run(id));
  }

  async override(id: string, order: OverrideOrder, actor: string): Promise<RunView> {
    const run = await this.#run(id);
    await this.#people.override(run, order, actor);
    return this.#view(await this.#run(id));
  }

  async rejudge(id: string, request: RejudgeRequest, actor: string): Promise<JudgementRecord> {
    return this.#rejudging.rejudge(await this.#run(id), request, actor);
  }

  promote(service: string, order: PromotionOrder, actor: string): Promise<PromotionRecord> {
    return this.#people.promote(this.#service(service).name, order, actor);
  }

  /** To be called when a run has its decision: an override given before acts now. */
  afterRun(run: RunRecord): Promise<void> {
    return this.#people.afterRun(run);
  }

  async setReference(name: string, order: ReferenceOrder, actor: string): Promise<ReferenceRecord> {
    const { clock, store } = this.#deps;
    const service = this.#service(name);
    await this.#requireBuild(order.build);
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

  services(): Promise<readonly ServiceView[]> {
    return Promise.all(this.#deps.services.map((service) => this.#serviceView(service)));
  }

  async service(name: string): Promise<ServiceView | undefined> {
    const service = this.#deps.services.find((known) => known.name === name);
    return service === undefined ? undefined : this.#serviceView(service);
  }

  history(service: string, page: PageRequest): Promise<Page<InForce>> {
    return this.#deps.store.serviceHistory(this.#service(service).name, page);
  }

  async #serviceView(service: CatalogueService): Promise<ServiceView> {
    const { store } = this.#deps;
    const { inForce, lastKnownGood } = await store.serviceState(service.name);
    const reference = await store.reference(service.name);
    const [latest] = (await store.runs({ service: service.name }, { limit: 1 })).items;
    const [promotion] = (
      await store.promotions({ service: service.name, state: 'running' }, { limit: 1 })
    ).items;
    return {
      name: service.name,
      description: service.description,
      ...(inForce === undefined ? {} : { inForce }),
      ...(lastKnownGood === undefined ? {} : { lastKnownGood }),
      ...(reference === undefined ? {} : { reference }),
      ...(latest === undefined ? {} : { latestRun: await this.#view(latest) }),
      ...(promotion === undefined ? {} : { promotion }),
    };
  }

  async #ahead(run: RunRecord): Promise<number> {
    if (run.phase !== 'queued') return 0;
    const queued = await this.#deps.store.queuedRuns();
    const place = queued.findIndex(({ id }) => id === run.id);
    return Math.max(0, place) + (await this.#deps.store.unfinishedRuns()).length;
  }

  #view(run: RunRecord): Promise<RunView> {
    return viewOf(run, this.#deps.store, this.#deps.clock.now());
  }

  async #run(id: string): Promise<RunRecord> {
    const run = await this.#deps.store.run(id);
    if (run === undefined) throw new RefusedError('unknown-run', `there is no run ${id}`);
    return run;
  }

  /** @throws RefusedError */
  async #requireBuild(digest: string): Promise<void> {
    if ((await this.#deps.store.build(digest)) !== undefined) return;
    throw new RefusedError(
      'unknown-build',
      `build ${digest} was not uploaded: PUT /v1/builds/${digest} first`,
      '/build',
    );
  }

  #service(name: string): CatalogueService {
    const service = this.#deps.services.find((known) => known.name === name);
    if (service !== undefined) return service;
    const known = this.#deps.services.map((own) => own.name).join(', ');
    throw new RefusedError(
      'unknown-service',
      `there is no service ${JSON.stringify(name)} in the catalogue; known: ${known}`,
      '/service',
    );
  }
}

function drawSeed(): number {
  return randomInt(2 ** 31);
}

/** SHA-256 of the request with its keys in order: the same request hashes alike however it was written. */
function hashOf(request: RunRequest): string {
  return createHash('sha256')
    .update(JSON.stringify(canonical(request)))
    .digest('hex');
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, own]) => [key, canonical(own)]));
}
