/** Tuning in a run on fakes: what becomes of challengers that cannot be measured, and of what was adopted. */
import { beforeEach, describe, expect, it } from 'vitest';
import { PlatformError } from '../platforms/platform.ts';
import type { Sample } from '../load/sample.ts';
import { FakeGate, FakeWorld, NEW, stock, tuned } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';

let world: FakeWorld;
let gate: FakeGate;
const tune = { evaluations: 3, seconds: 600 };

beforeEach(async () => {
  world = new FakeWorld();
  await world.seed();
  gate = new FakeGate(world);
  world.tuners.proposals = [tuned];
});

const isTuning = (plan: { readonly arms: readonly { readonly name: string }[] }): boolean =>
  plan.arms.some(({ name }) => name === 'challenger');

/** What later runs are told of the latest session: whether its configuration counts as adopted. */
async function rememberedEnd(): Promise<unknown> {
  const [latest] = await world.store.learntSessions({}, 1);
  return (latest!.session as { readonly end?: unknown }).end;
}

describe('what was adopted', () => {
  it.each([
    ['met', 'confirmed'],
    ['breached', 'refuted'],
    ['inconclusive', 'refuted'],
    ['invalid', 'unconfirmed'],
  ] as const)('is remembered by its confirmation: %s', async (cause, end) => {
    world.judge.causes = ['met', cause, cause];
    await gate.gate({ promote: 'never' });
    expect(await rememberedEnd()).toBe(end);
  });

  it('is remembered as unsafe when the confirmation broke a limit', async () => {
    const judge = world.judge.judge.bind(world.judge);
    world.judge.judge = (...own) => {
      const judgement = judge(...own);
      const outcomes = judgement.outcomes.map((one) => ({ ...one, threshold: 'p95 < 200ms' }));
      return { ...judgement, outcomes };
    };
    world.judge.causes = ['met', 'breached'];
    await gate.gate({ promote: 'never' });
    expect(await rememberedEnd()).toBe('unsafe');
  });

  it('fails no run that had met when its nodes die in the confirmation, and is unsafe then', async () => {
    world.sender.before = ({ arms }) => {
      const adopted = [...world.platform.arms.values()].find(
        ({ arm }) => arm.role === 'challenger',
      );
      if (arms[0].name !== 'baseline' || adopted === undefined) return;
      world.platform.lost.add(adopted.arm.nodes[0]!.name);
      throw new Error('nothing answers');
    };
    const run = await gate.gate({ promote: 'auto' });
    expect(run).toMatchObject({
      decision: 'promote',
      configuration: { hash: stock.hash, adopted: false },
    });
    expect(await rememberedEnd()).toBe('unsafe');
    await expectWorldInOrder(world);
  });

  it('is not remembered as adopted while nobody has confirmed it', async () => {
    gate.runs.subscribe(
      (await gate.runs.submit({ service: 'checkout', build: NEW, promote: 'never' }, 'ci')).run.id,
      ({ data, type }) => {
        if (type === 'phase' && data.phase === 'confirming') gate.die();
      },
    );
    expect(await world.clock.run(gate.untilIdle())).toBe('stalled');
    expect(await rememberedEnd()).toBeUndefined();
  });
});

