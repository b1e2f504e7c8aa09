/**
 * The API with its real rules and a real SQLite store, for two services with production and history. Nobody drives:
 * what is ordered is stored, and stays as it was ordered.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../gate-service/src/api/app.ts';
import type { AppDependencies } from '../../gate-service/src/api/dependencies.ts';
import type { IdentitySource } from '../../gate-service/src/api/identity/identity-source.ts';
import { runJudge } from '../../gate-service/src/runs/adapters/run-judge.ts';
import { systemClock } from '../../gate-service/src/runs/clock.ts';
import { GateRuns } from '../../gate-service/src/runs/gate-runs.ts';
import { Journal } from '../../gate-service/src/runs/journal.ts';
import { Promotions } from '../../gate-service/src/runs/promotion.ts';
import type { PromotionDependencies } from '../../gate-service/src/runs/promotion-execution.ts';
import { catalogueServiceSchema } from '../../gate-service/src/settings/catalogue.ts';
import { machineShare } from '../../gate-service/src/settings/node-resources.ts';
import { stockConfiguration } from '../../gate-service/src/stack/stock.ts';
import { openBuildFiles } from '../../gate-service/src/store/build-files.ts';
import { openStore } from '../../gate-service/src/store/store.ts';
import type { Store } from '../../gate-service/src/store/store.ts';
import { delivery, finishedRun, judgement, newRun } from './store/records.ts';

export const SERVICES = ['checkout', 'search'] as const;
export const IN_FORCE = 'a'.repeat(64);
export const CANDIDATE = 'b'.repeat(64);
export const MOST_BUILD_BYTES = 64 * 1024;

const stock = stockConfiguration(machineShare());
export const CONFIGURATION = stock.hash;

export interface RealApi {
  readonly app: FastifyInstance;
  readonly store: Store;
  readonly directory: string;
  /** A second application on the same store. */
  build(options: Partial<AppDependencies>): Promise<FastifyInstance>;
  close(): Promise<void>;
}

/** Opens it, with `finished-SERVICE`, `queued-SERVICE`, `promotion-SERVICE` and more for each service. */
export async function openRealApi(
  tokens: IdentitySource,
  options: Partial<AppDependencies> = {},
): Promise<RealApi> {
  const directory = await mkdtemp(join(tmpdir(), 'speed-gate-api-'));
  const store = await openStore({ file: join(directory, 'speed-gate.sqlite') });
  await seed(store);
  const journal = new Journal(store, systemClock);
  const runs = new GateRuns({
    store,
    journal,
    worker: { wake: () => undefined },
    promotions: new Promotions({ store, clock: systemClock } as unknown as PromotionDependencies),
    judge: runJudge,
    sampleFiles: { read: () => Promise.reject(new Error('no samples here')) },
    clock: systemClock,
    services: SERVICES.map((name) =>
      catalogueServiceSchema.parse({
        name,
        hosts: [`${name}.localhost`],
        workload: { rate: 100, requests: [{ name: 'cart', path: '/cart' }] },
        thresholds: ['p50 <= baseline + 10%', 'errors < 1%'],
      }),
    ),
    productionBesides: () => Promise.resolve([...SERVICES]),
  });
  const buildFiles = await openBuildFiles({
    directory: join(directory, 'builds'),
    maxBytes: MOST_BUILD_BYTES,
  });
  const opened: FastifyInstance[] = [];
  const build = async (more: Partial<AppDependencies>): Promise<FastifyInstance> => {
    const app = await buildApp({
      runs,
      store,
      buildFiles,
      tokens,
      stateDirectory: directory,
      maxBuildBytes: MOST_BUILD_BYTES,
      drainMs: 200,
      ...more,
    });
    opened.push(app);
    return app;
  };
  return {
    app: await build(options),
    store,
    directory,
    build,
    async close() {
      for (const app of opened) await app.close();
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
}

const AT = '2026-01-01T00:00:00.000Z';

async function seed(store: Store): Promise<void> {
  await store.saveConfiguration(stock.hash, stock.values);
  for (const digest of [IN_FORCE, CANDIDATE]) {
    const location = `/builds/${digest}.war`;
    await store.saveBuild({
      digest,
      location,
      sizeBytes: 1,
      uploadedBy: 'set-up',
      uploadedAt: AT,
    });
  }
  for (const service of SERVICES) {
    const inForce = {
      build: IN_FORCE,
      configurationHash: stock.hash,
      armId: `arm-${service}`,
      since: AT,
      promotionId: `promotion-${service}`,
    };
    await store.createPromotion({
      id: inForce.promotionId,
      service,
      build: IN_FORCE,
      configurationHash: stock.hash,
      origin: 'person',
      actor: 'set-up',
      reason: 'the first build',
      createdAt: AT,
      state: 'completed',
      stage: 'ended',
      steps: [],
    });
    await store.saveServiceState(service, 0, { inForce, lastKnownGood: inForce });
    await store.createRun(newRun(`queued-${service}`, { service, build: CANDIDATE }));
    await store.createRun(
      finishedRun(`finished-${service}`, {
        service,
        build: CANDIDATE,
        judgementId: `judgement-${service}`,
      }),
    );
    await store.saveJudgement(judgement(`judgement-${service}`, `finished-${service}`, 0.2));
    await store.appendEvent({
      runId: `finished-${service}`,
      at: AT,
      type: 'decision',
      message: 'slower',
      data: {},
    });
    await store.appendAudit({
      at: AT,
      actor: 'set-up',
      action: 'test',
      subject: `of-${service}`,
      service,
      data: {},
    });
    await store.enqueueDelivery(delivery(`delivery-${service}`));
  }
}
