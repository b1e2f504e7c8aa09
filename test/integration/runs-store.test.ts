/** The life of a run on the real store: SQLite on disk, opened again after the gate service died. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  FakeGate,
  FakeWorld,
  NEW,
  OLD,
  tuned,
} from '../../gate-service/src/runs/test-support/harness.ts';
import { expectWorldInOrder } from '../../gate-service/src/runs/test-support/invariants.ts';
import { openStore } from '../../gate-service/src/store/store.ts';
import type { Store } from '../../gate-service/src/store/store.ts';

let directory: string;
let store: Store;
let world: FakeWorld;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'speed-gate-runs-'));
  store = await openStore({ file: join(directory, 'gate.sqlite') });
  world = new FakeWorld(store);
  await world.seed();
  world.tuners.proposals = [tuned];
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

describe('a run on the real store', () => {
  it('is promoted, with everything it rests on stored and shown', async () => {
    const gate = new FakeGate(world);
    const run = await gate.gate();
    expect(run).toMatchObject({
      decision: 'promote',
      cause: 'met',
      configuration: { adopted: true },
    });
    const view = await gate.runs.get(run.id);
    expect(view?.attempts).toHaveLength(3);
    expect(view?.codeEffect?.[0]).toMatchObject({ threshold: 'p50 <= baseline + 10%' });
    expect(view?.configurationEffect).toBeDefined();
    expect(view?.promotion?.steps.map(({ weight }) => weight)).toEqual([1, 5, 25, 50, 100]);
    const events = await gate.runs.events(run.id, 0);
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
    const { items } = await gate.runs.history('checkout', { limit: 10 });
    expect(items.map(({ build }) => build)).toEqual([NEW, OLD]);
    await expectWorldInOrder(world);
  });

  it('answers the same run for the same Idempotency-Key and refuses another request under it', async () => {
    const gate = new FakeGate(world);
    const request = { service: 'checkout', build: NEW, promote: 'never' } as const;
    const first = await gate.runs.submit(request, 'ci', 'job-17');
    const again = await gate.runs.submit({ ...request }, 'ci', 'job-17');
    expect(again).toMatchObject({ created: false, run: { id: first.run.id } });
    await expect(gate.runs.submit({ ...request, build: OLD }, 'ci', 'job-17')).rejects.toThrow(
      'already used',
    );
  });

  it('keeps what a person ordered: the next process carries it out, and the decision stays', async () => {
    world.judge.causes = ['breached'];
    const { id, summary } = await new FakeGate(world).gate();
    const order = { order: 'promote', reason: 'the customer needs it tonight' } as const;
    await new FakeGate(world, { replica: 'standby' }).runs.override(id, order, 'ann');
    await store.close();
    store = await openStore({ file: join(directory, 'gate.sqlite') });
    world.reopen(store);
    const gate = new FakeGate(world);
    await world.clock.run(gate.untilIdle());
    await world.clock.run(world.clock.sleep(300_000));
    expect((await store.serviceState('checkout')).inForce?.build).toBe(NEW);
    const filter = { decision: 'rollback', cause: 'breached', requestedBy: 'ci' } as const;
    const { items } = await gate.runs.list(filter, { limit: 5 });
    expect(items).toMatchObject([
      {
        id,
        summary,
        earlierRuns: 0,
        override: { actor: 'ann', state: 'acted', promotion: { state: 'completed' } },
      },
    ]);
    expect((await gate.runs.decisions('checkout', { limit: 5 })).items).toMatchObject([
      { run: id, decision: 'rollback', override: { order: 'promote', state: 'acted' } },
    ]);
    expect((await gate.runs.configuration('checkout')).inForce).toHaveProperty('values');
    expect(await gate.runs.trend('checkout', 5)).toMatchObject([{ runId: id, cause: 'breached' }]);
    await expectWorldInOrder(world);
  });

  it.each(['deploying', 'measuring', 'tuning', 'confirming', 'judging', 'promoting'])(
    'that was %s when the service died is brought to its end by the next one',
    async (phase) => {
      const dying = new FakeGate(world);
      const { run } = await dying.runs.submit(
        { service: 'checkout', build: NEW, promote: 'auto' },
        'ci',
      );
      const reached = new Promise<void>((resolve) => {
        dying.runs.subscribe(run.id, (event) => {
          if (event.type !== 'phase' || event.data.phase !== phase) return;
          dying.die();
          resolve();
        });
      });
      void dying.untilIdle();
      await world.clock.run(reached);
      await store.close();
      store = await openStore({ file: join(directory, 'gate.sqlite') });
      world.reopen(store);
      await world.clock.run(new FakeGate(world).untilIdle());
      const ended = await store.run(run.id);
      // Killed as it enters `promoting`, nothing was moved yet: the promotion is carried out.
      expect(ended?.decision).toBe('promote');
      await expectWorldInOrder(world);
    },
  );
});
