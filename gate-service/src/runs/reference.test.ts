/** Runs against an anchored reference release: they show drift, and lead nowhere near production. */
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeGate, FakeWorld, NEW, OLD, stock } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';

const RELEASE = 'c'.repeat(64);

let world: FakeWorld;
let gate: FakeGate;

beforeEach(async () => {
  world = new FakeWorld();
  await world.seed();
  await world.store.saveBuild({
    digest: RELEASE,
    location: '/builds/release.war',
    sizeBytes: 1,
    uploadedBy: 'ci',
    uploadedAt: '2026-01-05T08:00:00Z',
  });
  gate = new FakeGate(world);
});

const anchor = () =>
  gate.runs.setReference(
    'checkout',
    { build: RELEASE, reason: 'the release of the spring' },
    'ann',
  );
const submit = (request: object) =>
  gate.runs.submit({ service: 'checkout', build: NEW, against: 'reference', ...request }, 'ci');

describe('a run against the reference', () => {
  it('compares with it on the configuration in force, and says so', async () => {
    await anchor();
    const { run } = await submit({});
    await world.clock.run(gate.untilIdle());
    const view = await gate.runs.get(run.id);
    expect(view).toMatchObject({
      decision: 'pass',
      against: 'reference',
      baseline: { build: RELEASE, configurationHash: stock.hash },
    });
    expect(view?.summary).toContain('Compared with the reference build cccccccccccc');
    const [measurement] = await world.store.measurements(run.id);
    expect(measurement?.arms.map(({ build }) => build)).toEqual([RELEASE, NEW]);
    expect((await world.store.serviceState('checkout')).inForce?.build).toBe(OLD);
    await expectWorldInOrder(world);
  });

  it('makes nothing promotable: not by a person, not by an override, before its end or after', async () => {
    await anchor();
    const { run } = await submit({});
    const early = { order: 'promote', reason: 'it will pass, will it not' } as const;
    await expect(gate.runs.override(run.id, early, 'ann')).rejects.toMatchObject({
      code: 'not-judged',
    });
    await world.clock.run(gate.untilIdle());
    const order = { build: NEW, configuration: stock.hash, reason: 'it passed, did it not' };
    await expect(gate.runs.promote('checkout', order, 'ann')).rejects.toMatchObject({
      code: 'not-judged',
    });
    const override = { order: 'promote', reason: order.reason } as const;
    await expect(gate.runs.override(run.id, override, 'ann')).rejects.toMatchObject({
      code: 'not-judged',
    });
    await expectWorldInOrder(world);
  });

  it('does not undo what production’s own gate found about the same build', async () => {
    await anchor();
    world.judge.causes = ['breached'];
    await gate.gate({ promote: 'never' });
    await submit({});
    await world.clock.run(gate.untilIdle());
    const order = { build: NEW, configuration: stock.hash, reason: 'it passed, did it not' };
    await expect(gate.runs.promote('checkout', order, 'ann')).rejects.toMatchObject({
      code: 'judged-rollback',
    });
  });

  it.each(['auto', 'manual'] as const)('cannot be asked to promote: %s', async (promote) => {
    await anchor();
    await expect(submit({ promote })).rejects.toMatchObject({
      code: 'reference-promotes',
      field: '/promote',
    });
  });

  it('is refused while there is no reference, or the build of it is not there', async () => {
    await expect(submit({})).rejects.toMatchObject({ code: 'no-reference' });
    await expect(
      gate.runs.setReference(
        'checkout',
        { build: 'd'.repeat(64), reason: 'nobody uploaded it' },
        'ann',
      ),
    ).rejects.toMatchObject({ code: 'unknown-build' });
  });

  it('needs no production, and is judged by relative thresholds all the same', async () => {
    world = new FakeWorld();
    await world.addBuilds();
    Object.assign(world.service, { initialBuild: false });
    gate = new FakeGate(world);
    await gate.runs.setReference('checkout', { build: OLD, reason: 'the first release' }, 'ann');
    const { run } = await submit({});
    await world.clock.run(gate.untilIdle());
    expect(await world.store.run(run.id)).toMatchObject({ decision: 'pass' });
    const [judgement] = await world.store.judgements(run.id);
    expect(judgement?.options).toMatchObject({ baseline: true });
    await expectWorldInOrder(world);
  });

  it('is told apart in the service and in the audit', async () => {
    await anchor();
    expect((await gate.runs.service('checkout'))?.reference).toMatchObject({
      build: RELEASE,
      actor: 'ann',
    });
    const { items } = await world.store.audit({ subject: 'checkout' }, { limit: 5 });
    expect(items.map(({ action }) => action)).toContain('service.reference');
  });
});
