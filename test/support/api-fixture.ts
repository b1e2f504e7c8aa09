/** The application with its real store and files, and a run service that only remembers: no platform behind it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../gate-service/src/api/app.ts';
import { createTokenBook, tokenDigest } from '../../gate-service/src/api/identity/token-book.ts';
import { rightSchema } from '../../gate-service/src/api/identity/rights.ts';
import type { Right } from '../../gate-service/src/api/identity/rights.ts';
import type { Driving } from '../../gate-service/src/runs/driving.ts';
import { RefusedError } from '../../gate-service/src/runs/run-service.ts';
import type { RunService, ServiceView } from '../../gate-service/src/runs/run-service.ts';
import type {
  JudgementRecord,
  PromotionRecord,
  RunFilter,
} from '../../gate-service/src/runs/run-store.ts';
import type { RunEvent, RunView } from '../../gate-service/src/runs/run.ts';
import { openBuildFiles } from '../../gate-service/src/store/build-files.ts';
import { openStore } from '../../gate-service/src/store/store.ts';
import type { Store } from '../../gate-service/src/store/store.ts';

export const MAX_BUILD_BYTES = 256 * 1024;

/** `only-read` has just `read`, and so on; `everything` has all of them. */
/** Whose token: a person's with one right or all of them, or a pipeline's. */
type TokenName = Right | 'everything' | 'pipeline';

export const tokenFor = (right: TokenName): string => `token-${right}-0123456789`;

export const bearer = (right: TokenName) => ({
  authorization: `Bearer ${tokenFor(right)}`,
});

export interface ApiFixture {
  readonly app: FastifyInstance;
  readonly store: Store;
  readonly runs: RememberedRuns;
  readonly directory: string;
  close(): Promise<void>;
}

