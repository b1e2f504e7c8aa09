/** What must hold after every run, however it ended. */
import { expect } from 'vitest';
import type { FakeWorld } from './harness.ts';

export async function expectWorldInOrder(world: FakeWorld): Promise<void> {
  const arms = [...world.platform.arms.values()];
  expect(arms.filter(({ arm }) => arm.environment === 'staging')).toEqual([]);
  const { inForce } = await world.store.serviceState('checkout');
  const production = arms.filter(({ arm }) => arm.environment === 'production');
  if (inForce === undefined) {
    expect(production).toEqual([]);
  } else {
    expect(
      production.map(({ arm, weight }) => ({ id: arm.id, weight, build: arm.buildDigest })),
    ).toEqual([{ id: inForce.armId, weight: 100, build: inForce.build }]);
  }
  const { items: runs } = await world.store.runs({}, { limit: 200 });
  for (const run of runs) {
    expect(run.phase).toBe('finished');
    if (world.store === world.memory) expect(world.memory.decisionsWritten.get(run.id)).toBe(1);
    expect(run.cause === 'met').toBe(run.decision !== 'rollback');
    expect(run.summary).toMatch(/\.$/);
    const events = await world.store.events(run.id, 0, 1000);
    expect(events.filter(({ type }) => type === 'decision')).toHaveLength(1);
    if (run.decision === 'promote') {
      expect(await world.store.promotion(run.promotionId ?? '')).toMatchObject({
        state: 'completed',
      });
    }
  }
  expect(await world.store.intents({ open: true })).toEqual([]);
  const { items: promotions } = await world.store.promotions({}, { limit: 200 });
  expect(promotions.filter(({ state }) => state === 'running')).toEqual([]);
  for (const { id, state } of promotions) {
    const { items: audited } = await world.store.audit({ subject: id }, { limit: 10 });
    const ends = audited.filter(({ action }) => action === `promotion.${state}`);
    expect(ends, `promotion ${id} is ${state}`).toHaveLength(1);
  }
}
