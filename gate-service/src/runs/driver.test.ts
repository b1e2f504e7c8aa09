/** Two replicas on one store and one platform: one drives, the other takes over. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Platform } from '../platforms/platform.ts';
import { Driver } from './driver.ts';
import { DRIVER_LEASE } from './driving.ts';
import { DrivingLost } from './endings.ts';
import { LEASE_SECONDS } from './held-lease.ts';
import type { RunRecord, RunStore } from './run-store.ts';
import { FakeGate, FakeWorld, NEW } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';
import { World } from './world.ts';

let world: FakeWorld;

beforeEach(async () => {
  world = new FakeWorld();
  await world.seed();
});

function pass(seconds: number): Promise<unknown> {
  return world.clock.run(world.clock.sleep(seconds * 1000));
}

/** Lets time pass until the run has its decision. */
async function finished(runId: string): Promise<RunRecord> {
  for (let second = 0; second < 600; second += 1) {
    const run = await world.store.run(runId);
    if (run?.phase === 'finished') return run;
    await pass(1);
  }
  throw new Error('the run does not end');
}

async function submit(gate: FakeGate): Promise<string> {
  const { run } = await gate.runs.submit(
    { service: 'checkout', build: NEW, promote: 'auto', tune: 'off' },
    'ci',
  );
  return run.id;
}

/** Who held the lease for each intent, in order, each once in a row. */
async function drivers(runId: string): Promise<string[]> {
  const intents = await world.store.intents({ runId });
  const holders = intents.map(({ data }) => (data.driver as { holder: string }).holder);
  return holders.filter((holder, index) => holder !== holders[index - 1]);
}

async function begun(name: string): Promise<{ gate: FakeGate; role: string }> {
  const gate = new FakeGate(world, { replica: name });
  return { gate, role: await world.clock.run(gate.driver.start()) };
}

describe('two replicas', () => {
  it('agree on who drives; what the standby stores is carried out', async () => {
    const one = await begun('one');
    const two = await begun('two');
    expect([one.role, two.role]).toEqual(['driving', 'standby']);
    expect(one.gate.driver.driving).toEqual({ here: true, holder: 'one' });
    expect(two.gate.driver.driving).toEqual({ here: false, holder: 'one' });
    const runId = await submit(two.gate);
    expect(await finished(runId)).toMatchObject({ decision: 'promote' });
    expect(await drivers(runId)).toEqual(['one']);
    await world.clock.run(two.gate.driver.stop());
    await world.clock.run(one.gate.driver.stop());
    await expectWorldInOrder(world);
  });

  it('change places at once when the driver is stopped in order', async () => {
    const one = await begun('one');
    const two = await begun('two');
    const runId = await submit(two.gate);
    await pass(5);
    const from = world.clock.now();
    await world.clock.run(one.gate.driver.stop());
    while (!two.gate.driver.driving.here) await pass(1);
    expect(world.clock.now() - from).toBeLessThan((LEASE_SECONDS * 1000) / 2);
    expect(await finished(runId)).toMatchObject({ decision: 'promote' });
    expect(await drivers(runId)).toEqual(['one', 'two']);
    await world.clock.run(two.gate.driver.stop());
    await expectWorldInOrder(world);
  });

  it.each(['measuring', 'promoting'] as const)(
    'change places when the driver dies while %s',
    async (phase) => {
      const one = await begun('one');
      const two = await begun('two');
      const runId = await submit(two.gate);
      while ((await world.store.run(runId))?.phase !== phase) await pass(1);
      await pass(3);
      one.gate.die();
      const run = await finished(runId);
      expect(await drivers(runId)).toEqual(['one', 'two']);
      expect(`${run.decision ?? ''} ${run.cause ?? ''}`).toBe(
        phase === 'measuring' ? 'promote met' : 'rollback platform-failed',
      );
      await world.clock.run(two.gate.driver.stop());
      await expectWorldInOrder(world);
    },
  );

  it('a cancellation on the standby reaches the driver', async () => {
    const one = await begun('one');
    const two = await begun('two');
    const runId = await submit(two.gate);
    await pass(4);
    await two.gate.runs.cancel(runId, 'ann');
    expect(await finished(runId)).toMatchObject({ cause: 'cancelled' });
    await world.clock.run(two.gate.driver.stop());
    await world.clock.run(one.gate.driver.stop());
    await expectWorldInOrder(world);
  });
});