describe('a challenger that cannot be measured', () => {
  beforeEach(() => {
    world.tuners.proposals = [tuned, tuned];
    world.tuners.adopts = false;
  });

  it('is tried again, and a violator the second time', async () => {
    world.sender.before = (plan) => {
      if (isTuning(plan)) throw new Error('nothing answers');
    };
    const run = await gate.gate({ promote: 'never', tune: { ...tune, evaluations: 2 } });
    expect(run).toMatchObject({ decision: 'pass', configuration: { adopted: false } });
    expect(world.tuners.told).toMatchObject([{ kind: 'failed' }]);
    expect((await gate.runs.get(run.id))?.tuning?.evaluations).toMatchObject([
      { verdict: 'dropped' },
      { verdict: 'unsafe' },
    ]);
    await expectWorldInOrder(world);
  });

  it('is not blamed for what the machine spoilt before it', async () => {
    world.tuners.answers = () => 'dropped';
    world.sender.before = (plan) => {
      if (isTuning(plan) && world.tuners.told.length === 1) throw new Error('nothing answers');
    };
    const run = await gate.gate({ promote: 'never', tune: { ...tune, evaluations: 2 } });
    expect(world.tuners.told).toMatchObject([{ kind: 'measured' }]);
    expect((await gate.runs.get(run.id))?.tuning?.evaluations).toMatchObject([
      { verdict: 'dropped' },
      { verdict: 'dropped', sentence: expect.stringContaining('nothing answers') as string },
    ]);
  });

  it('is a violator at once when a burst of errors was seen before its node died', async () => {
    world.tuners.proposals = [tuned];
    const samples = world.sender.windowSamples;
    world.sender.windowSamples = (...own) =>
      samples(...own).flatMap((sample): Sample[] =>
        sample.arm === 'challenger'
          ? Array.from({ length: 30 }, () => ({ ...sample, status: '503' }))
          : [sample],
      );
    world.sender.after = (plan) => {
      if (!isTuning(plan)) return;
      const { armId } = world.platform.measurement!.arms[1]!;
      world.platform.restarts.set(`${armId}-node-1`, 1);
    };
    const run = await gate.gate({ promote: 'never', tune: { ...tune, evaluations: 1 } });
    expect(run).toMatchObject({ decision: 'pass', configuration: { adopted: false } });
    expect(world.tuners.told).toHaveLength(1);
    expect(JSON.stringify(world.tuners.told)).toMatch(
      /"failed".*burst of errors.*started again meanwhile/,
    );
  });

  it('is not to blame where the incumbent does not stand either', async () => {
    world.sender.before = (plan) => {
      if (!isTuning(plan)) return;
      const armId = world.platform.measurement!.arms[0]!.armId;
      world.platform.lost.add(`${armId}-node-1`);
      throw new Error('nothing answers');
    };
    const run = await gate.gate({ promote: 'never', tune });
    expect(world.tuners.told).toEqual([]);
    expect((await gate.runs.get(run.id))?.tuning).toMatchObject({
      outcome: 'kept',
      evaluations: [{ verdict: 'dropped' }, { verdict: 'dropped' }],
    });
  });

  it('is the last one when it cannot be removed', async () => {
    let removals = 0;
    world.platform.before = (call, subject) => {
      if (call !== 'remove' || !String(subject).startsWith('challenger')) return;
      removals += 1;
      if (removals === 1) throw new PlatformError('component-failed', 'it does not end');
    };
    const run = await gate.gate({ promote: 'never', tune });
    expect(run).toMatchObject({ decision: 'pass', configuration: { adopted: false } });
    expect(world.tuners.told).toHaveLength(1);
    expect((await gate.runs.get(run.id))?.tuning).toMatchObject({ outcome: 'kept' });
    await expectWorldInOrder(world);
  });

  it('is removed when it came up in part only', async () => {
    const removals: unknown[] = [];
    world.platform.before = (call, subject) => {
      if (call === 'deploy' && (subject as { role: string }).role === 'challenger') {
        world.platform.lost.add('challenger-4-node-1').add('challenger-5-node-1');
      }
      if (call !== 'remove') return;
      removals.push(subject);
      if (removals.length === 1) throw new PlatformError('component-failed', 'it does not end');
    };
    const run = await gate.gate({ promote: 'never', tune: { ...tune, evaluations: 1 } });
    expect(run).toMatchObject({ decision: 'pass', configuration: { adopted: false } });
    expect(removals.slice(0, 2)).toEqual(['challenger-4', 'challenger-4']);
    await expectWorldInOrder(world);
  });
});

describe('what former runs learnt', () => {
  it('is told of anew when it turns out to be worth less', async () => {
    const former = '2 former sessions';
    const dropped = 'what the former session of similarity 0.98 predicts is not used';
    world.tuners.proposals = [tuned, tuned];
    world.tuners.adopts = false;
    world.tuners.memory = (answers) => (answers === 0 ? [former] : [former, dropped]);
    const run = await gate.gate({ promote: 'never', tune });
    expect((await gate.runs.get(run.id))?.tuning?.memory).toEqual([former, dropped]);
    const told = (await world.store.events(run.id, 0, 1000)).map(({ message }) => message);
    expect(told.filter((message) => [former, dropped].includes(message))).toEqual([
      former,
      dropped,
    ]);
  });

  it('comes from all sessions that are kept of its service, and some of others', async () => {
    const session = (runId: string, service: string, at: string) =>
      world.store.saveTuning({
        runId,
        start: 1,
        service,
        at,
        view: { outcome: 'kept', summary: '', objective: 'p95', memory: [], evaluations: [] },
        learnt: { space: 'fake', session: {} },
      });
    for (let day = 1; day <= 40; day += 1) {
      await session(`own-${day}`, 'checkout', `2026-01-${day}`);
      await session(`other-${day}`, 'search', `2026-01-${day}`);
    }
    await gate.gate({ promote: 'never', tune });
    const told = world.tuners.created[0]!.sessions.map(({ runId }) => runId);
    expect(told.filter((id) => id.startsWith('own'))).toHaveLength(40);
    expect(told.filter((id) => id.startsWith('other')).length).toBeGreaterThan(0);
  });
});

describe('an optimizer that throws', () => {
  it('when it is asked what it learnt fails no run, and loses nothing of before', async () => {
    world.tuners.adopts = false;
    const create = world.tuners.create.bind(world.tuners);
    let answers = 0;
    world.tuners.create = (...own) => {
      const tuner = create(...own);
      return {
        ...tuner,
        learnt: (end) => {
          const learnt = tuner.learnt(end);
          if (learnt !== undefined && (answers += 1) > 1) throw new Error('singular');
          return learnt;
        },
      };
    };
    const run = await gate.gate({ promote: 'never', tune });
    expect(run).toMatchObject({ decision: 'pass' });
    expect(await world.store.learntSessions({}, 1)).toMatchObject([
      { session: { trials: [tuned.hash] } },
    ]);
    const told = (await world.store.events(run.id, 0, 1000)).map(({ message }) => message);
    expect(told.filter((message) => message.includes('singular'))).toHaveLength(1);
  });

  it('when its effect is to be shown fails no run', async () => {
    const judge = world.judge.judge.bind(world.judge);
    world.judge.judge = (measurement, rules, options) => {
      if (!options.requirePlanted && measurement.samples.some(({ arm }) => arm === 'challenger')) {
        throw new Error('no windows');
      }
      return judge(measurement, rules, options);
    };
    const run = await gate.gate({ promote: 'never', tune });
    expect(run).toMatchObject({ decision: 'pass', configuration: { adopted: true } });
  });
});
