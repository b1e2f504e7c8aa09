import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { AuditEntry, NewAuditEntry } from '../../../gate-service/src/runs/run-store.ts';
import { verifyAudit } from '../../../gate-service/src/store/verify-audit.ts';
import type { StoreOf } from './contract.ts';
import { finishedRun, newRun, override, second } from './records.ts';

/** The audit as a chain, and what people ordered against decisions. */
export function auditContract(store: StoreOf): void {
  const entry: NewAuditEntry = {
    at: 't',
    actor: 'a',
    action: 'run.submit',
    subject: 's',
    data: {},
  };
  const append = (changes: Partial<NewAuditEntry> = {}) =>
    store().appendAudit({ ...entry, ...changes });

  it('is numbered without gaps and chained without forks, also by many at once', async () => {
    await Promise.all(Array.from({ length: 24 }, (_, n) => append({ data: { n } })));
    const entries = await store().auditFrom(1, 100);
    expect(entries.map(({ sequence }) => sequence)).toStrictEqual(
      Array.from({ length: 24 }, (_, n) => n + 1),
    );
    expect(entries[0]?.previousHash).toBe('0'.repeat(64));
    for (const [n, { previousHash }] of entries.entries()) {
      if (n > 0) expect(previousHash).toBe(entries[n - 1]?.hash);
    }
    expect(await verifyAudit(store())).toMatchObject({ entries: 24, head: { sequence: 24 } });
  });

  it('is hashed as written down: SHA-256 of the previous hash and the canonical JSON', async () => {
    await append();
    const stored = await append({
      service: 'checkout',
      reason: 'ü',
      data: { b: [1, 2], a: { d: 1, c: null } },
    });
    const json =
      '{"action":"run.submit","actor":"a","at":"t","data":{"a":{"c":null,"d":1},"b":[1,2]},"reason":"ü","sequence":2,"service":"checkout","subject":"s"}';
    const hash = createHash('sha256')
      .update(stored.previousHash + json)
      .digest('hex');
    expect(stored.hash).toBe(hash);
  });

  it('stays whole with every kind of text and number in it', async () => {
    const odd: Partial<NewAuditEntry>[] = [
      { reason: 'a\0b' },
      { actor: 'half \ud83d', subject: '🚦', service: '' },
      { data: { effect: Infinity, low: -Infinity, nothing: undefined, minus: -0, __proto__x: 1 } },
      { data: { text: 'half \udc00 and \0', nested: { $number: 'NaN' }, list: [undefined, 1] } },
      { data: { big: 2 ** 60, small: 1e-9, z: 1, ä: 2, 'a\0': 3 } },
    ];
    for (const one of odd) {
      const stored = await append(one);
      expect((await store().auditFrom(stored.sequence, 1))[0]?.hash).toBe(stored.hash);
    }
    expect((await verifyAudit(store())).broken).toBeUndefined();
  });

  it('is listed newest first, by service, by subject and by what may be read', async () => {
    for (const n of [1, 2, 3, 4, 5]) {
      await append({ service: n % 2 === 0 ? 'search' : 'checkout', subject: `s-${n}` });
    }
    await append();
    const sequences = (items: readonly AuditEntry[]) => items.map(({ sequence }) => sequence);
    const page = await store().audit({ service: 'checkout' }, { limit: 2 });
    expect(sequences(page.items)).toStrictEqual([5, 3]);
    const rest = await store().audit(
      { service: 'checkout' },
      { limit: 2, cursor: page.nextCursor! },
    );
    expect(sequences(rest.items)).toStrictEqual([1]);
    expect(rest.nextCursor).toBeUndefined();
    const list = async (filter: Parameters<ReturnType<StoreOf>['audit']>[0]) =>
      sequences((await store().audit(filter, { limit: 10 })).items);
    expect(await list({ subject: 's-4' })).toStrictEqual([4]);
    expect(await list({ services: ['search', 'checkout'] })).toStrictEqual([5, 4, 3, 2, 1]);
    expect(await list({ services: [] })).toStrictEqual([]);
    expect(sequences(await store().auditFrom(3, 2))).toStrictEqual([3, 4]);
  });

  it('takes one of two orders that saw the same of a run, and nothing of the other', async () => {
    await store().createRun(finishedRun('run-1'));
    const place = (id: string, seen: number) => {
      const audited = { ...entry, action: 'run.override', data: { override: id } };
      return store().createOverride(override(id, 'run-1'), audited, (run, orders) => {
        if (run.version !== 1 || orders.length !== seen) throw new Error(`${id} came too late`);
      });
    };
    const ids = ['o-1', 'o-2', 'o-3', 'o-4', 'o-5', 'o-6'];
    const ends = await Promise.allSettled(ids.map((id) => place(id, 0)));
    const taken = ids.filter((_, index) => ends[index]?.status === 'fulfilled');
    expect(taken).toHaveLength(1);
    const audited = async () =>
      (await store().auditFrom(1, 100)).map(({ data }) => data.override as string);
    expect((await store().overrides('run-1')).map(({ id }) => id)).toStrictEqual(taken);
    expect(await audited()).toStrictEqual(taken);
    await place('o-7', 1);
    expect(await audited()).toStrictEqual([...taken, 'o-7']);
    await expect(
      store().createOverride(override('o-8', 'none'), entry, () => undefined),
    ).rejects.toThrow('there is no run none');
  });

  it('keeps every override of a run beside the others', async () => {
    await store().createRun(finishedRun('run-1'));
    await store().createRun(newRun('run-2'));
    expect(await store().override('run-1')).toBeUndefined();
    const first = override('o-1', 'run-1', { state: 'stands', cause: 'breached' });
    const latest = override('o-2', 'run-1', { at: second(80), order: 'rollback' });
    const other = override('o-3', 'run-2', { at: second(75) });
    for (const one of [first, latest, other]) await store().saveOverride(one);
    expect(await store().override('run-1')).toStrictEqual(latest);
    expect(await store().overrides('run-1')).toStrictEqual([first, latest]);
    expect(await store().waitingOverrides()).toStrictEqual([other, latest]);
    const acted = { ...other, state: 'acted', outcome: 'promotion p-1 began' } as const;
    await store().saveOverride(acted);
    expect(await store().override('run-2')).toStrictEqual(acted);
    expect(await store().waitingOverrides()).toStrictEqual([latest]);
  });
}
