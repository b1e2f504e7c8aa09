/**
 * The life of runs and promotions by scenario. The gate service dies right before and right after every
 * call to store or platform on the way: the next one ends what it finds as it would have ended without, or
 * brings production back and says so.
 */
import { describe, expect, it } from 'vitest';
import { FakeGate, FakeWorld, NEW, OLD } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';
import { Mortality } from './test-support/mortality.ts';
import type { RunRequest } from './run.ts';

const HOUR_MS = 3_600_000;
/** Longer than any promotion takes. */
const PROMOTED_MS = 200_000;

interface Scenario {
  readonly name: string;
  /** What is asked before the process that dies begins; the run is asked for by `ci`. */
  readonly request?: Partial<RunRequest>;
  /** The world that it is asked in; with the old build in production unless told. */
  readonly world?: (world: FakeWorld) => void;
  readonly withoutProduction?: boolean;
  /** Ordered before the run is driven. */
  readonly order?: (world: FakeWorld, runId: string) => Promise<void>;
  /** `decision cause build in force`: those that may come of it. The first is the one without a death. */
  readonly ends: readonly string[];
}

const RESTARTED = 'rollback platform-failed old';

const scenarios: readonly Scenario[] = [
  { name: 'a pass that is left to a person', request: { promote: 'manual' }, ends: ['pass met old'] },
  { name: 'a promotion', ends: ['promote met new', RESTARTED] },
  {
    name: 'a first build',
    withoutProduction: true,
    ends: ['promote met new', 'rollback platform-failed nothing'],
  },
  {
    name: 'a breach',
    world: (world) => {
      world.judge.causes = ['breached', 'breached'];
    },
    ends: ['rollback breached old'],
  },
  {
    name: 'an invalid attempt and its repetition',
    request: { promote: 'never' },
    world: (world) => {
      world.judge.causes = ['invalid'];
    },
    ends: ['pass met old'],
  },
  {
    name: 'a breach while it is promoted',
    world: (world) => {
      world.steps.find = () => 'breached';
    },
    ends: ['rollback promotion-breached old', RESTARTED],
  },
  {
    name: 'a cancellation in the queue',
    order: async (world, runId) => {
      await world.store.requestCancel(runId, { actor: 'ann', at: '2026-01-05T08:00:00Z' });
    },
    ends: ['rollback cancelled old'],
  },
  {
    name: 'an override of a breach',
    world: (world) => {
      world.judge.causes = ['breached', 'breached'];
    },
    order: async (world, runId) => {
      const expiresAt = new Date(world.clock.now() + HOUR_MS).toISOString();
      await new FakeGate(world).runs.override(
        runId,
        { order: 'promote', reason: 'the customer needs it tonight', expiresAt },
        'ann',
      );
    },
    // The decision stays; the promotion that the override has started completes or is brought back.
    ends: ['rollback breached new', 'rollback breached old'],
  },
];

async function asked(scenario: Scenario): Promise<{ world: FakeWorld; runId: string }> {
  const world = new FakeWorld();
  if (scenario.withoutProduction === true) await world.addBuilds();
  else await world.seed();
  scenario.world?.(world);
  const { run } = await new FakeGate(world).runs.submit(
    { service: 'checkout', build: NEW, promote: 'auto', tune: 'off', ...scenario.request },
    'ci',
  );
  await scenario.order?.(world, run.id);
  return { world, runId: run.id };
}

/** Drives all there is to its end, overrides and their promotions too. */
async function finish(world: FakeWorld, mortality?: Mortality): Promise<void> {
  const gate = new FakeGate(world, mortality);
  await world.clock.run(gate.untilIdle());
  await world.clock.run(world.clock.sleep(PROMOTED_MS));
}

async function endOf(world: FakeWorld, runId: string): Promise<string> {
  const run = await world.store.run(runId);
  const { inForce } = await world.store.serviceState('checkout');
  const names: Readonly<Record<string, string>> = { [OLD]: 'old', [NEW]: 'new' };
  const build = inForce === undefined ? 'nothing' : (names[inForce.build] ?? inForce.build);
  return `${run?.decision ?? '-'} ${run?.cause ?? '-'} ${build}`;
}

describe.each(scenarios)('$name', (scenario) => {
  it('ends so when nobody dies', async () => {
    const { runId, world } = await asked(scenario);
    await finish(world);
    expect(await endOf(world, runId)).toBe(scenario.ends[0]);
    await expectWorldInOrder(world);
  });

  it.each([false, true])(
    'is brought to its end wherever the service dies, the last call took effect: %s',
    async (afterwards) => {
      const whole = await asked(scenario);
      const counted = new Mortality();
      await finish(whole.world, counted);
      expect(counted.calls).toBeGreaterThan(10);
      const ends = new Map<string, number>();
      for (let dieAt = 1; dieAt <= counted.calls; dieAt += 1) {
        const { runId, world } = await asked(scenario);
        const dying = new FakeGate(world, new Mortality(dieAt, afterwards));
        await world.clock.run(Promise.race([dying.untilIdle(), world.clock.sleep(PROMOTED_MS)]));
        await world.clock.run(world.clock.sleep(PROMOTED_MS));
        await finish(world);
        const end = await endOf(world, runId);
        expect(scenario.ends, `died at call ${String(dieAt)}`).toContain(end);
        await expectWorldInOrder(world);
        ends.set(end, (ends.get(end) ?? 0) + 1);
      }
      // A death seldom changes the end: only where production had been moved already.
      expect(ends.get(scenario.ends[0] ?? '')).toBeGreaterThan(counted.calls / 2);
    },
    120_000,
  );
});
