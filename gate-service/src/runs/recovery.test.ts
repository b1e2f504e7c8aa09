/** The gate service dies at any call to store or platform; the next one must bring everything in order. */
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeGate, FakeWorld, NEW, OLD, tuned } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';
import { Mortality, silence } from './test-support/mortality.ts';

async function preparedWorld(): Promise<FakeWorld> {
  const world = new FakeWorld();
  await world.seed();
  world.tuners.proposals = [tuned];
  await new FakeGate(world).runs.submit({ service: 'checkout', build: NEW, promote: 'auto' }, 'ci');
  return world;
}

async function callsOfWholeRun(): Promise<number> {
  const world = await preparedWorld();
  const mortality = new Mortality();
  await world.clock.run(new FakeGate(world, mortality).untilIdle());
  return mortality.calls;
}

describe('a gate service that dies', () => {
  it.each([false, true])(
    'at any call, its effect happened: %s, leaves nothing that the next one cannot bring in order',
    async (afterwards) => {
      const calls = await callsOfWholeRun();
      expect(calls).toBeGreaterThan(150);
      const causes = new Map<string, number>();
      for (let dieAt = 1; dieAt <= calls; dieAt += 1) {
        const world = await preparedWorld();
        const dead = new FakeGate(world, new Mortality(dieAt, afterwards));
        expect(await world.clock.run(dead.untilIdle())).toBe('stalled');
        const next = new FakeGate(world);
        expect(await world.clock.run(next.untilIdle()), `died at call ${dieAt}`).not.toBe(
          'stalled',
        );
        await expectWorldInOrder(world);
        const [run] = (await world.store.runs({}, { limit: 1 })).items;
        const { inForce } = await world.store.serviceState('checkout');
        expect(inForce?.build, `died at call ${dieAt}`).toBe(
          run?.decision === 'promote' ? NEW : OLD,
        );
        const cause = run?.cause ?? '';
        causes.set(cause, (causes.get(cause) ?? 0) + 1);
      }
      // Most deaths come before judging and start over; those within the promotion go back.
      expect([...causes.keys()].sort()).toEqual(['met', 'platform-failed']);
      expect(causes.get('met')).toBeGreaterThan(calls / 2);
    },
    60_000,
  );

  it('again and again while it measures ends the run instead of starting over for ever', async () => {
    const world = await preparedWorld();
    world.sender.measure = silence;
    for (let death = 1; death <= 2; death += 1) {
      const poisoned = new FakeGate(world, new Mortality()).untilIdle();
      await world.clock.run(Promise.race([poisoned, world.clock.sleep(20_000)]));
    }
    await world.clock.run(new FakeGate(world).untilIdle());
    const [run] = (await world.store.runs({}, { limit: 1 })).items;
    expect(run).toMatchObject({ decision: 'rollback', cause: 'platform-failed' });
    expect(run?.summary).toContain('interrupted');
    await expectWorldInOrder(world);
  });

  it.each([false, true])(
    'finds a person in the middle of a restore, the last call took effect: %s: production is on one side',
    async (afterwards) => {
      const found = new Set<string | undefined>();
      let dieAt = 1;
      for (let died = true; died; dieAt += 1) {
        const world = new FakeWorld();
        await world.seed();
        await new FakeGate(world).gate({ tune: 'off' });
        const { build, configurationHash } = (await world.store.serviceState('checkout'))
          .lastKnownGood!;
        const mortality = new Mortality(dieAt, afterwards);
        const dead = new FakeGate(world, mortality);
        const order = { build, configuration: configurationHash, reason: 'errors at night' };
        const started = dead.runs.promote('checkout', order, 'ann');
        await world.clock.run(Promise.race([started, world.clock.sleep(200_000)]));
        await world.clock.run(world.clock.sleep(200_000));
        died = mortality.calls >= dieAt;
        await world.clock.run(new FakeGate(world).untilIdle());
        // One that was only stored is carried out by now.
        await world.clock.run(world.clock.sleep(200_000));
        await expectWorldInOrder(world);
        found.add((await world.store.serviceState('checkout')).inForce?.build);
      }
      expect(dieAt).toBeGreaterThan(40);
      expect([...found].sort()).toEqual([OLD, NEW]);
    },
    60_000,
  );

  it('tells the decision that ended last, however many runs were asked for after it', async () => {
    const world = new FakeWorld();
    await world.seed();
    const gate = new FakeGate(world, { replica: 'standby' });
    const request = { service: 'checkout', build: NEW, promote: 'never', tune: 'off' } as const;
    const { run } = await gate.runs.submit(request, 'ci');
    for (let later = 0; later < 25; later += 1) {
      await world.clock.run(world.clock.sleep(1_000));
      Object.assign(world.service, { limits: { ...world.service.limits, queued: 100 } });
      const { run: other } = await gate.runs.submit(request, 'ci');
      await gate.runs.cancel(other.id, 'ann');
    }
    const append = world.memory.appendEvent.bind(world.memory);
    const dying = new FakeGate(world);
    world.memory.appendEvent = (event) => {
      if (event.type !== 'decision' || event.runId !== run.id) return append(event);
      dying.die();
      return silence();
    };
    expect(await world.clock.run(dying.untilIdle())).toBe('stalled');
    world.memory.appendEvent = append;
    expect(await world.store.run(run.id)).toMatchObject({ decision: 'pass' });
    await world.clock.run(new FakeGate(world).untilIdle());
    await expectWorldInOrder(world);
  }, 60_000);

  it('leaves the promotions of its own process alone when it recovers a second time', async () => {
    const world = new FakeWorld();
    await world.seed();
    const gate = new FakeGate(world);
    await gate.gate({ promote: 'manual' });
    const { inForce } = await world.store.serviceState('checkout');
    const order = { build: NEW, configuration: inForce!.configurationHash, reason: 'looks good' };
    await gate.runs.promote('checkout', order, 'ann');
    await world.clock.run(gate.worker.recover());
    await world.clock.run(world.clock.sleep(300_000));
    expect(gate.problems).toEqual([]);
    expect((await world.store.serviceState('checkout')).inForce?.build).toBe(NEW);
    await expectWorldInOrder(world);
  });

  it('deploys what was in force again when its nodes are gone', async () => {
    const world = new FakeWorld();
    await world.seed();
    world.platform.arms.clear();
    await world.clock.run(new FakeGate(world).untilIdle());
    expect((await world.store.serviceState('checkout')).inForce?.build).toBe(OLD);
    await expectWorldInOrder(world);
  });
});

