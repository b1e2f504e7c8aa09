/** The complaints about other release gates that concern runs, people and the API; see judge/complaints.test.ts. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bearer, openApiFixture, type ApiFixture } from '../../../test/support/api-fixture.ts';
import { PlatformError } from '../platforms/platform.ts';
import { runJudge } from '../runs/adapters/run-judge.ts';
import { FakeGate, FakeWorld, NEW, OLD, stock } from '../runs/test-support/harness.ts';
import { expectWorldInOrder } from '../runs/test-support/invariants.ts';
import { catalogueSchema } from '../settings/catalogue.ts';

// Many cases, or processes of their own: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000 });

let world: FakeWorld;
let gate: FakeGate;
beforeEach(async () => {
  world = new FakeWorld();
  await world.seed();
  gate = new FakeGate(world);
});

const inForce = async (): Promise<string | undefined> =>
  (await world.store.serviceState('checkout')).inForce?.build;
const order = { build: NEW, configuration: stock.hash, reason: 'it must be out tonight' };
const override = (to: 'promote' | 'rollback', hours = 1) => ({
  order: to,
  reason: order.reason,
  expiresAt: new Date(world.clock.now() + hours * 3_600_000).toISOString(),
});

describe('1. all measurements failed, the run was successful (argo-rollouts#4479)', () => {
  it('ends in rollback when the sender dies each time', async () => {
    world.sender.before = () => {
      throw new Error('the sender died');
    };
    expect(await gate.gate()).toMatchObject({ decision: 'rollback', cause: 'invalid' });
    expect(await inForce()).toBe(OLD);
  });

  it('ends in rollback when no sample file can be read', async () => {
    world.sender.after = () => {
      world.sender.files.set = () => world.sender.files;
    };
    expect(await gate.gate()).toMatchObject({ decision: 'rollback' });
    expect(await inForce()).toBe(OLD);
  });
});

describe('3. inconclusive is ignored, rerun until promoted (argo-rollouts#3850)', () => {
  it('is a rollback after one measurement, and no way to promote without an override', async () => {
    world.judge.causes = ['inconclusive', 'met'];
    const run = await gate.gate({ promote: 'auto' });
    expect(run).toMatchObject({ decision: 'rollback', cause: 'inconclusive' });
    expect(await world.store.attempts(run.id)).toHaveLength(1);
    await expect(gate.runs.promote('checkout', order, 'ann')).rejects.toMatchObject({
      code: 'judged-rollback',
    });
    expect(await inForce()).toBe(OLD);
  });

  it('keeps every run of a build in sight: a later one does not replace it', async () => {
    world.judge.causes = ['inconclusive', 'inconclusive', 'met'];
    for (let push = 0; push < 3; push += 1) await gate.gate({ promote: 'never' });
    const { items } = await world.store.runs({ service: 'checkout', build: NEW }, { limit: 10 });
    expect(items.map(({ cause }) => cause)).toEqual(['met', 'inconclusive', 'inconclusive']);
  });
});

describe('4. stuck after an override (argo-rollouts#3015)', () => {
  it('goes on with the next run after an override that promoted', async () => {
    world.judge.causes = ['breached', 'met'];
    const { id } = await gate.gate();
    await gate.runs.override(id, override('promote'), 'ann');
    await world.clock.run(world.clock.sleep(300_000));
    expect(await inForce()).toBe(NEW);
    const next = await gate.gate({ build: OLD });
    expect(next).toMatchObject({ phase: 'finished', decision: 'promote' });
    expect(await inForce()).toBe(OLD);
    await expectWorldInOrder(world);
  });

  it('goes on after one that took a build back, and after one while the run was under way', async () => {
    const { id } = await gate.gate();
    await gate.runs.override(id, override('rollback'), 'ann');
    await world.clock.run(world.clock.sleep(300_000));
    expect(await inForce()).toBe(OLD);
    const { run } = await gate.runs.submit(
      { service: 'checkout', build: NEW, promote: 'never' },
      'ci',
    );
    await gate.runs.override(run.id, override('promote'), 'ann');
    expect(await world.clock.run(gate.untilIdle())).not.toBe('stalled');
    await world.clock.run(world.clock.sleep(300_000));
    expect(await world.store.run(run.id)).toMatchObject({ phase: 'finished', decision: 'pass' });
    expect(await inForce()).toBe(NEW);
    expect(await gate.gate({ build: OLD, promote: 'never' })).toMatchObject({ decision: 'pass' });
    await expectWorldInOrder(world);
  });
});

describe('9. waiting for promotion never times out (flagger#1450), approval needs curl (flagger#1344)', () => {
  it('waits for nobody: a pass that a person may promote is a finished run', async () => {
    const run = await gate.gate({ promote: 'manual' });
    expect(run).toMatchObject({ phase: 'finished', decision: 'pass' });
    expect(await gate.gate({ promote: 'manual' })).toMatchObject({ phase: 'finished' });
    expect(await inForce()).toBe(OLD);
  });

  it('lets an override expire', async () => {
    world.judge.causes = ['breached'];
    const { run } = await gate.runs.submit({ service: 'checkout', build: NEW }, 'ci');
    await gate.runs.override(run.id, override('promote', 0.0001), 'ann');
    await world.clock.run(gate.untilIdle());
    await world.clock.run(world.clock.sleep(300_000));
    expect(await inForce()).toBe(OLD);
  });
});

describe('9. a dashboard without authentication (argo-rollouts#1323)', () => {
  let api: ApiFixture;
  beforeEach(async () => {
    api = await openApiFixture();
  });
  afterEach(async () => {
    await api.close();
  });

  it.each([
    ['GET', '/v1/runs'],
    ['GET', '/v1/services'],
    ['GET', '/v1/audit'],
    ['GET', '/metrics'],
    ['POST', '/v1/services/checkout/promotions'],
    ['POST', '/v1/runs/run-1/override'],
  ] as const)('%s %s needs a token', async (method, url) => {
    const answer = await api.app.inject({ method, url });
    expect(answer.statusCode).toBe(401);
    expect(api.runs.calls).toEqual([]);
  });

  it('shows no data in the page itself, and promotes for nobody who may only read', async () => {
    const page = await api.app.inject({ url: '/' });
    expect(page.body).not.toContain('checkout');
    const answer = await api.app.inject({
      method: 'POST',
      url: '/v1/services/checkout/promotions',
      headers: bearer('read'),
      payload: { build: NEW, configuration: 'c'.repeat(64), reason: 'because' },
    });
    expect(answer.statusCode).toBe(403);
    expect(api.runs.calls).toEqual([]);
  });
});

describe('11. flaky infrastructure poisons baselines (keptn#2449)', () => {
  it('compares the next run with what production runs, not with what failed', async () => {
    let broken = true;
    world.platform.before = (call, subject) => {
      if (broken && call === 'deploy' && (subject as { role: string }).role === 'candidate') {
        throw new PlatformError('node-not-ready', 'no memory');
      }
    };
    expect(await gate.gate()).toMatchObject({ decision: 'rollback', cause: 'platform-failed' });
    broken = false;
    world.judge.causes = ['invalid', 'invalid'];
    expect(await gate.gate()).toMatchObject({ decision: 'rollback', cause: 'invalid' });
    const run = await gate.gate({ promote: 'never' });
    expect(run).toMatchObject({
      decision: 'pass',
      baseline: { build: OLD, configurationHash: stock.hash },
    });
    await expectWorldInOrder(world);
  });
});

describe('12. checks that never ran pass (k6#4283)', () => {
  it('knows no service without a threshold', () => {
    const service = {
      name: 'shop',
      hosts: ['shop.localhost'],
      workload: { rate: 10, requests: [{ name: 'cart', path: '/' }] },
    };
    const checked = (thresholds?: readonly string[]) =>
      catalogueSchema.safeParse({ services: [{ ...service, thresholds }] }).success;
    expect(checked(['errors < 1%'])).toBe(true);
    expect(checked([])).toBe(false);
    expect(checked()).toBe(false);
  });

  it('takes no threshold on a kind that its workload does not send', async () => {
    const own = new FakeGate(world, { judge: runJudge });
    await expect(
      own.runs.submit(
        { service: 'checkout', build: NEW, thresholds: ['p50{kind=nobody} <= baseline + 5%'] },
        'ci',
      ),
    ).rejects.toThrow('nobody');
  });
});
