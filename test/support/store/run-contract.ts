import { expect, it } from 'vitest';
import {
  IdempotencyConflictError,
  RunFinishedError,
  VersionConflictError,
} from '../../../gate-service/src/runs/run-store.ts';
import type { StoreOf } from './contract.ts';
import { finishedRun, newRun, second } from './records.ts';

/** Runs: created once, changed by one writer at a time, never after they are finished; and their events. */
export function runContract(store: StoreOf): void {
  it('come back as they were stored, absent fields absent', async () => {
    const plain = newRun('run-1');
    const full = newRun('run-2', {
      label: '1.1 „ü“ 🚦',
      baseline: { build: 'b'.repeat(64), configurationHash: 'c'.repeat(64) },
      configuration: { hash: 'd', adopted: true },
      ending: { cause: 'cancelled', words: 'alice cancelled it' },
      cancel: { actor: 'alice', at: second(1) },
      supersededBy: 'run-3',
    });
    await store().createRun(plain);
    await store().createRun(full);
    expect(await store().run('run-1')).toStrictEqual({ ...plain, version: 1 });
    expect(await store().run('run-2')).toStrictEqual({ ...full, version: 1 });
    expect(await store().run('run-3')).toBeUndefined();
  });

  it('let exactly one of many concurrent writers change a version', async () => {
    await store().createRun(newRun('run-1'));
    const writers = Array.from({ length: 8 }, () =>
      store().updateRun('run-1', 1, { phase: 'deploying' }),
    );
    const results = await Promise.allSettled(writers);
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(VersionConflictError);
    }
    expect((await store().run('run-1'))?.version).toBe(2);
  });

  it('change only in what an update names', async () => {
    const run = newRun('run-1', { label: '1.1', ending: { cause: 'cancelled', words: 'w' } });
    await store().createRun(run);
    const next = await store().updateRun('run-1', 1, { supersededBy: 'run-2' });
    expect(next).toStrictEqual({ ...run, version: 2, supersededBy: 'run-2' });
  });

  it('never change once they are finished, not even by a cancel', async () => {
    await store().createRun(newRun('run-1'));
    const finished = await store().updateRun('run-1', 1, {
      phase: 'finished',
      decision: 'rollback',
      cause: 'breached',
      summary: 'slower',
    });
    await expect(
      store().updateRun('run-1', finished.version, { decision: 'pass' }),
    ).rejects.toBeInstanceOf(RunFinishedError);
    const after = await store().requestCancel('run-1', { actor: 'bob', at: 'now' });
    expect(after).toStrictEqual(finished);
  });

  it('keep the first cancel, and a cancel does not make the worker fail', async () => {
    await store().createRun(newRun('run-1'));
    await store().requestCancel('run-1', { actor: 'alice', at: second(1) });
    const again = await store().requestCancel('run-1', { actor: 'bob', at: 'later' });
    expect(again.cancel?.actor).toBe('alice');
    const run = await store().updateRun('run-1', 1, { phase: 'deploying' });
    expect(run.cancel?.actor).toBe('alice');
  });

  it('answer the earlier run to a repeated key and refuse another request under it', async () => {
    const key = { key: 'k', actor: 'ci', requestHash: 'h1' };
    expect((await store().createRun(newRun('run-1'), key)).created).toBe(true);
    const again = await store().createRun(newRun('run-2'), key);
    expect(again.created).toBe(false);
    expect(again.run.id).toBe('run-1');
    expect(await store().run('run-2')).toBeUndefined();
    await expect(
      store().createRun(newRun('run-3'), { ...key, requestHash: 'h2' }),
    ).rejects.toBeInstanceOf(IdempotencyConflictError);
    expect(await store().run('run-3')).toBeUndefined();
    const other = await store().createRun(newRun('run-4'), { ...key, actor: 'other' });
    expect(other.created).toBe(true);
    expect((await store().runByKey(key))?.id).toBe('run-1');
    expect(await store().runByKey({ ...key, key: 'unknown' })).toBeUndefined();
    await expect(store().runByKey({ ...key, requestHash: 'h2' })).rejects.toBeInstanceOf(
      IdempotencyConflictError,
    );
  });

  it('forget keys that are old, when their runs have ended', async () => {
    const key = (name: string) => ({ key: name, actor: 'ci', requestHash: 'h' });
    await store().createRun(finishedRun('old'), key('old'));
    await store().createRun(finishedRun('older'), key('older'));
    await store().createRun(newRun('queued'), key('queued'));
    await store().createRun(finishedRun('young', { createdAt: second(10) }), key('young'));
    expect(await store().removeSettled(second(10), 1)).toBe(1);
    expect(await store().removeSettled(second(10), 5)).toBe(1);
    expect(await store().removeSettled(second(10), 5)).toBe(0);
    const known = ['old', 'older', 'queued', 'young'].map((name) => store().runByKey(key(name)));
    expect((await Promise.all(known)).map((run) => run?.id)).toStrictEqual([
      ...[undefined, undefined],
      ...['queued', 'young'],
    ]);
    expect(await store().run('old')).toMatchObject({ phase: 'finished' });
  });

  it('are one of many simultaneous requests with one key', async () => {
    const key = { key: 'k', actor: 'ci', requestHash: 'h' };
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => store().createRun(newRun(`run-${n}`), key)),
    );
    expect(answers.filter((answer) => answer.created)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.run.id)).size).toBe(1);
  });

  it('are accepted one after the other, each with its event and its entry in the audit', async () => {
    const submit = (n: number) => {
      const run = newRun(`run-${n}`);
      const key = { key: `k-${n}`, actor: 'ci', requestHash: 'h' };
      return store().createRun(run, key, ({ earlierRuns }) => {
        if (earlierRuns >= 3) throw new Error('enough');
        const audit = {
          at: second(0),
          actor: 'ci',
          action: 'run.submit',
          subject: run.id,
          data: {},
        };
        return {
          run: { ...run, settings: { ...run.settings, earlierRuns } },
          event: { at: second(0), type: 'phase', message: 'queued', data: { earlierRuns } },
          audit,
        };
      });
    };
    const answers = await Promise.allSettled(Array.from({ length: 12 }, (_, n) => submit(n)));
    const stored = answers.flatMap((own) => (own.status === 'fulfilled' ? [own.value.run] : []));
    expect(stored.map(({ settings }) => settings.earlierRuns).sort()).toEqual([0, 1, 2]);
    const { items } = await store().runs({}, { limit: 20 });
    expect(items).toHaveLength(3);
    for (const { id } of stored) {
      expect(await store().events(id, 0, 10)).toMatchObject([{ sequence: 1, message: 'queued' }]);
      expect((await store().audit({ subject: id }, { limit: 10 })).items).toHaveLength(1);
    }
    expect(await store().auditFrom(1, 100)).toHaveLength(3);
    // What was refused is not known under its key.
    const refused = answers.findIndex(({ status }) => status === 'rejected');
    const key = { key: `k-${refused}`, actor: 'ci', requestHash: 'h' };
    expect(await store().runByKey(key)).toBeUndefined();
  });

  it('tell the queue from what a restart has to deal with', async () => {
    await store().createRun(newRun('queued-2', { createdAt: second(2) }));
    await store().createRun(newRun('queued-1', { createdAt: second(1) }));
    await store().createRun(newRun('open', { phase: 'measuring' }));
    await store().createRun(finishedRun('done'));
    const ids = (runs: readonly { readonly id: string }[]) => runs.map((run) => run.id);
    expect(ids(await store().queuedRuns())).toStrictEqual(['queued-1', 'queued-2']);
    expect(ids(await store().unfinishedRuns())).toStrictEqual(['open']);
  });

  it('number their events 1, 2, 3 … also when they are appended at the same time', async () => {
    await store().createRun(newRun('run-1'));
    await store().createRun(newRun('run-2'));
    const append = (runId: string, n: number) =>
      store().appendEvent({ runId, at: 't', type: 'progress', message: String(n), data: { n } });
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => append(n % 2 === 0 ? 'run-1' : 'run-2', n)),
    );
    for (const id of ['run-1', 'run-2']) {
      const sequences = (await store().events(id, 0, 100)).map((event) => event.sequence);
      expect(sequences).toStrictEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }
    const later = await store().events('run-1', 7, 2);
    expect(later.map((event) => event.sequence)).toStrictEqual([8, 9]);
  });

  it('give back what is no JSON by itself', async () => {
    await store().createRun(newRun('run-1'));
    const data = { effect: Infinity, low: -Infinity, text: 'half a pair \ud83d and \0' };
    await store().appendEvent({
      runId: 'run-1',
      at: 't',
      type: 'progress',
      message: 'a\0b\ud83d',
      data,
    });
    const [event] = await store().events('run-1', 0, 1);
    expect(event?.data).toStrictEqual(data);
    expect(event?.message.startsWith('a')).toBe(true);
  });
}