describe('production that is not as it must be', () => {
  let world: FakeWorld;
  beforeEach(async () => {
    world = new FakeWorld();
    await world.seed();
  });
  const inForce = async () => (await world.store.serviceState('checkout')).inForce!;
  const pass = (seconds: number) => world.clock.run(world.clock.sleep(seconds * 1000));
  const request = { service: 'checkout', build: NEW, promote: 'auto', tune: 'off' } as const;
  async function driving(): Promise<FakeGate> {
    const gate = new FakeGate(world, { replica: 'one' });
    await world.clock.run(gate.driver.start());
    return gate;
  }

  it('is deployed again when only rests of its nodes are there', async () => {
    const { armId } = await inForce();
    world.platform.deleted.add(armId);
    await world.clock.run(new FakeGate(world).untilIdle());
    expect(await inForce()).toMatchObject({ build: OLD });
    expect((await inForce()).armId).not.toBe(armId);
    await new FakeGate(world).gate({ tune: 'off' });
    expect(world.platform.arms.has(armId)).toBe(false);
    expect((await inForce()).build).toBe(NEW);
  });

  it('is promoted anew when only rests of its nodes are there', async () => {
    const gate = new FakeGate(world);
    const run = await gate.gate({ promote: 'manual', tune: 'off' });
    world.platform.deleted.add((await inForce()).armId);
    const order = {
      build: NEW,
      configuration: run.configuration!.hash,
      reason: 'production is down',
    };
    const { id } = await gate.runs.promote('checkout', order, 'ann');
    await world.clock.run(gate.promotions.execute(id, gate.promotions.signal));
    expect(await world.store.promotion(id)).toMatchObject({ state: 'completed' });
    await expectWorldInOrder(world);
  });

  it('is brought back when it can be, without a restart or another run', async () => {
    const gate = await driving();
    let isAway = false;
    world.platform.before = (call) => {
      if (call === 'restore' && isAway) throw new Error('the mesh is away');
    };
    world.steps.find = () => {
      isAway = true;
      return 'breached';
    };
    const { run } = await gate.runs.submit(request, 'ci');
    await pass(1_200);
    const ended = await world.store.run(run.id);
    expect(ended).toMatchObject({ cause: 'platform-failed' });
    expect(ended?.summary).toContain('tried again until it can be');
    const shares = () => [...world.platform.arms.values()].map(({ weight }) => weight);
    expect(shares()).toHaveLength(2);
    isAway = false;
    await pass(120);
    expect(shares()).toEqual([100]);
    expect((await inForce()).build).toBe(OLD);
    await world.clock.run(gate.driver.stop());
    await expectWorldInOrder(world);
  });

  it('keeps neither orders nor runs waiting after a restart', async () => {
    await new FakeGate(world).gate({ promote: 'manual', tune: 'off' });
    const { armId } = await inForce();
    world.platform.arms.get(armId)!.weight = 50;
    world.platform.before = (call) => {
      if (call === 'restore') throw new Error('the mesh is away');
    };
    const gate = await driving();
    const { run } = await gate.runs.submit(request, 'ci');
    await pass(1_200);
    expect(await world.store.run(run.id)).toMatchObject({ cause: 'platform-failed' });
    expect(gate.problems.map(({ message }) => message)).toContain('the mesh is away');
    world.platform.before = () => undefined;
    await pass(120);
    expect(world.platform.arms.get(armId)!.weight).toBe(100);
    await world.clock.run(gate.driver.stop());
    await expectWorldInOrder(world);
  });
});

describe('a gate service that is stopped', () => {
  it('decides nothing; the next one starts the run over', async () => {
    const world = await preparedWorld();
    const first = new FakeGate(world);
    const working = first.driver.start();
    await world.clock.run(world.clock.sleep(5_000));
    expect(first.worker.activeRun).toBeDefined();
    await world.clock.run(first.driver.stop());
    expect(await working).toBe('driving');
    const [stopped] = (await world.store.runs({}, { limit: 1 })).items;
    expect(stopped).toMatchObject({ phase: 'measuring' });
    await world.clock.run(new FakeGate(world).untilIdle());
    const [run] = (await world.store.runs({}, { limit: 1 })).items;
    expect(run).toMatchObject({ decision: 'promote' });
    expect((await world.store.attempts(run!.id))[0]?.sentence).toContain('shutting down');
    await expectWorldInOrder(world);
  });
});
