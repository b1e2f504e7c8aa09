import { beforeEach, describe, expect, it } from 'vitest';
import { PlatformError } from '../platforms/platform.ts';
import { promotionWeights } from './promotion-watch.ts';
import { FakeGate, FakeWorld, NEW, OLD, stock, tuned } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';

let world: FakeWorld;
let gate: FakeGate;

beforeEach(async () => {
  world = new FakeWorld();
  await world.seed();
  gate = new FakeGate(world);
});

function canaryWeight(): number | undefined {
  return [...world.platform.arms.values()].find(({ arm }) => arm.role === 'canary')?.weight;
}

async function steps(): Promise<readonly string[]> {
  const [promotion] = (await world.store.promotions({}, { limit: 1 })).items;
  return promotion!.steps.map(({ outcome, weight }) => `${String(weight)} ${outcome}`);
}

describe('a promotion', () => {
  it.each(promotionWeights.slice(0, -1))(
    'goes back at once on a breach at %i %%',
    async (weight) => {
      world.steps.find = () => (canaryWeight() === weight ? 'breached' : undefined);
      const run = await gate.gate();
      expect(run).toMatchObject({ decision: 'rollback', cause: 'promotion-breached' });
      expect((await steps()).at(-1)).toBe(`${weight} breached`);
      expect((await world.store.serviceState('checkout')).inForce?.build).toBe(OLD);
      await expectWorldInOrder(world);
    },
  );

  it.each(promotionWeights)('goes back at once on a lost scrape at %i %%', async (weight) => {
    world.lostScrape = () => canaryWeight() === weight;
    const run = await gate.gate();
    expect(run).toMatchObject({ decision: 'rollback', cause: 'promotion-breached' });
    expect((await steps()).at(-1)).toBe(`${weight} no-data`);
    await expectWorldInOrder(world);
  });

  it.each(['breached', 'no-data'] as const)(
    'does not wait for the end of a long step: %s',
    async (outcome) => {
      Object.assign(world.service.promotion, { stepSeconds: 600 });
      let since = Infinity;
      let back = Infinity;
      world.steps.find = () => {
        if (canaryWeight() !== 25) return undefined;
        since = Math.min(since, world.clock.now() + 20_000);
        return world.clock.now() >= since ? outcome : undefined;
      };
      world.platform.before = (call) => {
        if (call === 'restore') back = world.clock.now();
      };
      expect(await gate.gate()).toMatchObject({ cause: 'promotion-breached' });
      expect(back - since).toBeLessThanOrEqual(5_000);
    },
  );

  it.each([
    { settleMs: 8_500, missingMs: 5_000 },
    // Where the telemetry does not say: a scrape on its way, and one more that came late.
    { settleMs: undefined, missingMs: 2_000 },
  ])('watches no step for less than the metrics need to come: %o', async (telemetry) => {
    Object.assign(world.telemetry, { settleMs: telemetry.settleMs });
    Object.assign(world.service.promotion, { stepSeconds: 2, holdSeconds: 2 });
    let weight: number | undefined;
    let since = 0;
    world.steps.find = () => {
      if (canaryWeight() !== weight) {
        weight = canaryWeight();
        since = world.clock.now();
      }
      return world.clock.now() - since < telemetry.missingMs ? 'no-data' : undefined;
    };
    expect(await gate.gate()).toMatchObject({ decision: 'promote', cause: 'met' });
    await expectWorldInOrder(world);
  });

  it('goes back from 100 % when the new nodes fail while the old ones are still there', async () => {
    world.failures = () => (canaryWeight() === 100 ? 300 : 0);
    expect(await gate.gate()).toMatchObject({ cause: 'promotion-breached' });
    expect(await steps()).toContain('100 breached');
    expect((await world.store.serviceState('checkout')).inForce?.build).toBe(OLD);
    await expectWorldInOrder(world);
  });

  it('skips the weights that would see too few requests, and says so', async () => {
    world.rate = 10;
    const run = await gate.gate();
    expect(run).toMatchObject({ decision: 'promote' });
    expect(await steps()).toEqual(['1 skipped', '5 skipped', '25 held', '50 held', '100 held']);
    expect(world.platform.routings.slice(1).map(({ weights }) => weights[1]?.weight)).toEqual([
      25, 50, 100,
    ]);
  });

  it('counts a step that saw too few requests after all as skipped', async () => {
    world.steps.find = () => (canaryWeight() === 1 ? 'too-few' : undefined);
    await gate.gate();
    expect(await steps()).toContain('1 skipped');
  });

  it('waits for a gap in the metrics to pass before anything is moved', async () => {
    Object.assign(world.service.promotion, { stepSeconds: 600 });
    let gapEnds: number | undefined;
    world.lostScrape = () => {
      if (canaryWeight() !== 0) return false;
      gapEnds ??= world.clock.now() + 20_000;
      return world.clock.now() < gapEnds;
    };
    expect(await gate.gate()).toMatchObject({ decision: 'promote', cause: 'met' });
    await expectWorldInOrder(world);
  });

  it('moves no traffic while production cannot be read', async () => {
    world.lostScrape = () => true;
    expect(await gate.gate()).toMatchObject({ cause: 'promotion-breached' });
    expect(world.platform.routings).toHaveLength(1);
  });

  it('does not give traffic to nodes that fail their warm-up', async () => {
    world.warmer.failed = 10;
    expect(await gate.gate()).toMatchObject({ decision: 'rollback', cause: 'promotion-breached' });
    expect(world.platform.routings).toHaveLength(1);
    await expectWorldInOrder(world);
  });

  it.each(['deploy', 'routeProduction'] as const)(
    'fails in the words of the platform and leaves production whole: %s',
    async (call) => {
      world.platform.before = (own, subject) => {
        const environment = (subject as { environment?: string }).environment;
        if (own === call && environment !== 'staging') {
          throw new PlatformError('route-not-seen', 'envoy did not take the plan');
        }
      };
      const run = await gate.gate();
      expect(run).toMatchObject({ decision: 'rollback', cause: 'platform-failed' });
      expect(run.summary).toContain('envoy did not take the plan');
      world.platform.before = () => undefined;
      await expectWorldInOrder(world);
    },
  );

  it('tries again to go back when the platform does not take it at first', async () => {
    world.steps.find = () => 'breached';
    let refused = 0;
    world.platform.before = (call) => {
      if (call === 'restore' && refused < 3) {
        refused += 1;
        throw new PlatformError('route-not-seen', 'not yet');
      }
    };
    expect(await gate.gate()).toMatchObject({ cause: 'promotion-breached' });
    expect(refused).toBe(3);
    await expectWorldInOrder(world);
  });

  it('has nothing to do for what is in force already', async () => {
    const view = await gate.runs.promote(
      'checkout',
      { build: OLD, configuration: stock.hash, reason: 'the button was pressed' },
      'ann',
    );
    await world.clock.run(world.clock.sleep(60_000));
    expect(await gate.runs.promotion(view.id)).toMatchObject({ state: 'completed', steps: [] });
    expect(world.platform.routings).toHaveLength(1);
  });
});

