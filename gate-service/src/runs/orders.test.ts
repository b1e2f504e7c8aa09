/** What reaches the worker through the store. */
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeGate, FakeWorld, NEW, OLD, stock } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';

let world: FakeWorld;
let gate: FakeGate;

beforeEach(async () => {
  world = new FakeWorld();
  await world.seed();
  gate = new FakeGate(world);
});

async function submit(
  request: Partial<Parameters<typeof gate.runs.submit>[0]> = {},
): Promise<string> {
  // By a replica that does not drive, so that nothing is done about it before somebody looks.
  const { run } = await new FakeGate(world, { replica: 'standby' }).runs.submit(
    { service: 'checkout', build: NEW, promote: 'never', tune: 'off', ...request },
    'ci',
  );
  return run.id;
}

describe('a newer run', () => {
  it('takes the place of queued ones where the catalogue says so, and is named', async () => {
    Object.assign(world.service, { supersede: true });
    const first = await submit();
    const second = await submit({ label: '1.2' });
    const third = await submit({ label: '1.3' });
    await world.clock.run(gate.untilIdle());
    for (const id of [first, second]) {
      const run = await world.store.run(id);
      expect(run).toMatchObject({ decision: 'rollback', cause: 'superseded', supersededBy: third });
      expect(run?.summary).toContain('1.3');
      expect(run?.summary).toContain('nothing was deployed');
      expect(await world.store.intents({ runId: id })).toEqual([]);
    }
    expect(await world.store.run(third)).toMatchObject({ decision: 'pass' });
    expect(gate.finished.map(({ id }) => id).sort()).toEqual([first, second, third].sort());
    await expectWorldInOrder(world);
  });

  it('takes nobody else: not the run under way, not a question of another kind', async () => {
    Object.assign(world.service, { supersede: true });
    await world.store.saveReference({
      service: 'checkout',
      build: OLD,
      actor: 'ann',
      reason: 'the release of January',
      at: '2026-01-05T08:00:00Z',
    });
    const active = await submit();
    let drift = '';
    let queued = '';
    world.sender.before = () => {
      world.sender.before = () => undefined;
      void (async () => {
        drift = await submit({ against: 'reference' });
        queued = await submit();
      })();
    };
    await world.clock.run(gate.untilIdle());
    for (const id of [active, drift, queued]) {
      expect(await world.store.run(id)).toMatchObject({ decision: 'pass' });
    }
    await expectWorldInOrder(world);
  });

  it('waits behind the others where the catalogue does not', async () => {
    const ids = [await submit(), await submit()];
    await world.clock.run(gate.untilIdle());
    for (const id of ids) expect(await world.store.run(id)).toMatchObject({ decision: 'pass' });
  });
});

describe('a stored promotion', () => {
  const order = { service: 'checkout', build: NEW, configurationHash: stock.hash, actor: 'ann' };

  it('is carried out by whoever drives, whenever it begins to', async () => {
    const { id } = await gate.promotions.create({
      ...order,
      origin: 'person',
      reason: 'looks good to me',
    });
    const next = new FakeGate(world);
    await world.clock.run(next.untilIdle());
    await world.clock.run(world.clock.sleep(200_000));
    expect(await world.store.promotion(id)).toMatchObject({ state: 'completed' });
    await expectWorldInOrder(world);
  });

  it('is carried out once, however often it is found', async () => {
    await gate.promotions.create({ ...order, origin: 'person', reason: 'looks good to me' });
    await Promise.all([gate.worker.attend(), gate.worker.attend(), gate.worker.attend()]);
    await world.clock.run(world.clock.sleep(200_000));
    const deploys = (await world.store.intents({})).filter(
      ({ data, kind }) => kind === 'deploy' && data.build === NEW,
    );
    expect(deploys).toHaveLength(1);
    await expectWorldInOrder(world);
  });

  it('of a run that does not promote any more is not begun', async () => {
    const { id } = await gate.promotions.create({
      ...order,
      origin: 'run',
      reason: 'run x met its thresholds',
      runId: 'x',
    });
    await world.clock.run(gate.untilIdle());
    expect(await world.store.promotion(id)).toMatchObject({ state: 'failed' });
    expect((await world.store.serviceState('checkout')).inForce?.build).toBe(OLD);
    await expectWorldInOrder(world);
  });
});
