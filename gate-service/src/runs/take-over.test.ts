/** A platform that keeps nodes for production for good: what is promoted moves there, and stays in force whatever comes. */
import { beforeEach, expect, it } from 'vitest';
import { PlatformError } from '../platforms/platform.ts';
import { FakeGate, FakeWorld, NEW } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';

let world: FakeWorld;
let gate: FakeGate;

beforeEach(async () => {
  world = new FakeWorld();
  await world.seed();
  world.platform.primary = { armId: 'of-the-team' };
  gate = new FakeGate(world);
});

const promotion = async () => (await world.store.promotions({}, { limit: 1 })).items[0];
const inForce = async () => (await world.store.serviceState('checkout')).inForce;

it('moves what was promoted onto them when it carries everything, before the old nodes go', async () => {
  const calls: string[] = [];
  world.platform.before = (call) => {
    if (call === 'takeOver' || call === 'remove') calls.push(call);
  };
  expect(await gate.gate()).toMatchObject({ decision: 'promote' });
  expect(await inForce()).toMatchObject({ build: NEW, armId: world.platform.primary?.armId });
  const last = calls.lastIndexOf('takeOver');
  expect(calls.slice(last)).toContain('remove');
  expect((await promotion())?.state).toBe('completed');
  await expectWorldInOrder(world);
});

it('stays in force beside them when they cannot take it, says why, and tries again the next time', async () => {
  let refused = true;
  world.platform.before = (call) => {
    if (call === 'takeOver' && refused) {
      throw new PlatformError('refused', 'somebody has changed the pod template');
    }
  };
  expect(await gate.gate()).toMatchObject({ decision: 'promote' });
  expect((await inForce())?.build).toBe(NEW);
  expect(world.platform.primary).toEqual({ armId: 'of-the-team' });
  expect(JSON.stringify(await promotion())).toContain('somebody has changed the pod template');
  await expectWorldInOrder(world);
  refused = false;
  await gate.gate();
  expect(world.platform.primary?.armId).toBe((await inForce())?.armId);
});
