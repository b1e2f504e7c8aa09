import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../runs/test-support/memory-store.ts';
import { InvalidCursorError } from './pages.ts';
import { openStore } from './store.ts';
import type { Store } from './store.ts';
import { storeContract } from '../../../test/support/store/contract.ts';
import { finishedRun, newRun, second } from '../../../test/support/store/records.ts';

storeContract('the store in memory', () =>
  Promise.resolve({ store: new MemoryStore(), close: () => Promise.resolve() }),
);

storeContract('the store on SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'speed-gate-store-'));
  const store = await openStore({ file: join(folder, 'store.db') });
  return {
    store,
    close: async () => {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
});

describe('a SQLite file', () => {
  let folder: string;
  let file: string;
  let store: Store;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'speed-gate-store-'));
    file = join(folder, 'store.db');
    store = await openStore({ file });
  });
  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  it('keeps everything over a restart', async () => {
    const run = newRun('run-1', { label: '1.1' });
    await store.createRun(run);
    await store.appendAudit({ at: 't', actor: 'a', action: 'x', subject: 's', data: {} });
    const lease = await store.acquireLease('driver', 'one', 3600);
    await store.close();
    store = await openStore({ file });
    expect(await store.run('run-1')).toStrictEqual({ ...run, version: 1 });
    expect(await store.acquireLease('driver', 'two', 3600)).toBeUndefined();
    expect(await store.leases()).toStrictEqual([lease]);
    const next = await store.appendAudit({
      at: 't',
      actor: 'a',
      action: 'x',
      subject: 's',
      data: {},
    });
    expect(next.sequence).toBe(2);
  });

  it('counts runs for the metrics', async () => {
    await store.createRun(newRun('a'));
    await store.createRun(newRun('b', { phase: 'measuring' }));
    await store.createRun(finishedRun('c', { finishedAt: second(9) }));
    expect(await store.finishedCounts()).toStrictEqual([
      { service: 'checkout', decision: 'rollback', cause: 'breached', runs: 1 },
    ]);
    expect(await store.phaseCounts()).toStrictEqual(
      new Map([
        ['measuring', 1],
        ['queued', 1],
      ]),
    );
    expect((await store.finishedSince(second(9))).map(({ id }) => id)).toStrictEqual(['c']);
    expect(await store.finishedSince(second(10))).toStrictEqual([]);
  });

  it('refuses a cursor that no page gave', async () => {
    for (const cursor of ['x', 'bm90IGpzb24', Buffer.from('[1,2]').toString('base64url')]) {
      await expect(store.runs({}, { limit: 2, cursor })).rejects.toBeInstanceOf(InvalidCursorError);
    }
  });

  it('takes no event of a run that does not exist', async () => {
    await expect(
      store.appendEvent({ runId: 'nobody', at: 't', type: 'progress', message: 'm', data: {} }),
    ).rejects.toThrow(/FOREIGN KEY/);
  });

  it('says what to do when it is no database', async () => {
    const other = join(folder, 'other.db');
    await writeFile(other, 'this is no database, but long enough to look like a header'.repeat(20));
    await expect(openStore({ file: other })).rejects.toThrow(
      /other\.db cannot be used.*Move it away/s,
    );
  });

  it('is left alone by somebody who only wants to look, when it is of another version', async () => {
    const other = join(folder, 'empty.db');
    await expect(openStore({ file: other, migrate: false })).rejects.toThrow(
      /older version.*0001-initial/,
    );
    const looking = await openStore({ file, migrate: false });
    expect(await looking.queuedRuns()).toStrictEqual([]);
    await looking.close();
  });
});
