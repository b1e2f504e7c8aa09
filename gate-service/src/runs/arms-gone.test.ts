/** Arms that are compared and not there any more. */
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

/** Does something before a window's requests are sent. */
function beforeWindow(work: () => void): void {
  const { windowSamples } = world.sender;
  world.sender.windowSamples = (...window) => {
    work();
    return windowSamples(...window);
  };
}

it('end the run in the words of the platform when they are taken away', async () => {
  const { arms } = world.platform;
  beforeWindow(() => {
    for (const [id, { arm }] of arms) if (arm.environment === 'staging') arms.delete(id);
  });
  const run = await gate.gate();
  expect(run).toMatchObject({ decision: 'rollback', cause: 'platform-failed' });
  expect(run.summary).toMatch(/^no arm baseline-/);
  // Nothing is measured once more, nor to the end.
  expect(world.sender.plans).toHaveLength(1);
  await expectWorldInOrder(world);
});

it('end the run alike when the sender is taken away with them', async () => {
  const { arms } = world.platform;
  beforeWindow(() => {
    for (const [id, { arm }] of arms) if (arm.environment === 'staging') arms.delete(id);
    throw new Error('the pod of the sender is gone');
  });
  const run = await gate.gate();
  expect(run).toMatchObject({ decision: 'rollback', cause: 'platform-failed' });
  expect(run.summary).toMatch(/^no arm baseline-/);
  expect(world.sender.plans).toHaveLength(1);
  await expectWorldInOrder(world);
});

it('make the attempt invalid when they are there again: too little of it was measured', async () => {
  const { platform } = world;
  let state: 'there' | 'gone' | 'there again' = 'there';
  beforeWindow(() => {
    if (state === 'there') state = 'gone';
  });
  // The gate asks whether they are still gone by routing to them.
  platform.before = (call) => {
    if (call === 'routeMeasurement' && state === 'gone') state = 'there again';
  };
  const observe = platform.observe.bind(platform);
  platform.observe = async (...place) => {
    const seen = await observe(...place);
    return state === 'gone' ? seen.map((one) => ({ ...one, nodes: [] })) : seen;
  };
  const run = await gate.gate();
  const [first, second] = await world.store.attempts(run.id);
  expect(first?.sentence).toContain('had no node for a while');
  expect(second?.measurementId).toBeDefined();
  expect(run.cause).toBe('met');
  await expectWorldInOrder(world);
});
