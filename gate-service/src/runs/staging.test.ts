import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, it } from 'vitest';
import { FakeGate, FakeWorld } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';

let world: FakeWorld;
let gate: FakeGate;

beforeEach(async () => {
  world = new FakeWorld();
  await world.seed();
  gate = new FakeGate(world);
});

it('is cleared of all arms side by side', async () => {
  const { platform } = world;
  const remove = platform.remove.bind(platform);
  let [under, most] = [0, 0];
  platform.remove = async (...arm) => {
    under += 1;
    most = Math.max(most, under);
    await setImmediate();
    await remove(...arm);
    under -= 1;
  };
  await gate.gate({ promote: 'never' });
  expect(most).toBe(2);
  await expectWorldInOrder(world);
});

it('is cleared of what can go when an arm cannot, and of that one later', async () => {
  const { platform } = world;
  const refused: string[] = [];
  platform.before = (call, subject) => {
    const [stuck = String(subject)] = refused;
    if (call !== 'remove' || subject !== stuck || refused.length === 2) return;
    refused.push(stuck);
    throw new Error('a pod stays');
  };
  const removed: string[] = [];
  const remove = platform.remove.bind(platform);
  platform.remove = async (id, signal) => {
    await remove(id, signal);
    removed.push(id);
  };
  const run = await gate.gate({ promote: 'never' });
  expect(run.cause).toBe('met');
  expect(refused).toHaveLength(2);
  expect(removed).toHaveLength(2);
  expect(removed.indexOf(refused[0]!)).toBe(1);
  await expectWorldInOrder(world);
});
