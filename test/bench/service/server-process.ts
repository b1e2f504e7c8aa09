/**
 * The API over a store, as `serve` composes it but without a platform: runs are accepted and queue, nobody
 * drives. Started with an IPC channel; the first message says which store, later ones what to append.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildApp } from '../../../gate-service/src/api/app.ts';
import type { Recognition } from '../../../gate-service/src/api/identity/identity-source.ts';
import { createIdentity, EVERY_SERVICE } from '../../../gate-service/src/api/identity/rights.ts';
import { runJudge } from '../../../gate-service/src/runs/adapters/run-judge.ts';
import { systemClock } from '../../../gate-service/src/runs/clock.ts';
import { GateRuns } from '../../../gate-service/src/runs/gate-runs.ts';
import { Journal } from '../../../gate-service/src/runs/journal.ts';
import { Promotions } from '../../../gate-service/src/runs/promotion.ts';
import type { PromotionDependencies } from '../../../gate-service/src/runs/promotion-execution.ts';
import { catalogueServiceSchema } from '../../../gate-service/src/settings/catalogue.ts';
import { openBuildFiles } from '../../../gate-service/src/store/build-files.ts';
import { openStore } from '../../../gate-service/src/store/store.ts';
import type { StorePlace } from '../../../gate-service/src/store/store.ts';
import { SERVICES } from './made-up.ts';
import { ADMINISTRATOR, OF_EACH_SERVICE } from './messages.ts';
import type { FromServer, ToServer } from './messages.ts';

const began = performance.now();

async function serve(place: StorePlace): Promise<void> {
  const store = await openStore(place);
  const folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-bench-'));
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
        thresholds: ['p95 < 200ms'],
        initialBuild: true,
      }),
    ),
    productionBesides: () => Promise.resolve([]),
  });
  const app = await buildApp({
    runs,
    store,
    buildFiles: await openBuildFiles({ directory: path.join(folder, 'builds'), maxBytes: 1024 }),
    tokens: { recognise },
    stateDirectory: folder,
    maxBuildBytes: 1024,
    drainMs: 200,
    insecureLoopback: true,
  });
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  tell({ type: 'ready', port: Number(new URL(address).port), startMs: performance.now() - began });

  process.on('message', (message: ToServer) => {
    void answer(message);
  });
  /** Whoever comes back after the last event is told that nothing more will come. */
  const finish = async (runId: string): Promise<void> => {
    const run = await store.run(runId);
    if (run === undefined) return;
    const finishedAt = new Date().toISOString();
    await store.updateRun(runId, run.version, {
      phase: 'finished',
      decision: 'pass',
      cause: 'met',
      finishedAt,
    });
  };
  const answer = async (message: ToServer): Promise<void> => {
    if (message.type === 'append') {
      if (message.last) await finish(message.runId);
      await journal.append(message.runId, message.last ? 'decision' : 'progress', message.text, {
        sentAt: Date.now(),
      });
      tell({ type: 'appended' });
    } else if (message.type === 'memory') {
      globalThis.gc?.();
      tell({ type: 'memory', residentMiB: process.memoryUsage.rss() / 1024 / 1024 });
    } else if (message.type === 'build') {
      await store.saveBuild({
        digest: message.digest,
        location: '/nowhere',
        sizeBytes: 1,
        uploadedBy: 'bench',
        uploadedAt: new Date().toISOString(),
      });
      tell({ type: 'appended' });
    } else if (message.type === 'stop') {
      await app.close();
      await store.close();
      await rm(folder, { recursive: true });
      process.disconnect();
    }
  };
}

function recognise(token: string): Recognition {
  const admin = { [ADMINISTRATOR]: [EVERY_SERVICE], [OF_EACH_SERVICE]: SERVICES }[token];
  return admin && { identity: createIdentity('ann', 'person', { admin, read: admin }) };
}

function tell(message: FromServer): void {
  process.send?.(message);
}

process.once('message', (message: ToServer) => {
  if (message.type === 'serve') void serve(message.place);
});
process.once('disconnect', () => process.exit());
