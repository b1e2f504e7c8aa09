/** The real API with its real store and run service over HTTP; no platform drives it, so that nothing moves by itself. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildApp } from '../../gate-service/src/api/app.ts';
import type { IdentitySource } from '../../gate-service/src/api/identity/identity-source.ts';
import { createTokenBook, tokenDigest } from '../../gate-service/src/api/identity/token-book.ts';
import { rightSchema } from '../../gate-service/src/api/identity/rights.ts';
import { ChildSender } from '../../gate-service/src/load/child-sender.ts';
import { replay } from '../../gate-service/src/load/closed-loop.ts';
import { ARM_HEADER, PLANTED_HEADER } from '../../gate-service/src/mesh/plan.ts';
import { createRuns } from '../../gate-service/src/runs/create.ts';
import { FakePlatform } from '../../gate-service/src/runs/test-support/fake-platform.ts';
import { catalogueServiceSchema } from '../../gate-service/src/settings/catalogue.ts';
import { machineShare } from '../../gate-service/src/settings/node-resources.ts';
import { openBuildFiles } from '../../gate-service/src/store/build-files.ts';
import { openStore } from '../../gate-service/src/store/store.ts';
import type { Store } from '../../gate-service/src/store/store.ts';

/** People of the tests: one who may do everything, one who may only read, and who asked for the runs. */
export const TOKENS = {
  ada: 'token-of-ada-0123456789abcdef',
  reader: 'token-of-reader-0123456789abcdef',
  jenkins: 'token-of-jenkins-0123456789abcdef',
} as const;

export interface StoredGate {
  readonly url: string;
  readonly port: number;
  readonly store: Store;
  /** Sample files are named relative to it. */
  readonly directory: string;
  close(): Promise<void>;
}

const SERVICES = [
  [
    'checkout',
    'The shop’s checkout',
    ['p50 <= baseline + 10%', 'p95 <= baseline + 15%', 'errors < 1%'],
  ],
  ['catalogue', 'Search and product pages', ['p95 <= baseline + 5%', 'p99 < 200ms']],
  ['payments', 'Takes the money', ['p99 <= baseline + 10ms', 'errors < 0.1%']],
] as const;

/** @param identities further ways to know a caller; the tokens above always work */
export async function openStoredGate(identities?: IdentitySource): Promise<StoredGate> {
  const directory = await mkdtemp(join(tmpdir(), 'speed-gate-browser-'));
  const store = await openStore({ file: join(directory, 'store.db') });
  const runs = createRuns({
    store,
    platform: new FakePlatform(),
    sender: new ChildSender(),
    replay,
    telemetry: { armTraffic: () => Promise.resolve(new Map()) },
    services: SERVICES.map(([name, description, thresholds]) =>
      catalogueServiceSchema.parse({
        name,
        description,
        hosts: [`${name}.localhost`],
        workload: { rate: 100, requests: [{ name: 'search', path: '/search' }] },
        thresholds,
      }),
    ),
    nodeResources: machineShare(),
    stateDirectory: directory,
    headers: { arm: ARM_HEADER, planted: PLANTED_HEADER },
    driver: {
      holder: 'nobody',
      isGone: () => false,
      begin: () => Promise.resolve(),
      end: () => Promise.resolve(),
    },
    problem: (error) => {
      throw error;
    },
  });
  const app = await buildApp({
    runs: runs.service,
    store,
    buildFiles: await openBuildFiles({
      directory: join(directory, 'builds'),
      maxBytes: 1024 * 1024,
    }),
    tokens: identitiesOf(identities),
    stateDirectory: directory,
    maxBuildBytes: 1024 * 1024,
    drainMs: 200,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const port = (app.server.address() as { readonly port: number }).port;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    store,
    directory,
    async close() {
      await app.close();
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
}

function identitiesOf(further: IdentitySource | undefined): IdentitySource {
  const book = createTokenBook([
    {
      name: 'ada',
      kind: 'person',
      sha256: tokenDigest(TOKENS.ada),
      rights: [...rightSchema.options],
    },
    { name: 'reader', kind: 'person', sha256: tokenDigest(TOKENS.reader), rights: ['read'] },
    { name: 'jenkins', kind: 'ci', sha256: tokenDigest(TOKENS.jenkins), rights: ['read', 'run'] },
  ]);
  if (further === undefined) return book;
  return {
    recognise: async (token) => (await book.recognise(token)) ?? further.recognise(token),
    signIn: () => further.signIn?.(),
  };
}
