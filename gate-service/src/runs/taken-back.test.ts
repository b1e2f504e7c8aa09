/** What tuning found and production did not keep, on fakes. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { PromotionRecord, RunRecord } from './records.ts';
import { FakeGate, FakeWorld, NEW, OLD, stock, tuned } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';
import { Mortality } from './test-support/mortality.ts';

let world: FakeWorld;
let gate: FakeGate;

async function tunedWorld(): Promise<FakeWorld> {
  const made = new FakeWorld();
  await made.seed();
  made.tuners.proposals = [tuned];
  return made;
}

beforeEach(async () => {
  world = await tunedWorld();
  gate = new FakeGate(world);
});

/** What later runs are told of the latest session. */
async function rememberedEnd(of = world): Promise<unknown> {
  const [latest] = await of.store.learntSessions({}, 1);
  return (latest!.session as { readonly end?: unknown }).end;
}

const takenBack = (summary?: string): string =>
  `confirmed on fresh data, but its promotion was taken back: ${summary}`;

describe('what a run promoted itself', () => {
  it('is refuted by a breach', async () => {
    world.steps.find = () => 'breached';
    const run = await gate.gate({ promote: 'auto' });
    expect(run).toMatchObject({ decision: 'rollback', cause: 'promotion-breached' });
    expect(await rememberedEnd()).toBe('refuted');
    expect((await gate.runs.get(run.id))?.tuning).toMatchObject({
      outcome: 'reverted',
      evaluations: [{ verdict: 'reverted' }],
    });
    await expectWorldInOrder(world);
  });

  it('stays confirmed when its promotion ends for another reason', async () => {
    world.lostScrape = () => true;
    const run = await gate.gate({ promote: 'auto' });
    expect(run).toMatchObject({ decision: 'rollback', cause: 'promotion-breached' });
    expect(await rememberedEnd()).toBe('confirmed');
  });
});

describe('what a person promoted later', () => {
  let run: RunRecord;

  beforeEach(async () => {
    run = await gate.gate({ promote: 'manual' });
    expect(run).toMatchObject({ decision: 'pass', configuration: { adopted: true } });
    expect(await rememberedEnd()).toBe('confirmed');
    world.steps.find = () => 'breached';
  });

  async function ended(id: string): Promise<PromotionRecord> {
    await world.clock.run(gate.promotions.execute(id, gate.promotions.signal));
    return (await world.store.promotion(id))!;
  }

  /** A person's promotion on behalf of the run, to its end. */
  async function promoted(change: Partial<PromotionRecord> = {}): Promise<PromotionRecord> {
    const { id } = await gate.promotions.create({
      service: 'checkout',
      build: NEW,
      configurationHash: run.configuration!.hash,
      origin: 'person',
      actor: 'ann',
      reason: 'looks good to me',
      runId: run.id,
      ...change,
    });
    return ended(id);
  }

  it('is refuted by a breach', async () => {
    const [before] = await world.store.learntSessions({}, 1);
    const order = { build: NEW, configuration: run.configuration!.hash, reason: 'looks good' };
    const { id } = await gate.runs.promote('checkout', order, 'ann');
    const { state, summary } = await ended(id);
    expect(state).toBe('returned');
    expect(await rememberedEnd()).toBe('refuted');
    const view = await gate.runs.get(run.id);
    expect(view?.tuning).toMatchObject({ outcome: 'reverted', summary: takenBack(summary) });
    // No newer knowledge than what runs have learnt since.
    expect((await world.store.learntSessions({}, 1))[0]).toMatchObject({ at: before!.at });
    await expectWorldInOrder(world);
  });

  it('is refuted also where production cannot be brought back at once', async () => {
    let restores = 0;
    world.platform.before = (call) => {
      if (call !== 'restore') return;
      restores += 1;
      throw new Error('the mesh is away');
    };
    const { state } = await promoted();
    expect(state).toBe('failed');
    expect(restores).toBeGreaterThan(0);
    expect(await rememberedEnd()).toBe('refuted');
  });

  it.each<[string, Partial<PromotionRecord>]>([
    ['on another configuration', { configurationHash: stock.hash }],
    ['with another build', { build: OLD }],
  ])('stays confirmed where it was promoted %s', async (_, change) => {
    expect(await promoted(change)).toMatchObject({ state: 'returned' });
    expect(await rememberedEnd()).toBe('confirmed');
  });

  it.each([
    ['its configuration already: the build was to blame', tuned.hash],
    ['come to a configuration that it was never compared with', 'later-hash'],
  ])('stays confirmed where production had %s', async (_, configurationHash) => {
    const { inForce, version } = await world.store.serviceState('checkout');
    await world.store.saveServiceState('checkout', version, {
      inForce: { ...inForce!, configurationHash },
    });
    const override = { order: 'promote', reason: 'the customer needs it tonight' } as const;
    await gate.runs.override(run.id, override, 'ann');
    await world.clock.run(world.clock.sleep(300_000));
    const { items } = await world.store.promotions({}, { limit: 1 });
    expect(items).toMatchObject([{ runId: run.id, state: 'returned' }]);
    expect(await rememberedEnd()).toBe('confirmed');
  });

  it('ends returned even where the store does not answer to what tuning learnt', async () => {
    const append = world.memory.appendEvent.bind(world.memory);
    world.memory.tuning = () => Promise.reject(new Error('no tuning today'));
    world.memory.appendEvent = (event) =>
      event.type === 'problem' ? Promise.reject(new Error('nor events')) : append(event);
    const { state, summary } = await promoted();
    expect(state).toBe('returned');
    expect(summary).not.toContain('could not be brought back');
  });
});

it.each([false, true])(
  'whoever dies at whichever call, the last one took effect: %s: a breach on record refutes',
  async (afterwards) => {
    const found = new Set<unknown>();
    let dieAt = 1;
    for (let died = true; died; dieAt += 1) {
      const own = await tunedWorld();
      const { id, configuration } = await new FakeGate(own).gate({ promote: 'manual' });
      own.steps.find = () => 'breached';
      const mortality = new Mortality(dieAt, afterwards);
      const dead = new FakeGate(own, mortality);
      const order = { build: NEW, configuration: configuration!.hash, reason: 'looks good' };
      const ordered = dead.runs.promote('checkout', order, 'ann');
      await own.clock.run(Promise.race([ordered, own.clock.sleep(200_000)]));
      await own.clock.run(own.clock.sleep(200_000));
      died = mortality.calls >= dieAt;
      own.steps.find = () => undefined;
      await own.clock.run(new FakeGate(own).untilIdle());
      await own.clock.run(own.clock.sleep(200_000));
      const { items } = await own.store.promotions({}, { limit: 10 });
      const breached = items.some(
        ({ runId, steps }) => runId === id && steps.some(({ outcome }) => outcome === 'breached'),
      );
      const end = await rememberedEnd(own);
      expect(end, `died at call ${dieAt}`).toBe(breached ? 'refuted' : 'confirmed');
      found.add(end);
    }
    expect(dieAt).toBeGreaterThan(20);
    expect([...found].sort()).toEqual(['confirmed', 'refuted']);
  },
  60_000,
);
