import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  IdempotencyConflictError,
  RunFinishedError,
  VersionConflictError,
} from '../runs/run-store.ts';
import type { NewRun } from '../runs/run-store.ts';
import { InvalidCursorError } from './pages.ts';
import { openStore } from './store.ts';
import type { Store } from './store.ts';

let directory: string;
let store: Store;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'speed-gate-store-'));
  store = await openStore({ file: join(directory, 'store.db') });
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

function newRun(id: string, changes: Partial<NewRun> = {}): NewRun {
  return {
    id,
    service: 'checkout',
    build: 'a'.repeat(64),
    request: { service: 'checkout', build: 'a'.repeat(64) },
    settings: {
      workload: {
        rate: 10,
        arrivals: 'poisson',
        freshConnections: 0,
        requests: [
          { name: 'cart', weight: 1, method: 'GET', path: '/cart', headers: {}, expect: {} },
        ],
      },
      thresholds: ['p95 < 200ms'],
      shown: [],
      tune: 'off',
      promote: 'manual',
      profile: 'quick',
      against: 'production',
      seed: 7,
    },
    requestedBy: 'ci',
    createdAt: '2026-01-01T00:00:00.000Z',
    phase: 'queued',
    phases: [{ phase: 'queued', startedAt: '2026-01-01T00:00:00.000Z' }],
    ...changes,
  };
}

describe('runs', () => {
  it('come back as they were stored, absent fields absent, also after a restart', async () => {
    const plain = newRun('run-1');
    const full = newRun('run-2', {
      label: '1.1',
      baseline: { build: 'b'.repeat(64), configurationHash: 'c'.repeat(64) },
      configuration: { hash: 'd', adopted: true },
      ending: { cause: 'cancelled', words: 'alice cancelled it' },
      cancel: { actor: 'alice', at: '2026-01-01T00:00:01.000Z' },
    });
    await store.createRun(plain);
    await store.createRun(full);
    await store.close();
    store = await openStore({ file: join(directory, 'store.db') });
    expect(await store.run('run-1')).toStrictEqual({ ...plain, version: 1 });
    expect(await store.run('run-2')).toStrictEqual({ ...full, version: 1 });
    expect(await store.run('run-3')).toBeUndefined();
  });

  it('let exactly one of many concurrent writers change a version', async () => {
    await store.createRun(newRun('run-1'));
    const writers = Array.from({ length: 8 }, () =>
      store.updateRun('run-1', 1, { phase: 'deploying' }),
    );
    const results = await Promise.allSettled(writers);
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(VersionConflictError);
    }
    expect((await store.run('run-1'))?.version).toBe(2);
  });

  it('never change once they are finished, not even by a cancel', async () => {
    await store.createRun(newRun('run-1'));
    const finished = await store.updateRun('run-1', 1, {
      phase: 'finished',
      decision: 'rollback',
      cause: 'breached',
      summary: 'slower',
    });
    await expect(
      store.updateRun('run-1', finished.version, { decision: 'pass' }),
    ).rejects.toBeInstanceOf(RunFinishedError);
    const after = await store.requestCancel('run-1', { actor: 'bob', at: 'now' });
    expect(after).toStrictEqual(finished);
  });

  it('keep the first cancel, and a cancel does not make the worker fail', async () => {
    await store.createRun(newRun('run-1'));
    await store.requestCancel('run-1', { actor: 'alice', at: '2026-01-01T00:00:01.000Z' });
    const second = await store.requestCancel('run-1', { actor: 'bob', at: 'later' });
    expect(second.cancel?.actor).toBe('alice');
    const run = await store.updateRun('run-1', 1, { phase: 'deploying' });
    expect(run.cancel?.actor).toBe('alice');
  });

  it('answer the earlier run to a repeated key and refuse another request under it', async () => {
    const key = { key: 'k', actor: 'ci', requestHash: 'h1' };
    expect((await store.createRun(newRun('run-1'), key)).created).toBe(true);
    const again = await store.createRun(newRun('run-2'), key);
    expect(again.created).toBe(false);
    expect(again.run.id).toBe('run-1');
    expect(await store.run('run-2')).toBeUndefined();
    await expect(
      store.createRun(newRun('run-3'), { ...key, requestHash: 'h2' }),
    ).rejects.toBeInstanceOf(IdempotencyConflictError);
    expect(await store.run('run-3')).toBeUndefined();
    expect((await store.createRun(newRun('run-4'), { ...key, actor: 'other' })).created).toBe(true);
  });

  it('make one run of many simultaneous requests with one key', async () => {
    const key = { key: 'k', actor: 'ci', requestHash: 'h' };
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => store.createRun(newRun(`run-${String(n)}`), key)),
    );
    expect(answers.filter((answer) => answer.created)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.run.id)).size).toBe(1);
  });

  it('are walked page by page without loss or repetition while newer ones arrive', async () => {
    for (let n = 0; n < 7; n += 1) {
      // Three share an instant: the id must break the tie.
      const second = String(Math.floor(n / 3)).padStart(2, '0');
      await store.createRun(
        newRun(`run-${String(n)}`, { createdAt: `2026-01-01T00:00:${second}.000Z` }),
      );
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.runs({}, { limit: 2, ...(cursor !== undefined && { cursor }) });
      seen.push(...page.items.map((run) => run.id));
      cursor = page.nextCursor;
      await store.createRun(
        newRun(`later-${String(seen.length)}`, { createdAt: '2026-02-01T00:00:00.000Z' }),
      );
    } while (cursor !== undefined);
    expect(seen).toStrictEqual(['run-6', 'run-5', 'run-4', 'run-3', 'run-2', 'run-1', 'run-0']);
  });

  it('refuse a cursor that no page gave', async () => {
    for (const cursor of ['x', 'bm90IGpzb24', Buffer.from('[1,2]').toString('base64url')]) {
      await expect(store.runs({}, { limit: 2, cursor })).rejects.toBeInstanceOf(InvalidCursorError);
    }
  });

  it('tell the queue from what a restart has to deal with', async () => {
    await store.createRun(newRun('queued-2', { createdAt: '2026-01-02T00:00:00.000Z' }));
    await store.createRun(newRun('queued-1'));
    await store.createRun(newRun('open', { phase: 'measuring' }));
    await store.createRun(newRun('done', { phase: 'finished', decision: 'pass', cause: 'met' }));
    expect((await store.queuedRuns()).map((run) => run.id)).toStrictEqual(['queued-1', 'queued-2']);
    expect((await store.unfinishedRuns()).map((run) => run.id)).toStrictEqual(['open']);
    expect(await store.finishedCounts()).toStrictEqual([
      { service: 'checkout', decision: 'pass', cause: 'met', runs: 1 },
    ]);
    expect(await store.phaseCounts()).toStrictEqual(
      new Map([
        ['measuring', 1],
        ['queued', 2],
      ]),
    );
  });
});

