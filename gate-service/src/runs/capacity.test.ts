/** Thresholds on capacity: who may ask for them, and what a run measures for them. */
import { beforeEach, describe, expect, it } from 'vitest';
import { runJudge } from './adapters/run-judge.ts';
import { FakeGate, FakeWorld, NEW } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';
import { waits } from './test-support/waits.ts';

const CAPACITY = 'capacity >= baseline - 5%';

let world: FakeWorld;
/** Which arm each block belonged to, warm-up first. */
let blocks: string[];

beforeEach(async () => {
  world = new FakeWorld();
  await world.seed();
  Object.assign(world.service, {
    thresholds: ['p50 <= baseline + 40%', CAPACITY],
    capacity: { connections: 16, besideProduction: true },
  });
  waits(world.sender, () => 1);
  blocks = [];
  capacityIs(1);
});

function capacityIs(candidate: number): void {
  world.capacityOf = (arm) => {
    blocks.push(arm);
    const drift = 500 + 4 * (blocks.length % 5) + blocks.length;
    return arm === 'candidate' ? drift * candidate : drift;
  };
}

const gate = (): FakeGate =>
  new FakeGate(world, {
    judge: runJudge,
    profile: { windows: 12, planted: { windows: 4, delayMs: 20 } },
  });

describe('a threshold on capacity', () => {
  it('is refused where production of any service runs on the same machine', async () => {
    Object.assign(world.service, { capacity: { connections: 16, besideProduction: false } });
    await expect(
      gate().runs.submit({ service: 'checkout', build: NEW }, 'ci'),
    ).rejects.toMatchObject({
      code: 'capacity-beside-production',
      message: expect.stringContaining('production of checkout') as string,
    });
    Object.assign(world.service, { thresholds: ['p50 <= baseline + 40%'] });
    const own = gate();
    await expect(
      own.runs.submit({ service: 'checkout', build: NEW, thresholds: [CAPACITY] }, 'ci'),
    ).rejects.toMatchObject({ code: 'capacity-beside-production' });
    await own.runs.submit({ service: 'checkout', build: NEW }, 'ci');
    expect(blocks).toEqual([]);
  });

  it.each([
    [1, { decision: 'pass', cause: 'met' }],
    [0.8, { decision: 'rollback', cause: 'breached' }],
  ])('at %f times the baseline decides', async (factor, answer) => {
    capacityIs(factor);
    const run = await gate().gate({ promote: 'never' });
    expect(run).toMatchObject(answer);
    const [measurement] = await world.store.measurements(run.id);
    const { capacityByBlock } = measurement!;
    expect(capacityByBlock).toHaveLength(12);
    // Couples of both arms, the first one to warm up; not always the same arm first.
    const couples = Array.from({ length: 7 }, (_, couple) => blocks.slice(2 * couple).slice(0, 2));
    for (const couple of couples) expect(couple.toSorted()).toEqual(['baseline', 'candidate']);
    expect(new Set(couples.map(([first]) => first)).size).toBe(2);
    await expectWorldInOrder(world);
  });

  it('is not measured when a breach was proven before', async () => {
    waits(world.sender, (arm) => (arm === 'candidate' ? 3 : 1));
    const run = await gate().gate({ promote: 'never' });
    expect(run).toMatchObject({ decision: 'rollback', cause: 'breached' });
    expect(blocks).toEqual([]);
  });

  it('is invalid, never met, when the generator gives up', async () => {
    world.capacityOf = () => {
      throw new Error('nothing listens there');
    };
    const run = await gate().gate({ promote: 'never' });
    expect(run).toMatchObject({ decision: 'rollback', cause: 'invalid' });
    const told = await world.store.events(run.id, 0, 1000);
    expect(told.map(({ message }) => message).join('\n')).toContain('nothing listens there');
  });

  it('is not measured beside production that came while the run was under way', async () => {
    world = new FakeWorld();
    await world.addBuilds();
    Object.assign(world.service, { thresholds: ['p50 < 10s', 'capacity > 10/s'] });
    waits(world.sender, () => 1);
    capacityIs(1);
    world.sender.after = () => {
      if (world.sender.plans.length > 1) return;
      void world.store.saveServiceState('checkout', 0, {
        inForce: {
          build: NEW,
          configurationHash: 'x',
          armId: 'elsewhere',
          since: '2026-01-05T08:00:00Z',
          promotionId: 'p',
        },
      });
    };
    const run = await gate().gate({ promote: 'never' });
    expect(run.decision).toBe('rollback');
    expect(blocks).toEqual([]);
  });

  it('against a limit needs no baseline, and measures the candidate alone', async () => {
    world = new FakeWorld();
    await world.addBuilds();
    Object.assign(world.service, { thresholds: ['p50 < 10s', 'capacity > 10/s'] });
    waits(world.sender, () => 1);
    capacityIs(1);
    const run = await gate().gate({ promote: 'never' });
    expect(run).toMatchObject({ decision: 'pass', cause: 'met' });
    expect(new Set(blocks)).toEqual(new Set(['candidate']));
  });
});
