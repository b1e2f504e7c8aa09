import { expect, it } from 'vitest';
import { VersionConflictError } from '../../../gate-service/src/runs/run-store.ts';
import type { PromotionRecord } from '../../../gate-service/src/runs/run-store.ts';
import type { StoreOf } from './contract.ts';
import { second } from './records.ts';

/** What is in force, what was, promotions and references. */
export function productionContract(store: StoreOf): void {
  const spell = (n: number) => ({
    build: 'b',
    configurationHash: 'c',
    armId: `arm-${n}`,
    since: second(n),
    promotionId: `p-${n}`,
  });
  const promotion = (
    n: number,
    changes: Partial<PromotionRecord> = {},
  ): Omit<PromotionRecord, 'version'> => ({
    id: `p-${n}`,
    service: 'checkout',
    build: 'b',
    configurationHash: 'c',
    origin: 'run',
    actor: 'ann',
    reason: 'r',
    createdAt: second(n),
    state: 'running',
    stage: 'queued',
    steps: [],
    ...changes,
  });

  it('is version 0 before anything is stored, and lists every stay once, newest first', async () => {
    expect(await store().serviceState('checkout')).toStrictEqual({
      service: 'checkout',
      version: 0,
    });
    const first = await store().saveServiceState('checkout', 0, { inForce: spell(1) });
    // The same stay, now proven: no second line in the history.
    const proven = await store().saveServiceState('checkout', first.version, {
      inForce: spell(1),
      lastKnownGood: spell(1),
    });
    const next = await store().saveServiceState('checkout', proven.version, {
      inForce: spell(2),
      lastKnownGood: spell(1),
    });
    const history = await store().serviceHistory('checkout', { limit: 1 });
    expect(history.items).toStrictEqual([spell(2)]);
    const rest = await store().serviceHistory('checkout', {
      limit: 5,
      cursor: history.nextCursor!,
    });
    expect(rest).toStrictEqual({ items: [spell(1)] });
    expect(next.lastKnownGood).toStrictEqual(spell(1));
    const cleared = await store().saveServiceState('checkout', next.version, {});
    expect(cleared).toStrictEqual({ service: 'checkout', version: 4 });
  });

  it('is changed by one of several writers only', async () => {
    const write = (version: number, n: number) =>
      store().saveServiceState('checkout', version, { inForce: spell(n) });
    for (const version of [0, 1]) {
      const results = await Promise.allSettled([1, 2, 3, 4].map((n) => write(version, n)));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const result of results) {
        if (result.status === 'rejected') {
          expect(result.reason).toBeInstanceOf(VersionConflictError);
        }
      }
    }
    await expect(store().saveServiceState('checkout', 5, {})).rejects.toBeInstanceOf(
      VersionConflictError,
    );
  });

  it('keeps the latest reference of each service', async () => {
    const reference = { service: 'checkout', build: 'b', actor: 'ann', reason: 'r', at: 't' };
    expect(await store().reference('checkout')).toBeUndefined();
    await store().saveReference({ ...reference, build: 'a' });
    await store().saveReference({ ...reference, service: 'search' });
    await store().saveReference(reference);
    expect(await store().reference('checkout')).toStrictEqual(reference);
    expect(await store().reference('search')).toMatchObject({ build: 'b' });
  });

  it('changes a promotion by compare-and-swap and lists the newest first', async () => {
    const created = await store().createPromotion(promotion(1));
    const step = { weight: 1, outcome: 'held', sentence: 's', at: 't' } as const;
    const updated = await store().updatePromotion('p-1', created.version, {
      stage: 'weighting',
      canaryArmId: 'arm-1',
      steps: [step],
    });
    expect(updated).toStrictEqual({
      ...promotion(1),
      version: 2,
      stage: 'weighting',
      canaryArmId: 'arm-1',
      steps: [step],
    });
    await expect(
      store().updatePromotion('p-1', created.version, { state: 'failed' }),
    ).rejects.toBeInstanceOf(VersionConflictError);
    await store().createPromotion(promotion(2, { service: 'search', state: 'completed' }));
    await store().createPromotion(promotion(3));
    const list = async (filter: Parameters<ReturnType<StoreOf>['promotions']>[0]) =>
      (await store().promotions(filter, { limit: 10 })).items.map(({ id }) => id);
    expect(await list({})).toStrictEqual(['p-3', 'p-2', 'p-1']);
    expect(await list({ service: 'checkout' })).toStrictEqual(['p-3', 'p-1']);
    expect(await list({ state: 'completed' })).toStrictEqual(['p-2']);
    expect(await list({ services: ['search'] })).toStrictEqual(['p-2']);
    expect(await list({ services: [] })).toStrictEqual([]);
  });
}
