import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { buildApp } from '../api/app.ts';
import { createTokenBook, tokenDigest } from '../api/identity/token-book.ts';
import { RememberedRuns } from '../../../test/support/api-fixture.ts';
import { openBuildFiles } from '../store/build-files.ts';
import { openStore } from '../store/store.ts';
import type { Store } from '../store/store.ts';
import { withEventLog } from './event-log.ts';
import { createLogger } from './logger.ts';

const SECRETS = {
  token: 'token-known-0123456789',
  wrong: 'token-unknown-0123456789',
  password: 'pass-word-of-the-database',
  code: 'code-of-a-sign-in',
  webhook: 'secret-of-a-webhook-12345',
};

// Generous: the machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

let folder: string;
let store: Store;
let lines: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'speed-gate-log-'));
  store = await openStore({ file: join(folder, 'store.sqlite') });
  lines = [];
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const log = () => createLogger('trace', { write: (line) => lines.push(line) });

function expectNoSecret(): void {
  expect(lines.length).toBeGreaterThan(0);
  for (const secret of Object.values(SECRETS)) expect(lines.join('')).not.toContain(secret);
}

it('hides what callers send to prove who they are, and says who asked for what', async () => {
  const app = await buildApp({
    runs: new RememberedRuns(store),
    store,
    buildFiles: await openBuildFiles({ directory: join(folder, 'builds'), maxBytes: 1000 }),
    tokens: createTokenBook([
      { name: 'ada', kind: 'person', sha256: tokenDigest(SECRETS.token), rights: ['read'] },
    ]),
    stateDirectory: folder,
    maxBuildBytes: 1000,
    logger: log(),
  });
  try {
    for (const token of [SECRETS.token, SECRETS.wrong]) {
      for (const url of [
        '/v1/runs',
        '/v1/nothing',
        `/?code=${SECRETS.code}&state=${SECRETS.code}`,
      ]) {
        await app.inject({
          url,
          headers: { authorization: `Bearer ${token}`, cookie: `session=${SECRETS.code}` },
        });
      }
    }
  } finally {
    await app.close();
  }
  expectNoSecret();
  const asked = lines
    .map((line) => JSON.parse(line) as Line)
    .filter(({ req }) => req !== undefined);
  expect(asked.map(({ req }) => req?.url)).toContain('/?code=…&state=…');
  expect(asked.every(({ reqId }) => /^[0-9a-f-]{36}$/.test(reqId ?? ''))).toBe(true);
});

it('hides secrets in fields, errors and words', () => {
  const logger = log();
  const url = `postgres://gate:${SECRETS.password}@db.example:5432/gate`;
  logger.error({ err: new Error(`cannot connect to ${url}`) }, `lost ${url}`);
  logger.info({ databaseUrl: url, settings: { databaseUrl: url }, secret: SECRETS.webhook });
  logger.info({ endpoint: { secret: SECRETS.webhook }, deep: { er: { token: SECRETS.token } } });
  logger.info({
    headers: { authorization: SECRETS.token, 'speed-gate-signature': SECRETS.webhook },
  });
  logger.warn(`answered to Bearer ${SECRETS.token}`);
  logger.child({ token: SECRETS.token }).info('child');
  expectNoSecret();
  expect(lines.join('')).toContain('db.example:5432/gate');
});

it('writes each event of a run on a line of its own, with run, service and phase', async () => {
  const logged = withEventLog(store, log());
  const runs = new RememberedRuns(logged);
  const { runView } = await import('../../../test/support/api-fixture.ts');
  await runs.begin(runView({ id: 'run-1' }));
  await runs.emit('run-1', 'deploying', 'phase', { phase: 'deploying' });
  await runs.emit('run-1', 'a node is slow to start', 'problem');
  await runs.emit('run-1', 'rollback', 'decision');
  await vi.waitFor(
    () => {
      expect(lines).toHaveLength(3);
    },
    { timeout: 30_000 },
  );
  const about = { run: 'run-1', service: 'checkout', phase: 'deploying' };
  expect(lines.map((line) => JSON.parse(line) as Line)).toMatchObject([
    { ...about, event: 'phase', sequence: 1, level: 30, msg: 'deploying' },
    { ...about, event: 'problem', sequence: 2, level: 40 },
    { ...about, event: 'decision', sequence: 3 },
  ]);
});

interface Line {
  readonly reqId?: string;
  readonly req?: { readonly url: string };
}