describe('events', () => {
  it('are numbered 1, 2, 3 … in each run, also when they are appended at the same time', async () => {
    await store.createRun(newRun('run-1'));
    await store.createRun(newRun('run-2'));
    const append = (runId: string, n: number) =>
      store.appendEvent({ runId, at: 't', type: 'progress', message: String(n), data: { n } });
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => append(n % 2 === 0 ? 'run-1' : 'run-2', n)),
    );
    for (const id of ['run-1', 'run-2']) {
      const sequences = (await store.events(id, 0, 100)).map((event) => event.sequence);
      expect(sequences).toStrictEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }
    expect((await store.events('run-1', 7, 2)).map((event) => event.sequence)).toStrictEqual([
      8, 9,
    ]);
  });

  it('cannot belong to a run that does not exist', async () => {
    await expect(
      store.appendEvent({ runId: 'nobody', at: 't', type: 'progress', message: 'm', data: {} }),
    ).rejects.toThrow(/FOREIGN KEY/);
  });
});

describe('intents', () => {
  it('stay open until their one outcome is stored', async () => {
    const intent = {
      id: 'i-1',
      service: 'checkout',
      runId: 'run-1',
      kind: 'deploy',
      at: 't',
      data: { role: 'candidate' },
    } as const;
    await store.saveIntent(intent);
    await store.saveIntent({ ...intent, id: 'i-2', kind: 'remove' });
    const outcome = { at: 't2', succeeded: true, message: 'up', data: {} };
    await store.saveOutcome('i-1', outcome);
    await expect(store.saveOutcome('i-1', outcome)).rejects.toThrow(/stored already/);
    await expect(store.saveOutcome('i-9', outcome)).rejects.toThrow(/does not exist/);
    const all = await store.intents({ runId: 'run-1' });
    expect(all).toStrictEqual([
      { ...intent, outcome },
      { ...intent, id: 'i-2', kind: 'remove' },
    ]);
    expect((await store.intents({ open: true })).map((one) => one.id)).toStrictEqual(['i-2']);
    expect((await store.intents({ open: false })).map((one) => one.id)).toStrictEqual(['i-1']);
    expect(await store.intents({ promotionId: 'p' })).toStrictEqual([]);
  });
});