describe('a driver that cannot reach the store', () => {
  /** Calls of the first replica, and whether its store answers. */
  class Line {
    away = false;
    readonly platformCalls: number[] = [];
    readonly wrap = <T extends object>(target: T): T =>
      new Proxy(target, {
        get: (own, property) => {
          const value: unknown = Reflect.get(own, property, own);
          if (typeof value !== 'function') return value;
          return (...parameters: unknown[]): unknown => {
            if ((own as unknown) === world.store && this.away) {
              return Promise.reject(new Error('the database does not answer'));
            }
            if ((own as Partial<Platform>).kind !== undefined && property !== 'entryPoint') {
              this.platformCalls.push(world.clock.now());
            }
            return Reflect.apply(value, own, parameters);
          };
        },
      });
  }

  it('lets go before another one may begin, and stands by when it is back', async () => {
    const line = new Line();
    const one = new FakeGate(world, { replica: 'one', wrap: line.wrap });
    await world.clock.run(one.driver.start());
    const two = await begun('two');
    const runId = await submit(two.gate);
    while ((await world.store.run(runId))?.phase !== 'measuring') await pass(1);
    line.away = true;
    while (!two.gate.driver.driving.here) await pass(1);
    const began = world.clock.now();
    await pass(2);
    line.away = false;
    expect(await finished(runId)).toMatchObject({ decision: 'promote' });
    expect(line.platformCalls.filter((at) => at >= began - 1000)).toEqual([]);
    expect(one.driver.driving).toEqual({ here: false, holder: 'two' });
    expect(await drivers(runId)).toEqual(['one', 'two']);
    expect(await world.store.attempts(runId)).toHaveLength(2);
    await world.clock.run(one.driver.stop());
    await world.clock.run(two.gate.driver.stop());
    await expectWorldInOrder(world);
  });
});

describe('the fence', () => {
  it('refuses changes as soon as somebody else has the lease, whatever this process believes', async () => {
    const { gate } = await begun('one');
    const [held] = await world.store.leases();
    await world.store.releaseLease(held!);
    const stolen = await world.store.acquireLease(DRIVER_LEASE, 'two', LEASE_SECONDS);
    expect(stolen?.token).toBeGreaterThan(held!.token);
    await expect(gate.driver.confirm()).rejects.toBeInstanceOf(DrivingLost);
    await world.clock.run(gate.driver.stop());
    expect(await world.store.leases()).toMatchObject([{ holder: 'two' }]);
  });

  it('keeps the world as it is, and stores no intent, when it is shut', async () => {
    const { gate } = await begun('one');
    const fenced = new World(world.platform, world.store, world.clock, gate.driver);
    const [arm] = world.platform.arms.keys();
    const owner = { service: 'checkout' };
    const { signal } = new AbortController();
    await fenced.restore(arm!, owner, signal);
    const stored = (await world.store.intents({})).length;
    const [held] = await world.store.leases();
    await world.store.releaseLease(held!);
    const calls: string[] = [];
    world.platform.before = (call) => {
      if (call !== 'observe') calls.push(call);
    };
    await expect(fenced.restore(arm!, owner, signal)).rejects.toBeInstanceOf(DrivingLost);
    expect(calls).toEqual([]);
    expect(await world.store.intents({})).toHaveLength(stored);
    await world.clock.run(gate.driver.stop());
  });

  it('is shut where nobody drives yet', async () => {
    await expect(new FakeGate(world, { replica: 'one' }).driver.confirm()).rejects.toThrow(
      'does not drive',
    );
  });
});

describe('the lease of a process that is gone', () => {
  function driver(holder: string, store: RunStore, gone: string[]): Driver {
    return new Driver({
      store,
      clock: world.clock,
      holder,
      isGone: (name) => gone.includes(name),
      begin: () => Promise.resolve(),
      drive: (signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            resolve();
          });
        }),
      end: () => Promise.resolve(),
    });
  }

  it('is not waited for', async () => {
    await world.store.acquireLease(DRIVER_LEASE, 'dead', LEASE_SECONDS);
    const next = driver('next', world.store, ['dead']);
    expect(await world.clock.run(next.start())).toBe('driving');
    await world.clock.run(next.stop());
  });

  it('is waited for when nobody knows', async () => {
    await world.store.acquireLease(DRIVER_LEASE, 'elsewhere', LEASE_SECONDS);
    const next = driver('next', world.store, []);
    expect(await world.clock.run(next.start())).toBe('standby');
    const from = world.clock.now();
    while (!next.driving.here) await pass(1);
    expect(world.clock.now() - from).toBeGreaterThanOrEqual(LEASE_SECONDS * 1000 - 1000);
    await world.clock.run(next.stop());
  });
});

it('says at once that the platform cannot be started, and gives the lease back', async () => {
  const failing = new Driver({
    store: world.store,
    clock: world.clock,
    holder: 'one',
    isGone: () => false,
    begin: () => Promise.reject(new Error('port 8080 is taken')),
    drive: () => Promise.resolve(),
    end: () => Promise.resolve(),
  });
  await expect(world.clock.run(failing.start())).rejects.toThrow('port 8080 is taken');
  expect(await world.store.leases()).toEqual([]);
});
