/** A lease while the clocks of its machine, or its store, do odd things. */
import { beforeEach, expect, it } from 'vitest';
import type { Clock } from './clock.ts';
import { DrivingLost } from './endings.ts';
import { HeldLease, LEASE_SECONDS } from './held-lease.ts';
import { FakeGate, FakeWorld } from './test-support/harness.ts';
import { World } from './world.ts';

let world: FakeWorld;
/** How far the wall clock is off. */
let offMs: number;
let clock: Clock;

beforeEach(() => {
  world = new FakeWorld();
  offMs = 0;
  clock = {
    now: () => world.clock.now() + offMs,
    steady: () => world.clock.now(),
    sleep: (milliseconds, signal) => world.clock.sleep(milliseconds, signal),
  };
});

const pass = (seconds: number) => world.clock.run(world.clock.sleep(seconds * 1000));
const held = async (): Promise<HeldLease> =>
  (await HeldLease.acquire(world.store, clock, 'driver', 'one'))!;

it('is kept when the wall clock is set back', async () => {
  const lease = await held();
  await pass(7);
  offMs = -3_600_000;
  await pass(LEASE_SECONDS * 4);
  expect(lease.lost.aborted).toBe(false);
  expect(await lease.confirm()).toMatchObject({ holder: 'one' });
  await lease.release();
});

it('is lost when the wall clock shows that the machine has slept', async () => {
  const lease = await held();
  offMs = 3_600_000;
  expect(() => {
    lease.requireTime();
  }).toThrow(DrivingLost);
  expect(lease.lost.aborted).toBe(true);
});

it('shuts the world again when storing an intent took longer than it lasts', async () => {
  await world.seed();
  const gate = new FakeGate(world, { replica: 'one' });
  await world.clock.run(gate.driver.start());
  const calls: string[] = [];
  world.platform.before = (call) => {
    if (call !== 'observe') calls.push(call);
  };
  const save = world.memory.saveIntent.bind(world.memory);
  const renew = world.memory.renewLease.bind(world.memory);
  world.memory.saveIntent = async (intent) => {
    world.memory.renewLease = () => Promise.reject(new Error('the store is slow'));
    await world.clock.sleep(LEASE_SECONDS * 1000);
    world.memory.renewLease = renew;
    return save(intent);
  };
  const fenced = new World(world.platform, world.store, world.clock, gate.driver);
  const [arm] = world.platform.arms.keys();
  const changed = fenced.restore(arm!, { service: 'checkout' }, new AbortController().signal);
  await expect(world.clock.run(changed)).rejects.toBeInstanceOf(DrivingLost);
  expect(calls).toEqual([]);
  // Whoever drives next gives it its outcome.
  expect(await world.store.intents({ open: true })).toHaveLength(1);
  await world.clock.run(gate.driver.stop());
});