describe('promotions by people', () => {
  async function settled(): Promise<void> {
    await world.clock.run(world.clock.sleep(300_000));
    expect(gate.problems).toEqual([]);
    await expectWorldInOrder(world);
  }

  it('restore the last known good by the same path', async () => {
    await gate.gate();
    const { lastKnownGood } = (await gate.runs.service('checkout'))!;
    const order = { build: lastKnownGood!.build, configuration: lastKnownGood!.configurationHash };
    const { origin } = await gate.runs.promote(
      'checkout',
      { ...order, reason: 'errors at night' },
      'ann',
    );
    expect(origin).toBe('restore');
    await settled();
    expect((await world.store.serviceState('checkout')).inForce?.build).toBe(OLD);
    expect(await steps()).toEqual(promotionWeights.map((weight) => `${weight} held`));
  });

  it('promote what passed and was left to them', async () => {
    await gate.gate({ promote: 'manual' });
    await gate.runs.promote(
      'checkout',
      { build: NEW, configuration: stock.hash, reason: 'looks good' },
      'ann',
    );
    await settled();
    expect((await world.store.serviceState('checkout')).inForce?.build).toBe(NEW);
  });

  it.each([
    ['not-judged', NEW, tuned.hash],
    ['judged-rollback', NEW, stock.hash],
  ])('are refused: %s', async (code, build, configuration) => {
    world.judge.causes = ['breached'];
    await gate.gate();
    const order = gate.runs.promote(
      'checkout',
      { build, configuration, reason: 'I want it now' },
      'ann',
    );
    await expect(order).rejects.toMatchObject({ code });
    expect(world.platform.routings).toHaveLength(1);
  });

  it('are refused while another promotion is at work', async () => {
    await gate.gate({ promote: 'manual' });
    const order = { build: NEW, configuration: stock.hash, reason: 'looks good' };
    await gate.runs.promote('checkout', order, 'ann');
    await expect(gate.runs.promote('checkout', order, 'bob')).rejects.toMatchObject({
      code: 'promotion-running',
    });
    await settled();
  });
});

