/**
 * The life of runs and promotions by scenario. The gate service dies right before and right after every
 * change of store or platform on the way: the next one ends what it finds as it would have ended without, or
 * brings production back and says so.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { PlatformError } from '../platforms/platform.ts';
import type { RunStore } from './run-store.ts';
import { FakeGate, FakeWorld, NEW, OLD, stock, tuned } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';
import { changes, Mortality } from './test-support/mortality.ts';
import type { RunPhase, RunRequest } from './run.ts';
import { transitions } from './transitions.ts';

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

/** Cancels the run each time that a measurement of this kind begins. */
function cancelAt(phase: 'measuring' | 'tuning' | 'confirming'): Pick<Scenario, 'order' | 'ends'> {
  return {
    order: (world, runId) => {
      world.sender.before = () => {
        void (async () => {
          const run = await world.store.run(runId);
          if (run?.phase !== phase) return;
          await world.store.requestCancel(runId, { actor: 'ann', at: '2026-01-05T08:00:00Z' });
        })();
      };
      return Promise.resolve();
    },
    ends: ['rollback cancelled old'],
  };
}

function tunes(world: FakeWorld): void {
  world.tuners.proposals = [tuned];
}

const tune = { evaluations: 1, seconds: 60 };

const scenarios: readonly Scenario[] = [
  {
    name: 'a pass that is left to a person',
    request: { promote: 'manual' },
    ends: ['pass met old'],
  },
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
    name: 'a breach of the new nodes while they carry everything',
    world: (world) => {
      const carriesAll = () =>
        [...world.platform.arms.values()].some(
          ({ arm, weight }) => arm.role === 'canary' && weight === 100,
        );
      world.failures = () => (carriesAll() ? 300 : 0);
    },
    ends: ['rollback promotion-breached old', RESTARTED],
  },
  {
    name: 'new production nodes that do not come up',
    world: (world) => {
      world.platform.before = (call, subject) => {
        const { role } = subject as { role?: string };
        if (call === 'deploy' && role === 'canary') throw new PlatformError('node-not-ready', 'no');
      };
    },
    ends: ['rollback platform-failed old'],
  },
  {
    name: 'new production nodes that fail their warm-up',
    world: (world) => {
      world.warmer.failed = 10;
    },
    ends: ['rollback promotion-breached old', RESTARTED],
  },
  {
    name: 'an order for what is in force already',
    request: { promote: 'manual' },
    order: async (world) => {
      await new FakeGate(world, { replica: 'standby' }).runs.promote(
        'checkout',
        { build: OLD, configuration: stock.hash, reason: 'the button was pressed' },
        'ann',
      );
    },
    ends: ['pass met old'],
  },
  {
    name: 'a cancellation in the queue',
    order: async (world, runId) => {
      await world.store.requestCancel(runId, { actor: 'ann', at: '2026-01-05T08:00:00Z' });
    },
    ends: ['rollback cancelled old'],
  },
  { name: 'a cancellation while it is measured', ...cancelAt('measuring') },
  {
    name: 'a cancellation while it is tuned',
    request: { tune },
    world: tunes,
    ...cancelAt('tuning'),
  },
  {
    name: 'a cancellation while it is confirmed',
    request: { tune },
    world: tunes,
    ...cancelAt('confirming'),
  },
  {
    name: 'an adopted configuration',
    request: { tune, promote: 'manual' },
    world: tunes,
    ends: ['pass met old'],
  },
  {
    name: 'a configuration that is not adopted',
    request: { tune, promote: 'manual' },
    world: (world) => {
      tunes(world);
      world.tuners.adopts = false;
    },
    ends: ['pass met old'],
  },
  {
    name: 'staging that does not come up',
    world: (world) => {
      world.platform.before = (call, subject) => {
        const { environment } = subject as { environment?: string };
        if (call === 'deploy' && environment === 'staging') {
          throw new PlatformError('node-not-ready', 'no');
        }
      };
    },
    ends: ['rollback platform-failed old'],
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

/** `phase → phase` and `stage → stage` of runs and promotions that nobody cut off. */
const seen = new Set<string>();

/** Notes what a process changes. */
function noting<T extends object>(target: T): T {
  return new Proxy(target, {
    get: (own, property) => {
      const value: unknown = Reflect.get(own, property, own);
      if (typeof value !== 'function') return value;
      if (property !== 'updateRun' && property !== 'updatePromotion') {
        return (...parameters: unknown[]): unknown => Reflect.apply(value, own, parameters);
      }
      return async (...parameters: Parameters<RunStore['updateRun']>): Promise<unknown> => {
        const [id, , update] = parameters;
        const store = own as unknown as RunStore;
        if (property === 'updateRun') {
          const before = (await store.run(id))?.phase;
          if (update.phase !== undefined) seen.add(`${before ?? ''} → ${update.phase}`);
        } else {
          const before = (await store.promotion(id))?.stage;
          const { stage } = update as { readonly stage?: string };
          if (stage !== undefined) seen.add(`${before ?? ''} → ${stage}`);
        }
        return Reflect.apply(value, own, parameters) as unknown;
      };
    },
  });
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
    world.reopen(noting(world.store));
    await finish(world);
    world.reopen(world.memory);
    expect(await endOf(world, runId)).toBe(scenario.ends[0]);
    await expectWorldInOrder(world);
  });

  it.each([false, true])(
    'is brought to its end wherever the service dies, the last call took effect: %s',
    async (afterwards) => {
      const whole = await asked(scenario);
      const counted = new Mortality(Infinity, false, changes);
      await finish(whole.world, counted);
      expect(counted.calls).toBeGreaterThan(2);
      const ends = new Map<string, number>();
      for (let dieAt = 1; dieAt <= counted.calls; dieAt += 1) {
        const { runId, world } = await asked(scenario);
        const dying = new FakeGate(world, new Mortality(dieAt, afterwards, changes));
        await world.clock.run(Promise.race([dying.untilIdle(), world.clock.sleep(PROMOTED_MS)]));
        await world.clock.run(world.clock.sleep(PROMOTED_MS));
        await finish(world);
        const end = await endOf(world, runId);
        expect(scenario.ends, `died at call ${String(dieAt)}`).toContain(end);
        await expectWorldInOrder(world);
        ends.set(end, (ends.get(end) ?? 0) + 1);
      }
      // A death changes the end only where production was about to be moved.
      expect(ends.get(scenario.ends[0] ?? '')).toBeGreaterThan(counted.calls / 3);
    },
    120_000,
  );
});

afterAll(() => {
  const phases = Object.entries(transitions).flatMap(([from, all]) =>
    (all as readonly RunPhase[]).map((to) => `${from} → ${to}`),
  );
  const stages = [
    'queued → deploying',
    'queued → ended',
    'deploying → warming',
    'deploying → returning',
    'warming → weighting',
    'warming → draining',
    'warming → returning',
    'weighting → holding',
    'weighting → returning',
    'holding → draining',
    'holding → returning',
    'returning → ended',
    'draining → ended',
  ];
  expect([...phases, ...stages].filter((transition) => !seen.has(transition))).toEqual([]);
});
