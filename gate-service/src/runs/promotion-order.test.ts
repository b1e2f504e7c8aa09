/** Promotions that meet another one, a process that stands still or leaves, or a store that is away. */
import { beforeEach, describe, expect, it } from 'vitest';
import { DrivingLost, ShuttingDown } from './endings.ts';
import type { RunStore } from './run-store.ts';
import { FakeGate, FakeWorld, NEW, OLD, stock } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';

const order = { build: NEW, configuration: stock.hash, reason: 'looks good to me' };
let world: FakeWorld;

beforeEach(async () => {
  world = new FakeWorld();
  await world.seed();
});

const pass = (seconds: number) => world.clock.run(world.clock.sleep(seconds * 1000));
const inForce = async () => (await world.store.serviceState('checkout')).inForce?.build;

/** Calls of one method of the store go through here. */
function around<Name extends keyof RunStore>(
  name: Name,
  call: (original: RunStore[Name]) => RunStore[Name],
): <T extends object>(target: T) => T {
  return (target) =>
    (target as object) === world.store
      ? new Proxy(target, {
          get: (own, property) => {
            const value: unknown = Reflect.get(own, property, own);
            if (typeof value !== 'function') return value;
            const bound = (value as () => unknown).bind(own);
            return property === name ? call(bound as RunStore[Name]) : bound;
          },
        })
      : target;
}

describe('a first version', () => {
  it('comes only where nothing is in force, also when that changed while it waited', async () => {
    const empty = new FakeWorld();
    await empty.addBuilds();
    const gate = new FakeGate(empty);
    const ensure = (build: string) =>
      gate.promotions.ensureProduction(
        'checkout',
        { build, configurationHash: stock.hash },
        'set-up',
      );
    const both = await empty.clock.run(Promise.all([ensure(OLD), ensure(NEW)]));
    expect(both).toMatchObject([{ state: 'completed' }, undefined]);
    expect((await empty.store.serviceState('checkout')).inForce?.build).toBe(OLD);
    const { items } = await empty.store.promotions({}, { limit: 10 });
    expect(items[0]).toMatchObject({ state: 'failed' });
    expect(items[0]?.summary).toContain('in force already');
    await expectWorldInOrder(empty);
  });
});

describe('a promotion', () => {
  async function passed(gate: FakeGate): Promise<void> {
    await gate.gate({ promote: 'manual', tune: 'off' });
  }

  it('that waits is not begun by a process that leaves', async () => {
    const gate = new FakeGate(world);
    await passed(gate);
    const { id } = await gate.promotions.create({
      service: 'checkout',
      build: NEW,
      configurationHash: stock.hash,
      origin: 'person',
      actor: 'ann',
      reason: order.reason,
    });
    const leaving = AbortSignal.abort(new ShuttingDown());
    await expect(gate.promotions.execute(id, leaving)).rejects.toBeInstanceOf(ShuttingDown);
    await gate.promotions.halt();
    await gate.worker.attend();
    await pass(5);
    expect(await world.store.promotion(id)).toMatchObject({ stage: 'queued', state: 'running' });
    await world.clock.run(new FakeGate(world).untilIdle());
    await pass(200);
    expect(await world.store.promotion(id)).toMatchObject({ state: 'completed' });
    await expectWorldInOrder(world);
  });

  it('that could not be stored on its way is brought back while a run goes on', async () => {
    await passed(new FakeGate(world));
    const line = { away: false };
    const wrap = around('updatePromotion', (original) => (...parameters) => {
      const { stage } = parameters[2];
      if (stage === 'holding') line.away = true;
      return line.away ? Promise.reject(new Error('the store is away')) : original(...parameters);
    });
    const profile = { capSeconds: 3600, windows: 300 };
    const gate = new FakeGate(world, { wrap, replica: 'one', profile });
    await world.clock.run(gate.driver.start());
    world.sender.before = () => {
      world.sender.before = () => undefined;
      void gate.runs.promote('checkout', order, 'ann');
    };
    const { run } = await gate.runs.submit(
      { service: 'checkout', build: OLD, promote: 'never', tune: 'off' },
      'ci',
    );
    while (!line.away) await pass(1);
    await pass(2);
    line.away = false;
    const weights = () => [...world.platform.arms.values()].map(({ weight }) => weight);
    while (weights().some((weight) => weight > 0 && weight < 100)) await pass(1);
    await pass(5);
    const [promotion] = (await world.store.promotions({}, { limit: 1 })).items;
    expect(promotion).toMatchObject({ state: 'failed' });
    expect(await inForce()).toBe(OLD);
    expect(await world.store.run(run.id)).toMatchObject({ phase: 'measuring' });
    while ((await world.store.run(run.id))?.phase !== 'finished') await pass(1);
    await world.clock.run(gate.driver.stop());
    await expectWorldInOrder(world);
  });

  it('of a process that stood still does not come in force after another one has recovered', async () => {
    await passed(new FakeGate(world));
    const still = Promise.withResolvers<undefined>();
    const stands = { still: false };
    const wrap = around('saveServiceState', (original) => async (...parameters) => {
      stands.still = true;
      await still.promise;
      return original(...parameters);
    });
    const stale = new FakeGate(world, { wrap });
    await stale.runs.promote('checkout', order, 'ann');
    while (!stands.still) await pass(1);
    await world.clock.run(new FakeGate(world).untilIdle());
    expect(await inForce()).toBe(OLD);
    still.resolve(undefined);
    await pass(1);
    expect(await inForce()).toBe(OLD);
  });

  it('whose run ended before it had begun is ended, and keeps nobody waiting', async () => {
    let asked = 0;
    const wrap = around('promotion', (original) => (...parameters) => {
      asked += 1;
      // Its run looks once whether it is stored, and then carries it out.
      return asked === 2 ? Promise.reject(new Error('no answer')) : original(...parameters);
    });
    const gate = new FakeGate(world, { wrap });
    expect(await gate.gate({ tune: 'off' })).toMatchObject({ cause: 'platform-failed' });
    await pass(10);
    const [promotion] = (await world.store.promotions({}, { limit: 1 })).items;
    expect(promotion).toMatchObject({ origin: 'run', state: 'failed' });
    expect(promotion?.summary).toContain('its run ended before it had begun');
    await passed(gate);
    await gate.runs.promote('checkout', order, 'ann');
    await pass(300);
    expect(await inForce()).toBe(NEW);
    await expectWorldInOrder(world);
  });

  it('does not come in force where the lease is gone', async () => {
    await passed(new FakeGate(world));
    const gate = new FakeGate(world, { replica: 'one' });
    await world.clock.run(gate.driver.start());
    let lost = false;
    const confirm = gate.driver.confirm.bind(gate.driver);
    gate.driver.confirm = () =>
      lost ? Promise.reject(new DrivingLost('a test says so')) : confirm();
    const { id } = await gate.runs.promote('checkout', order, 'ann');
    while ((await world.store.promotion(id))?.stage !== 'holding') await pass(1);
    lost = true;
    await pass(60);
    expect(await world.store.promotion(id)).toMatchObject({ stage: 'holding' });
    expect(await inForce()).toBe(OLD);
    lost = false;
    await world.clock.run(gate.driver.stop());
  });
});