describe('a promotion in which the nodes in force vanish', () => {
  it.each([
    [false, 'returned', 'production is all on'],
    [true, 'failed', 'could not be brought up again'],
  ])('and cannot come again: %s: says so', async (isFull, state, words) => {
    const current = [...world.platform.arms.keys()][0]!;
    world.steps.find = () => {
      if (canaryWeight() === undefined) return undefined;
      world.platform.arms.delete(current);
      return 'breached';
    };
    world.platform.before = (call, subject) => {
      const again = call === 'deploy' && (subject as { role: string }).role === 'current';
      if (again && isFull) throw new PlatformError('component-failed', 'there is no room');
    };
    await gate.gate();
    const { items } = await world.store.promotions({}, { limit: 10 });
    const promotion = items.find(({ origin }) => origin === 'run');
    expect(promotion).toMatchObject({ state });
    expect(promotion?.summary).toContain(words);
  });
});

describe('overrides', () => {
  const reason = 'the customer needs it tonight';
  function inOneHour(): string {
    return new Date(world.clock.now() + 3_600_000).toISOString();
  }

  it('promote a rolled back build; the decision stays as it was', async () => {
    world.judge.causes = ['breached'];
    const { id } = await gate.gate();
    const view = await gate.runs.override(
      id,
      { order: 'promote', reason, expiresAt: inOneHour() },
      'ann',
    );
    expect(view).toMatchObject({
      decision: 'rollback',
      cause: 'breached',
      override: { actor: 'ann' },
    });
    await world.clock.run(world.clock.sleep(300_000));
    expect((await world.store.serviceState('checkout')).inForce?.build).toBe(NEW);
    expect(await world.store.run(id)).toMatchObject({ decision: 'rollback' });
    const { items } = await world.store.audit({ subject: id }, { limit: 10 });
    expect(items.map(({ action }) => action)).toContain('run.override');
  });

  it('take a promoted build back', async () => {
    const { id } = await gate.gate();
    await gate.runs.override(id, { order: 'rollback', reason, expiresAt: inOneHour() }, 'ann');
    await world.clock.run(world.clock.sleep(300_000));
    expect((await world.store.serviceState('checkout')).inForce?.build).toBe(OLD);
    await expectWorldInOrder(world);
  });

  it('do nothing when they have expired by the end of the run', async () => {
    world.judge.causes = ['breached'];
    const { run } = await gate.runs.submit(
      { service: 'checkout', build: NEW, promote: 'auto' },
      'ci',
    );
    const expiresAt = new Date(world.clock.now() + 1000).toISOString();
    await gate.runs.override(run.id, { order: 'promote', reason, expiresAt }, 'ann');
    await world.clock.run(gate.untilIdle());
    await world.clock.run(world.clock.sleep(300_000));
    expect((await world.store.serviceState('checkout')).inForce?.build).toBe(OLD);
  });

  it('act at the end of a run that is under way', async () => {
    world.judge.causes = ['inconclusive'];
    const { run } = await gate.runs.submit(
      { service: 'checkout', build: NEW, promote: 'auto' },
      'ci',
    );
    await gate.runs.override(run.id, { order: 'promote', reason, expiresAt: inOneHour() }, 'ann');
    await world.clock.run(gate.untilIdle());
    await world.clock.run(world.clock.sleep(300_000));
    expect((await world.store.serviceState('checkout')).inForce?.build).toBe(NEW);
  });

  it.each([
    ['expired', '2020-01-01T00:00:00Z'],
    ['expired', 'tomorrow'],
  ])('are refused: %s %s', async (code, expiresAt) => {
    const { id } = await gate.gate({ promote: 'never' });
    await expect(
      gate.runs.override(id, { order: 'promote', reason, expiresAt }, 'ann'),
    ).rejects.toMatchObject({ code });
  });

  it('are refused for a build that was never judged', async () => {
    world.platform.before = (call) => {
      if (call === 'deploy') throw new PlatformError('node-not-ready', 'no');
    };
    const { id } = await gate.gate();
    await expect(
      gate.runs.override(id, { order: 'promote', reason, expiresAt: inOneHour() }, 'ann'),
    ).rejects.toMatchObject({ code: 'not-judged' });
  });
});