describe('what is in force', () => {
  const spell = (n: number) => ({
    build: 'b',
    configurationHash: 'c',
    armId: `arm-${String(n)}`,
    since: `2026-01-0${String(n)}`,
    promotionId: `p-${String(n)}`,
  });

  it('is version 0 before anything is stored, and every stay is listed once, newest first', async () => {
    expect(await store.serviceState('checkout')).toStrictEqual({ service: 'checkout', version: 0 });
    const first = await store.saveServiceState('checkout', 0, { inForce: spell(1) });
    // The same stay, now proven: no second line in the history.
    const proven = await store.saveServiceState('checkout', first.version, {
      inForce: spell(1),
      lastKnownGood: spell(1),
    });
    await store.saveServiceState('checkout', proven.version, {
      inForce: spell(2),
      lastKnownGood: spell(1),
    });
    const history = await store.serviceHistory('checkout', { limit: 1 });
    expect(history.items).toStrictEqual([spell(2)]);
    const rest = await store.serviceHistory('checkout', { limit: 5, cursor: history.nextCursor! });
    expect(rest).toStrictEqual({ items: [spell(1)] });
    expect((await store.serviceState('checkout')).lastKnownGood).toStrictEqual(spell(1));
  });

  it('is changed by one of two writers only', async () => {
    const results = await Promise.allSettled([
      store.saveServiceState('checkout', 0, { inForce: spell(1) }),
      store.saveServiceState('checkout', 0, { inForce: spell(2) }),
    ]);
    expect(results.map((result) => result.status).sort()).toStrictEqual(['fulfilled', 'rejected']);
    await expect(store.saveServiceState('checkout', 5, {})).rejects.toBeInstanceOf(
      VersionConflictError,
    );
  });
});

it('keeps the latest reference of each service', async () => {
  const reference = {
    service: 'checkout',
    build: 'b',
    actor: 'ann',
    reason: 'r',
    at: '2026-01-01',
  };
  expect(await store.reference('checkout')).toBeUndefined();
  await store.saveReference({ ...reference, build: 'a' });
  await store.saveReference({ ...reference, service: 'search' });
  await store.saveReference(reference);
  expect(await store.reference('checkout')).toStrictEqual(reference);
  expect(await store.reference('search')).toMatchObject({ build: 'b' });
});

it('keeps the first record of a build, and the latest judgement of a pair', async () => {
  const build = { digest: 'd', location: '/1', sizeBytes: 1, uploadedBy: 'a', uploadedAt: 't' };
  await store.saveBuild(build);
  await store.saveBuild({ ...build, location: '/2' });
  expect(await store.build('d')).toStrictEqual(build);
  const pair = {
    service: 'checkout',
    build: 'd',
    configurationHash: 'c',
    runId: 'run-1',
    judgementId: 'j-1',
    decision: 'pass',
    cause: 'met',
    at: 't',
  } as const;
  await store.saveJudgedPair(pair);
  await store.saveJudgedPair({
    ...pair,
    judgementId: 'j-2',
    decision: 'rollback',
    cause: 'breached',
  });
  expect((await store.judgedPair('checkout', pair))?.decision).toBe('rollback');
  expect(await store.judgedPair('other', pair)).toBeUndefined();
});

it('numbers the audit without gaps and lists it newest first', async () => {
  const entry = { at: 't', actor: 'a', action: 'run.submit', subject: 's', data: {} };
  await Promise.all(
    Array.from({ length: 5 }, () => store.appendAudit({ ...entry, service: 'checkout' })),
  );
  await store.appendAudit(entry);
  const page = await store.audit({ service: 'checkout' }, { limit: 3 });
  expect(page.items.map((one) => one.sequence)).toStrictEqual([5, 4, 3]);
  const rest = await store.audit({ service: 'checkout' }, { limit: 3, cursor: page.nextCursor! });
  expect(rest.items.map((one) => one.sequence)).toStrictEqual([2, 1]);
  expect(rest.nextCursor).toBeUndefined();
});

it('says what to do when the file is no database', async () => {
  const file = join(directory, 'other.db');
  await writeFile(file, 'this is no database, but long enough to look like a header'.repeat(20));
  await expect(openStore({ file })).rejects.toThrow(/other\.db cannot be used.*Move it away/s);
});