export async function openApiFixture(): Promise<ApiFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'speed-gate-api-'));
  const store = await openStore({ file: join(directory, 'store.db') });
  const runs = new RememberedRuns(store);
  const app = await buildApp({
    runs,
    store,
    buildFiles: await openBuildFiles({
      directory: join(directory, 'builds'),
      maxBytes: MAX_BUILD_BYTES,
    }),
    tokens: createTokenBook([
      ...rightSchema.options.map((right) => ({
        name: `only-${right}`,
        kind: 'person' as const,
        sha256: tokenDigest(tokenFor(right)),
        rights: [right],
      })),
      {
        name: 'everything',
        kind: 'person',
        sha256: tokenDigest(tokenFor('everything')),
        rights: [...rightSchema.options],
      },
      {
        name: 'pipeline',
        kind: 'ci',
        sha256: tokenDigest(tokenFor('pipeline')),
        rights: ['read', 'run', 'promote'],
      },
    ]),
    stateDirectory: directory,
    maxBuildBytes: MAX_BUILD_BYTES,
    drainMs: 200,
  });
  return {
    app,
    store,
    runs,
    directory,
    async close() {
      await app.close();
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
}

const shop: ServiceView = {
  name: 'checkout',
  description: 'the shop',
  rules: {
    thresholds: ['errors < 1%'],
    shown: [],
    promote: 'manual',
    fourEyes: false,
    supersede: false,
    limits: { queued: 20, tuneSeconds: 3600 },
  },
};

export function runView(changes: Partial<RunView> = {}): RunView {
  const id = changes.id ?? 'run-1';
  return {
    id,
    revision: '1-0-none',
    service: 'checkout',
    build: 'a'.repeat(64),
    requestedBy: 'only-run',
    createdAt: '2026-01-01T00:00:00.000Z',
    phase: 'queued',
    phases: [],
    earlierRuns: 0,
    overrides: [],
    against: 'production',
    evidence: [],
    shown: [],
    controls: [],
    attempts: [],
    links: { self: `/v1/runs/${id}` },
    ...changes,
  };
}

/** Stands in for the life of runs, whose own tests are elsewhere; events go through the real store. */
export class RememberedRuns implements RunService {
  readonly views = new Map<string, RunView>();
  readonly calls: { name: string; arguments: readonly unknown[] }[] = [];
  /** Thrown by the next call that changes something. */
  refusal: Error | undefined;
  /** Who drives runs. */
  drivingNow: Driving = { here: true, holder: 'this one' };
  readonly #store: Store;
  readonly #listeners = new Map<string, Set<(event: RunEvent) => void>>();

  constructor(store: Store) {
    this.#store = store;
  }

  async begin(view: RunView): Promise<void> {
    this.views.set(view.id, view);
    await this.#store.createRun({
      id: view.id,
      service: view.service,
      build: view.build,
      request: { service: view.service, build: view.build },
      settings: {
        workload: { rate: 1, arrivals: 'poisson', freshConnections: 0, requests: [] },
        thresholds: [],
        shown: [],
        tune: 'off',
        promote: 'manual',
        profile: 'quick',
        against: 'production',
        seed: 1,
      },
      requestedBy: view.requestedBy,
      createdAt: view.createdAt,
      phase: view.phase,
      phases: [],
    });
  }

  async emit(
    runId: string,
    message: string,
    type: RunEvent['type'] = 'progress',
    data: RunEvent['data'] = {},
  ): Promise<void> {
    const event = await this.#store.appendEvent({
      runId,
      at: '2026-01-01T00:00:00.000Z',
      type,
      message,
      data,
    });
    for (const listener of this.#listeners.get(runId) ?? []) listener(event);
  }

  listeners(runId: string): number {
    return this.#listeners.get(runId)?.size ?? 0;
  }

  async submit(...given: Parameters<RunService['submit']>) {
    this.#note('submit', given);
    const known = this.views.has('run-1');
    if (!known) await this.begin(runView());
    return { run: runView(), created: !known, ahead: 0 };
  }

  get(id: string) {
    return Promise.resolve(this.views.get(id));
  }

  list(filter: RunFilter) {
    const wanted = Object.entries(filter).filter(([field]) => field !== 'services');
    const items = [...this.views.values()].filter(
      (view) =>
        (filter.services ?? [view.service]).includes(view.service) &&
        wanted.every(([field, value]) => view[field as keyof RunView] === value),
    );
    return Promise.resolve({ items: items.reverse() });
  }

  queue() {
    const { views } = this;
    const waiting = [...views.values()].filter(({ phase }) => phase !== 'finished');
    return Promise.resolve(
      waiting.map(({ build, createdAt, earlierRuns, id, phase, requestedBy, service }) => ({
        id,
        service,
        build,
        requestedBy,
        createdAt,
        phase,
        earlierRuns,
        ...(phase === 'queued' ? { queue: { ahead: 0, reason: 'it is next' } } : {}),
      })),
    );
  }

  events(id: string, after: number) {
    return this.#store.events(id, after, 1000);
  }

  subscribe(id: string, listener: (event: RunEvent) => void) {
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
    };
  }

  cancel(...given: Parameters<RunService['cancel']>) {
    this.#note('cancel', given);
    return Promise.resolve(this.#existing(given[0]));
  }

  override(...given: Parameters<RunService['override']>) {
    this.#note('override', given);
    return Promise.resolve(this.#existing(given[0]));
  }

  async rejudge(...given: Parameters<RunService['rejudge']>): Promise<JudgementRecord> {
    this.#note('rejudge', given);
    const [runId, { shown = [], thresholds, ...options }, by] = given;
    this.#existing(runId);
    const [first] = await this.#store.judgements(runId);
    if (first === undefined) throw new RefusedError('no-measurement', 'nothing was judged');
    const record: JudgementRecord = {
      ...first,
      id: 'again-1',
      by,
      rejudges: first.id,
      thresholds,
      shown,
      options: { ...options },
    };
    await this.#store.saveJudgement(record);
    return record;
  }

  promote(...given: Parameters<RunService['promote']>): Promise<PromotionRecord> {
    this.#note('promote', given);
    const [service, order, actor] = given;
    return Promise.resolve({
      id: 'promotion-1',
      service,
      build: order.build,
      configurationHash: order.configuration,
      origin: 'person',
      actor,
      reason: order.reason,
      createdAt: '2026-01-01T00:00:00.000Z',
      version: 1,
      state: 'running',
      stage: 'queued',
      steps: [],
    });
  }

  setReference(...given: Parameters<RunService['setReference']>) {
    this.#note('setReference', given);
    const [service, order, actor] = given;
    return Promise.resolve({ service, ...order, actor, at: '2026-01-01T00:00:00.000Z' });
  }

  promotion() {
    return Promise.resolve(undefined);
  }

  promotions(service: string) {
    return this.#known(service, { items: [] });
  }

  serviceNames() {
    return ['checkout'];
  }

  services() {
    return Promise.resolve([shop]);
  }

  service(name: string) {
    return Promise.resolve(name === 'checkout' ? shop : undefined);
  }

  history(service: string) {
    return this.#known(service, { items: [] });
  }

  decisions(service: string) {
    return this.#known(service, { items: [] });
  }

  trend(service: string) {
    return this.#known(service, []);
  }

  configuration(service: string) {
    return this.#known(service, {});
  }

  driving(): Driving {
    return this.drivingNow;
  }

  #known<T>(service: string, answer: T): Promise<T> {
    return service === 'checkout'
      ? Promise.resolve(answer)
      : Promise.reject(new RefusedError('unknown-service', `there is no service ${service}`));
  }

  #note(name: string, given: readonly unknown[]): void {
    this.calls.push({ name, arguments: given });
    const refusal = this.refusal;
    this.refusal = undefined;
    if (refusal !== undefined) throw refusal;
  }

  #existing(id: string): RunView {
    const view = this.views.get(id);
    if (view === undefined) throw new RefusedError('unknown-run', `there is no run ${id}`);
    return view;
  }
}
