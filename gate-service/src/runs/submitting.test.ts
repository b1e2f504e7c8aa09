/** What is accepted into the queue, how often, and how it is told. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { RunRequest } from './run.ts';
import { IdempotencyConflictError } from './run-store.ts';
import { FakeGate, FakeWorld, NEW, OLD } from './test-support/harness.ts';
import { changes, Mortality } from './test-support/mortality.ts';

let world: FakeWorld;
let gate: FakeGate;

beforeEach(async () => {
  world = new FakeWorld();
  await world.seed();
  gate = new FakeGate(world);
});

const submit = (request: Partial<RunRequest> = {}, key?: string, options = {}) =>
  gate.runs.submit(
    { service: 'checkout', build: NEW, promote: 'never', ...request },
    'ci',
    key,
    options,
  );
const limit = (limits: object): void => {
  Object.assign(world.service, { limits: { ...world.service.limits, ...limits } });
};

describe('the queue', () => {
  it('says of each run what it waits for, in the order of their turn', async () => {
    const first = await submit();
    const second = await submit({ build: OLD });
    expect([first.ahead, second.ahead]).toEqual([0, 1]);
    expect(second.run.queue).toMatchObject({ ahead: 1, behind: first.run.id });
    const entries = await gate.runs.queue();
    expect(entries.map(({ id, queue }) => [id, queue?.ahead])).toEqual([
      [first.run.id, 0],
      [second.run.id, 1],
    ]);
    await world.clock.run(gate.untilIdle());
    expect(await gate.runs.queue()).toEqual([]);
    expect(await gate.runs.get(second.run.id)).not.toHaveProperty('queue');
  });

  it('names what is under way while it is', async () => {
    const first = await submit();
    let reason: string | undefined;
    world.sender.before = () => {
      void submit({ build: OLD }).then(({ run }) => {
        reason = run.queue?.reason;
      });
    };
    await world.clock.run(gate.worker.step());
    expect(first.created).toBe(true);
    expect(reason).toBe('waits for a run that is measuring: one is measured at a time');
  });

  it('holds so many runs of a service, and answers an accepted one again all the same', async () => {
    limit({ queued: 2 });
    const first = await submit({}, 'key-1');
    await submit({ build: OLD });
    await expect(submit({}, 'key-2')).rejects.toMatchObject({ code: 'queue-full' });
    expect(await submit({}, 'key-1')).toMatchObject({
      created: false,
      run: { id: first.run.id },
    });
    await gate.runs.cancel(first.run.id, 'ann');
    expect(await submit({}, 'key-2')).toMatchObject({ created: true });
  });

  it('takes the same request with another hook or label for the same, and another build for a conflict', async () => {
    const wake = (token: string) => ({ endpoint: 'ci', token });
    const first = await submit({ wake: wake('one'), label: '#7' }, 'key-1');
    const again = await submit({ wake: wake('two'), label: '#7 retried' }, 'key-1');
    expect(again).toMatchObject({ created: false, run: { id: first.run.id } });
    await expect(submit({ build: OLD }, 'key-1')).rejects.toThrow(IdempotencyConflictError);
  });

  it('takes no more than it holds, however many ask at once', async () => {
    limit({ queued: 3 });
    const asked = Array.from({ length: 20 }, () => submit());
    const answers = await Promise.allSettled(asked);
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(await world.store.queuedRuns()).toHaveLength(3);
  });

  it('holds one more where it takes the place of a queued one, as long as nobody drives', async () => {
    limit({ queued: 2 });
    Object.assign(world.service, { supersede: true });
    gate = new FakeGate(world, { replica: 'standby' });
    for (let n = 0; n < 3; n += 1) await submit();
    await expect(submit()).rejects.toMatchObject({ code: 'queue-full' });
  });

  it('has room where a newer run takes the place of a queued one', async () => {
    limit({ queued: 1 });
    Object.assign(world.service, { supersede: true });
    const { run } = await submit();
    const newer = await submit();
    await world.clock.run(gate.untilIdle());
    expect(await gate.runs.get(run.id)).toMatchObject({
      decision: 'rollback',
      cause: 'superseded',
      supersededBy: newer.run.id,
    });
    expect(await gate.runs.get(newer.run.id)).toMatchObject({ decision: 'pass' });
  });
});

describe('runs of the same build', () => {
  it('are counted in the view, the event, the audit and the summary', async () => {
    await gate.gate({ promote: 'never' });
    const { id } = await gate.gate({ promote: 'never' });
    const view = await gate.runs.get(id);
    expect(view?.earlierRuns).toBe(1);
    expect(view?.summary).toMatch(/ This was run 2 of this build\.$/);
    const [first] = await gate.runs.events(id, 0);
    expect(first?.message).toContain('this build was submitted once before');
    const last = (await gate.runs.events(id, 0)).findLast(({ type }) => type === 'decision');
    expect(last?.message).toContain(view!.summary!);
    const { items } = await world.store.audit({ subject: id }, { limit: 10 });
    expect(items.find(({ action }) => action === 'run.submit')?.data).toMatchObject({
      earlierRuns: 1,
    });
    expect((await gate.runs.decisions('checkout', { limit: 1 })).items).toMatchObject([
      { run: id, earlierRuns: 1 },
    ]);
  });

  it('are each counted, also when they are asked for at once', async () => {
    limit({ attemptsPerBuild: 2 });
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => submit()));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    const runs = await world.store.queuedRuns();
    expect(runs.map(({ settings }) => settings.earlierRuns)).toEqual([0, 1]);
  });

  it('are never without their entry in the audit and their first event', async () => {
    const counted = new Mortality(Infinity, false, changes);
    await new FakeGate(world, counted).runs.submit({ service: 'checkout', build: NEW }, 'ci');
    for (let dieAt = 1; dieAt <= counted.calls; dieAt += 1) {
      const dead = new FakeGate(world, new Mortality(dieAt, true, changes));
      void dead.runs.submit({ service: 'checkout', build: NEW }, 'ci');
      await world.clock.run(world.clock.sleep(1));
    }
    for (const { id } of await world.store.queuedRuns()) {
      expect((await world.store.audit({ subject: id }, { limit: 10 })).items).toHaveLength(1);
      expect(await world.store.events(id, 0, 10)).toHaveLength(1);
    }
  });

  it('end where the catalogue says, but for who may override', async () => {
    limit({ attemptsPerBuild: 2 });
    await submit();
    await submit();
    await expect(submit()).rejects.toMatchObject({ code: 'too-many-attempts', field: '/build' });
    expect(await submit({ build: OLD })).toMatchObject({ run: { earlierRuns: 0 } });
    expect(await submit({}, undefined, { mayRepeat: true })).toMatchObject({
      run: { earlierRuns: 2 },
    });
  });
});

describe('a request that asks for less than the catalogue', () => {
  const thresholds = ['p50 <= baseline + 25%'];
  const words = 'p50 <= baseline + 25% instead of p50 <= baseline + 10%';

  it('is refused without the right', async () => {
    await expect(submit({ thresholds })).rejects.toMatchObject({ code: 'loosened' });
    expect(await gate.runs.queue()).toEqual([]);
  });

  it('is accepted with it, and told wherever its answer is', async () => {
    const { run } = await submit({ thresholds }, undefined, { mayLoosen: true });
    await world.clock.run(gate.untilIdle());
    const view = await gate.runs.get(run.id);
    expect(view?.loosened).toEqual([words]);
    expect(view?.summary).toContain(`Loosened for this run: ${words}.`);
    const [first] = await gate.runs.events(run.id, 0);
    expect(first?.message).toBe(`queued; loosened for this run: ${words}`);
    const { items } = await world.store.audit({ subject: run.id }, { limit: 10 });
    expect(items[0]?.data).toMatchObject({ loosened: [words] });
    expect((await world.store.run(run.id))?.settings.thresholds).toEqual([
      'errors < 1%',
      thresholds[0],
    ]);
  });
});
