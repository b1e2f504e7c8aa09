/** Orders of people: what they may order, what comes of it, and what is never changed by it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { lapsedOrder } from './lapsed-orders.ts';
import type { OverrideRecord, PromotionRecord } from './records.ts';
import { FakeGate, FakeWorld, NEW, OLD, stock, tuned } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';

const reason = 'the customer needs it tonight';
const waiting = {
  id: 'promotion-late',
  service: 'checkout',
  build: NEW,
  configurationHash: stock.hash,
  origin: 'person',
  actor: 'ann',
  reason,
  state: 'running',
  stage: 'queued',
  steps: [],
} as const;
let world: FakeWorld;
let gate: FakeGate;

beforeEach(async () => {
  world = new FakeWorld();
  await world.seed();
  gate = new FakeGate(world);
});

const inForce = async (): Promise<string | undefined> =>
  (await world.store.serviceState('checkout')).inForce?.build;
const inHours = (hours: number): string =>
  new Date(world.clock.now() + hours * 3_600_000).toISOString();
const pass = (milliseconds: number) => world.clock.run(world.clock.sleep(milliseconds));
const settle = async (): Promise<void> => {
  await pass(300_000);
  await world.clock.run(gate.worker.attend());
  expect(gate.problems).toEqual([]);
};
const actions = async (subject: string): Promise<readonly string[]> =>
  (await world.store.audit({ subject }, { limit: 50 })).items.map(({ action }) => action);
const messages = async (runId: string): Promise<string> =>
  (await world.store.events(runId, 0, 1000)).map(({ message }) => message).join('\n');
const override = (id: string, order: 'promote' | 'rollback', more: object = {}, actor = 'ann') =>
  gate.runs.override(id, { order, reason, ...more }, actor);

describe('an override', () => {
  it.each([
    ['invalid', 'although the measurement was invalid'],
    ['breached', 'although thresholds were breached'],
    ['inconclusive', 'although nothing could be shown'],
  ] as const)('promotes what was judged %s, and says so', async (cause, words) => {
    world.judge.causes = [cause, cause];
    const { decision, id, summary } = await gate.gate();
    await override(id, 'promote');
    await settle();
    expect(await inForce()).toBe(NEW);
    const view = await gate.runs.get(id);
    expect(view).toMatchObject({ decision, cause, summary, override: { state: 'acted', cause } });
    expect(view?.override?.outcome).toContain(words);
    expect(view?.override?.promotion).toMatchObject({ state: 'completed' });
    expect(await messages(id)).toContain(`ann orders promote ${words}: ${reason}`);
    expect(await actions(id)).toEqual(expect.arrayContaining(['run.override', 'override.acted']));
    await expectWorldInOrder(world);
  });

  it('takes back what an override has brought, though the decision was a rollback', async () => {
    world.judge.causes = ['breached'];
    const { id } = await gate.gate();
    await override(id, 'promote');
    await settle();
    await override(id, 'rollback', {}, 'bob');
    await settle();
    expect(await inForce()).toBe(OLD);
    const view = await gate.runs.get(id);
    expect(view?.overrides.map(({ actor, state }) => `${actor} ${state}`)).toEqual([
      'ann acted',
      'bob acted',
    ]);
    await expectWorldInOrder(world);
  });

  it('stands beside a decision that leaves nothing to do', async () => {
    world.judge.causes = ['breached'];
    const { id } = await gate.gate();
    await override(id, 'rollback');
    await settle();
    expect((await gate.runs.get(id))?.override).toMatchObject({ state: 'stands' });
    expect(world.platform.routings).toHaveLength(1);
  });

  it('does not take back what production ran before the run', async () => {
    const { id } = await gate.gate({ build: OLD, promote: 'never' });
    await override(id, 'rollback');
    await settle();
    expect(await inForce()).toBe(OLD);
    expect((await gate.runs.get(id))?.override).toMatchObject({ state: 'stands' });
  });

  it('does not take back the same build that another run brought', async () => {
    const first = await gate.gate({ promote: 'never' });
    await gate.gate({ promote: 'auto' });
    expect(await inForce()).toBe(NEW);
    await override(first.id, 'rollback');
    await settle();
    expect((await gate.runs.get(first.id))?.override).toMatchObject({ state: 'stands' });
    expect(await inForce()).toBe(NEW);
  });

  it('takes back what a promotion without the name of a run has brought since', async () => {
    const { id } = await gate.gate({ promote: 'manual' });
    await gate.promotions.create({
      service: 'checkout',
      build: NEW,
      configurationHash: stock.hash,
      origin: 'person',
      actor: 'ann',
      reason,
    });
    await world.clock.run(gate.worker.attend());
    await settle();
    expect(await inForce()).toBe(NEW);
    await override(id, 'rollback');
    await settle();
    expect(await inForce()).toBe(OLD);
  });

  it.each(['a person', 'nodes that were gone'])(
    'takes back what its run led to by %s',
    async (by) => {
      const { id } = await gate.gate({ promote: by === 'a person' ? 'manual' : 'auto' });
      if (by === 'a person') {
        const order = { build: NEW, configuration: stock.hash, reason };
        await gate.runs.promote('checkout', order, 'bob');
        await settle();
      } else {
        world.platform.arms.clear();
        gate = new FakeGate(world);
        await world.clock.run(gate.untilIdle());
      }
      expect(await inForce()).toBe(NEW);
      await override(id, 'rollback');
      await settle();
      expect(await inForce()).toBe(OLD);
      await override(id, 'rollback', {}, 'bob');
      await settle();
      expect((await gate.runs.get(id))?.override).toMatchObject({ state: 'stands' });
    },
  );

  it('gives way to a later one of the same run, which alone acts', async () => {
    const { run } = await gate.runs.submit({ service: 'checkout', build: NEW }, 'ci');
    await override(run.id, 'promote');
    await override(run.id, 'rollback', {}, 'bob');
    await world.clock.run(gate.untilIdle());
    await settle();
    const view = await gate.runs.get(run.id);
    expect(view?.overrides).toMatchObject([
      { state: 'refused', outcome: 'a later order of bob (rollback) takes its place' },
      { state: 'stands' },
    ]);
    expect(await inForce()).toBe(OLD);
  });

  it('waits for the end of another promotion, and expires while it waits', async () => {
    world.judge.causes = ['breached', 'met'];
    const { id } = await gate.gate();
    const { build, configuration } = await gate.gate({ promote: 'manual' });
    const order = { build, configuration: configuration!.hash, reason };
    await gate.runs.promote('checkout', order, 'bob');
    await override(id, 'promote', { expiresAt: new Date(world.clock.now() + 5000).toISOString() });
    expect((await gate.runs.get(id))?.override).toMatchObject({ state: 'waiting' });
    await settle();
    expect((await gate.runs.get(id))?.override).toMatchObject({ state: 'expired' });
    expect((await actions(id))[0]).toBe('override.expired');
  });

  it('begins nothing that had to wait too long for its turn', async () => {
    // Stored by a process that died then; the next one drives two hours later.
    await world.store.createPromotion({ ...waiting, createdAt: inHours(-2) });
    await world.clock.run(gate.promotions.execute(waiting.id, gate.promotions.signal));
    expect(await world.store.promotion(waiting.id)).toMatchObject({
      state: 'failed',
      summary: expect.stringMatching(/expired .* before it could begin/) as string,
    });
    expect(await inForce()).toBe(OLD);
  });

  it('may begin for as long as it says itself, or for an hour', async () => {
    const record = (id: string, expiresAt: string): OverrideRecord => ({
      id,
      runId: 'run-1',
      order: 'promote',
      actor: 'ann',
      reason,
      at: inHours(-2),
      expiresAt,
      state: 'acted',
    });
    const lapsed = (overrides: readonly OverrideRecord[], more: Partial<PromotionRecord>) =>
      lapsedOrder(
        { clock: world.clock, store: { overrides: () => Promise.resolve(overrides) } },
        { ...waiting, version: 1, runId: 'run-1', createdAt: inHours(-2), ...more },
      );
    expect(await lapsed([record(waiting.id, inHours(1))], {})).toBeUndefined();
    expect(await lapsed([record(waiting.id, inHours(0))], {})).toContain('ann expired');
    expect(await lapsed([record('another', inHours(1))], {})).toContain('ann expired');
    expect(await lapsed([], { createdAt: inHours(-0.9) })).toBeUndefined();
    expect(await lapsed([], { origin: 'run' })).toBeUndefined();
  });

  it('starts one promotion, though the process died between storing it and saying so', async () => {
    world.judge.causes = ['breached'];
    const { id } = await gate.gate();
    const save = world.memory.saveOverride.bind(world.memory);
    world.memory.saveOverride = (record) =>
      record.state === 'acted' ? Promise.reject(new Error('the store is away')) : save(record);
    await override(id, 'promote');
    await pass(1000);
    world.memory.saveOverride = save;
    gate.problems.length = 0;
    await world.clock.run(gate.worker.attend());
    await settle();
    const { items } = await world.store.promotions({ service: 'checkout' }, { limit: 10 });
    expect(items.filter(({ runId }) => runId === id)).toHaveLength(1);
    expect((await actions(id)).filter((action) => action === 'override.acted')).toHaveLength(1);
    expect((await gate.runs.get(id))?.override).toMatchObject({ state: 'acted' });
    expect(await inForce()).toBe(NEW);
  });

  it.each([
    ['own-run', {}, 'ci'],
    ['own-run', {}, 'Ann@example.com'],
    ['reason-too-short', { reason: '         short        ' }, 'bob'],
    ['expires-too-late', { expiresAt: '2026-02-05T08:00:00Z' }, 'bob'],
    ['stale-decision', { seen: '1-0-none' }, 'bob'],
  ])('is refused and leaves no trace: %s %j', async (code, more, actor) => {
    const { id } = await gate.gate({ promote: 'never', startedBy: 'ann' });
    await expect(override(id, 'promote', more, actor)).rejects.toMatchObject({ code });
    expect(await world.store.overrides(id)).toEqual([]);
    expect(await actions(id)).not.toContain('run.override');
  });

  it('is taken from who has seen the decision and what was ordered since', async () => {
    const { id } = await gate.gate({ promote: 'never' });
    const { revision } = (await gate.runs.get(id))!;
    const view = await override(id, 'promote', { seen: revision });
    expect(view.revision).not.toBe(revision);
    await expect(override(id, 'rollback', { seen: revision }, 'bob')).rejects.toMatchObject({
      code: 'stale-decision',
    });
  });
});

describe('a promotion of a pass', () => {
  const order = { build: NEW, configuration: stock.hash, reason };

  it('takes four eyes of people where the catalogue says so; the button back does not', async () => {
    Object.assign(world.service, { fourEyes: true });
    await gate.gate({ promote: 'manual', startedBy: 'ann' });
    for (const actor of ['ci', 'ann']) {
      await expect(gate.runs.promote('checkout', order, actor)).rejects.toMatchObject({
        code: 'own-run',
      });
    }
    await expect(gate.runs.promote('checkout', order, 'another-pipeline')).rejects.toMatchObject({
      code: 'person-needed',
    });
    await gate.runs.promote('checkout', { ...order, byPerson: true }, 'bob');
    await settle();
    expect(await inForce()).toBe(NEW);
    const { items } = await world.store.runs({ service: 'checkout' }, { limit: 1 });
    expect(await messages(items[0]!.id)).toContain('bob orders the promotion of this build');
    const back = { build: OLD, configuration: stock.hash, reason: 'errors at night' };
    await gate.runs.promote('checkout', back, 'ann');
    await settle();
    expect(await inForce()).toBe(OLD);
  });

  it('does not get round the decision of its run', async () => {
    world.steps.find = () => 'breached';
    expect(await gate.gate()).toMatchObject({ cause: 'promotion-breached' });
    await expect(gate.runs.promote('checkout', order, 'ann')).rejects.toMatchObject({
      code: 'judged-rollback',
      message: expect.stringMatching(/rolled back all the same \(promotion-breached\)/) as string,
    });
    expect(world.platform.arms.size).toBeGreaterThan(0);
    expect(await inForce()).toBe(OLD);
  });

  it('is not taken while its run has no decision', async () => {
    const { run } = await gate.runs.submit(
      { service: 'checkout', build: NEW, promote: 'manual', tune: 'off' },
      'ci',
    );
    let answer: Promise<unknown> | undefined;
    gate.runs.subscribe(run.id, (event) => {
      if (event.data.phase !== 'judging') return;
      answer ??= gate.runs.promote('checkout', order, 'ann').catch((error: unknown) => error);
    });
    await world.clock.run(gate.untilIdle());
    expect(await answer).toMatchObject({ code: 'not-finished' });
    await gate.runs.promote('checkout', order, 'ann');
    await settle();
    expect(await inForce()).toBe(NEW);
  });

  it('counts for the production it was compared with, unless it has been in force', async () => {
    world.tuners.proposals = [tuned];
    const later = await gate.gate({ promote: 'manual', tune: { evaluations: 1, seconds: 60 } });
    expect(later.configuration?.hash).toBe(tuned.hash);
    await gate.gate({ promote: 'auto', tune: 'off' });
    const old = { build: NEW, configuration: tuned.hash, reason };
    await expect(gate.runs.promote('checkout', old, 'ann')).rejects.toMatchObject({
      code: 'superseded',
    });
    await override(later.id, 'promote');
    await settle();
    const { inForce: now } = await world.store.serviceState('checkout');
    expect(now).toMatchObject({ build: NEW, configurationHash: tuned.hash });
    const back = { build: OLD, configuration: stock.hash, reason };
    await expect(gate.runs.promote('checkout', back, 'ann')).rejects.toMatchObject({
      code: 'not-judged',
    });
    // It was in force, between the two.
    await gate.gate({ build: OLD, promote: 'auto', tune: 'off' });
    expect(await inForce()).toBe(OLD);
    await gate.runs.promote('checkout', { ...old, configuration: stock.hash }, 'bob');
    await settle();
    expect(await world.store.serviceState('checkout')).toMatchObject({
      inForce: { build: NEW, configurationHash: stock.hash },
    });
  });

  it('leads back to what was in force while a later run of it is under way', async () => {
    await gate.gate({ promote: 'auto' });
    const { store } = world;
    const { inForce: former, version } = await store.serviceState('checkout');
    const other = { ...former!, build: 'c'.repeat(64), promotionId: 'another' };
    await store.saveServiceState('checkout', version, { inForce: other, lastKnownGood: other });
    const { run } = await gate.runs.submit({ service: 'checkout', build: NEW }, 'ci');
    const judged = await store.judgedPair('checkout', {
      build: NEW,
      configurationHash: stock.hash,
    });
    await store.saveJudgedPair({ ...judged!, runId: run.id });
    Object.assign(world.service, { fourEyes: true });
    await expect(gate.runs.promote('checkout', order, 'ci')).rejects.toMatchObject({
      code: 'own-run',
    });
    const second = { ...order, byPerson: true };
    expect(await gate.runs.promote('checkout', second, 'ann')).toMatchObject({
      build: NEW,
      runId: run.id,
    });
  });

  it('waits for a second person where four eyes are wanted since the run was asked for', async () => {
    const { run } = await gate.runs.submit(
      { service: 'checkout', build: NEW, promote: 'auto', tune: 'off' },
      'ci',
    );
    Object.assign(world.service, { fourEyes: true });
    await world.clock.run(gate.untilIdle());
    expect(await gate.runs.get(run.id)).toMatchObject({
      decision: 'pass',
      summary: expect.stringContaining('left to a person') as string,
    });
    expect(await inForce()).toBe(OLD);
  });

  it('is looked at again when its turn has come', async () => {
    world.tuners.proposals = [tuned];
    const one = await gate.gate({ promote: 'manual', tune: { evaluations: 1, seconds: 60 } });
    await gate.gate({ promote: 'manual', tune: 'off' });
    // Both at once, as two replicas may take them: neither sees the other's.
    const more = { service: 'checkout', build: NEW, origin: 'person', actor: 'ann' } as const;
    const { items } = await world.store.runs({ service: 'checkout' }, { limit: 2 });
    const other = items.find(({ id }) => id !== one.id)!;
    for (const [runId, configurationHash] of [
      [other.id, stock.hash],
      [one.id, tuned.hash],
    ] as const) {
      await gate.promotions.create({ ...more, reason, runId, configurationHash });
    }
    await world.clock.run(gate.worker.attend());
    await settle();
    const { items: ended } = await world.store.promotions({ service: 'checkout' }, { limit: 2 });
    expect(ended.map(({ state }) => state).sort()).toEqual(['completed', 'failed']);
    expect(ended.find(({ state }) => state === 'failed')?.summary).toContain('has changed since');
    await expectWorldInOrder(world);
  });

  it('may be ordered by who asked for the run where the catalogue does not mind', async () => {
    await gate.gate({ promote: 'manual' });
    await gate.runs.promote('checkout', order, 'ci');
    await settle();
    expect(await inForce()).toBe(NEW);
  });
});
