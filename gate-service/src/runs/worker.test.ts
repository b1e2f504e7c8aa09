/** The worker when something fails beside the run that it drives. */
import { expect, it } from 'vitest';
import { FakeGate, FakeWorld, NEW } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';

const request = { service: 'checkout', build: NEW, tune: 'off' } as const;

it('goes on attending to orders after the store was away for a moment', async () => {
  const world = new FakeWorld();
  await world.seed();
  const gate = new FakeGate(world, { replica: 'one' });
  await world.clock.run(gate.driver.start());
  const { run } = await gate.runs.submit({ ...request, promote: 'never' }, 'ci');
  while ((await world.store.run(run.id))?.phase !== 'measuring') {
    await world.clock.run(world.clock.sleep(1_000));
  }
  const waiting = world.memory.waitingOverrides.bind(world.memory);
  world.memory.waitingOverrides = () => {
    world.memory.waitingOverrides = waiting;
    return Promise.reject(new Error('the store is away'));
  };
  await world.clock.run(world.clock.sleep(1_500));
  expect(gate.problems.map(({ message }) => message)).toEqual(['the store is away']);
  await gate.runs.cancel(run.id, 'ann');
  while ((await world.store.run(run.id))?.phase !== 'finished') {
    await world.clock.run(world.clock.sleep(1_000));
  }
  expect(await world.store.run(run.id)).toMatchObject({ cause: 'cancelled' });
  await world.clock.run(gate.driver.stop());
  await expectWorldInOrder(world);
});

it.each(['manual', 'never'] as const)(
  'ends a run that is cancelled while it is judged as cancelled, promote: %s',
  async (promote) => {
    const world = new FakeWorld();
    await world.seed();
    const gate = new FakeGate(world);
    const { run } = await gate.runs.submit({ ...request, promote }, 'ci');
    gate.runs.subscribe(run.id, (event) => {
      if (event.type === 'phase' && event.data.phase === 'judging') {
        void gate.runs.cancel(run.id, 'ann');
      }
    });
    await world.clock.run(gate.untilIdle());
    expect(await world.store.run(run.id)).toMatchObject({
      decision: 'rollback',
      cause: 'cancelled',
    });
    await expectWorldInOrder(world);
  },
);
