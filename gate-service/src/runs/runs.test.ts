import { beforeEach, describe, expect, it } from 'vitest';
import { PlatformError } from '../platforms/platform.ts';
import type { RunPhase } from './run.ts';
import { FakeGate, FakeWorld, NEW, OLD, stock, tuned } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';

let world: FakeWorld;
let gate: FakeGate;

beforeEach(async () => {
  world = new FakeWorld();
  await world.seed();
  gate = new FakeGate(world);
});

async function messages(runId: string): Promise<string[]> {
  return (await world.store.events(runId, 0, 1000)).map(({ message }) => message);
}

describe('decisions and causes', () => {
  it('promotes a build that meets its thresholds when asked to', async () => {
    const run = await gate.gate({ promote: 'auto' });
    expect(run).toMatchObject({ decision: 'promote', cause: 'met' });
    const { inForce, lastKnownGood } = await world.store.serviceState('checkout');
    expect(inForce).toMatchObject({ build: NEW, configurationHash: stock.hash });
    expect(lastKnownGood).toMatchObject({ build: OLD });
    expect(world.platform.routings.slice(1).map(({ weights }) => weights[1]?.weight)).toEqual([
      1, 5, 25, 50, 100,
    ]);
    await expectWorldInOrder(world);
  });

  it.each(['manual', 'never'] as const)(
    'passes without touching production: %s',
    async (promote) => {
      const run = await gate.gate({ promote });
      expect(run).toMatchObject({ decision: 'pass', cause: 'met' });
      expect(run.summary).toContain('Nothing had to be restored');
      expect((await world.store.serviceState('checkout')).inForce?.build).toBe(OLD);
      expect(world.platform.routings).toHaveLength(1);
      await expectWorldInOrder(world);
    },
  );

  it.each(['breached', 'inconclusive'] as const)(
    'rolls back what is %s, measured once',
    async (cause) => {
      world.judge.causes = [cause];
      const run = await gate.gate();
      expect(run).toMatchObject({ decision: 'rollback', cause });
      expect(await world.store.attempts(run.id)).toHaveLength(1);
      await expectWorldInOrder(world);
    },
  );

  it('warms both arms in staging before they are measured, and says it', async () => {
    let warmed = -1;
    world.sender.before = () => {
      warmed = world.warmer.warmed.length;
    };
    const run = await new FakeGate(world).gate({ promote: 'never', tune: 'off' });
    expect(run.decision).toBe('pass');
    expect(warmed).toBe(world.warmer.warmed.length);
    expect(
      world.warmer.warmed
        .map((id) => id.split('-')[0])
        .slice(-2)
        .sort(),
    ).toEqual(['baseline', 'candidate']);
    const told = await world.store.events(run.id, 0, 1000);
    expect(told.map(({ message }) => message)).toContain(
      'staging nodes have had 20 requests in 0.0 s',
    );
  });

  it('leaves it to the measurement when staging cannot be warmed', async () => {
    world.warmer.fails = true;
    const run = await new FakeGate(world).gate({ promote: 'never', tune: 'off' });
    expect(run).toMatchObject({ decision: 'pass', cause: 'met' });
    const told = await world.store.events(run.id, 0, 1000);
    expect(told.map(({ message }) => message)).toContain(
      'staging nodes could not be warmed: no answer',
    );
  });

  it('repeats an invalid attempt once, shows both, and can then pass', async () => {
    world.judge.causes = ['invalid', 'met'];
    const run = await gate.gate({ promote: 'never' });
    expect(run).toMatchObject({ decision: 'pass' });
    const view = await gate.runs.get(run.id);
    expect(view?.attempts.map(({ judgement }) => judgement?.cause)).toEqual(['invalid', 'met']);
  });

  it.each([
    [
      'as soon as the machine was quiet for as long as it must',
      [3, 0, 3, 0, 0],
      0,
      /after 12 s, the last 6 of them quiet/,
    ],
    ['after all when it never is', [], 3, /after 30 s, though .* 3\.00 cores/],
  ])('repeats %s', async (_, readings, later, words) => {
    world.foreignCores = () => readings.shift() ?? later;
    gate = new FakeGate(world);
    world.judge.causes = ['invalid', 'met'];
    const run = await gate.gate({ promote: 'never' });
    expect(run).toMatchObject({ decision: 'pass' });
    expect((await messages(run.id)).join('\n')).toMatch(words);
  });

  it('never repeats a second time', async () => {
    world.judge.causes = ['invalid', 'invalid', 'met'];
    const run = await gate.gate();
    expect(run).toMatchObject({ decision: 'rollback', cause: 'invalid' });
    expect(await world.store.attempts(run.id)).toHaveLength(2);
    await expectWorldInOrder(world);
  });

  it('is invalid when nothing could be judged: the sender died twice', async () => {
    world.sender.before = () => {
      throw new Error('sender killed by SIGKILL');
    };
    const run = await gate.gate();
    expect(run).toMatchObject({ decision: 'rollback', cause: 'invalid' });
    expect(run.summary).toContain('SIGKILL');
    await expectWorldInOrder(world);
  });

  it('does not judge samples that another arm has answered', async () => {
    world.sender.launchOf = () => 'candidate-2-node-1';
    expect(await gate.gate()).toMatchObject({ decision: 'rollback', cause: 'invalid' });
  });

  it('does not judge a measurement during which a component was started again', async () => {
    let starts = 0;
    world.sender.after = () => {
      const [node] = [...world.platform.arms.values()].filter(
        ({ arm }) => arm.role === 'candidate',
      );
      starts += 1;
      if (node) world.platform.restarts.set(node.arm.nodes[0]!.name, starts);
    };
    const run = await gate.gate();
    expect(run).toMatchObject({ decision: 'rollback', cause: 'invalid' });
    expect(run.summary).toContain('started again');
  });

  it('says platform-failed in the words of the platform', async () => {
    world.platform.before = (call, subject) => {
      if (call === 'deploy' && (subject as { role: string }).role === 'candidate') {
        throw new PlatformError('node-not-ready', 'the WAR does not start: NoClassDefFoundError');
      }
    };
    const run = await gate.gate();
    expect(run).toMatchObject({ decision: 'rollback', cause: 'platform-failed' });
    expect(run.summary).toContain('NoClassDefFoundError');
    await expectWorldInOrder(world);
  });

  it('is inconclusive when the cap is reached', async () => {
    const slow = world.clock.sleep.bind(world.clock);
    world.clock.sleep = (milliseconds, signal) =>
      slow(milliseconds === 2000 ? 60_000 : milliseconds, signal);
    const run = await gate.gate();
    expect(run).toMatchObject({ decision: 'rollback', cause: 'inconclusive' });
    expect(run.summary).toContain('cap');
    await expectWorldInOrder(world);
  });

  it('is superseded when production changed under it', async () => {
    let once = true;
    world.sender.after = () => {
      if (!once) return;
      once = false;
      // A different configuration comes in force while the run measures.
      void world.store.serviceState('checkout').then((state) =>
        world.store.saveServiceState('checkout', state.version, {
          inForce: { ...state.inForce!, configurationHash: tuned.hash },
        }),
      );
    };
    expect(await gate.gate()).toMatchObject({ decision: 'rollback', cause: 'superseded' });
    await expectWorldInOrder(world);
  });

  it('does not promote over what a person is restoring at this moment', async () => {
    await gate.gate();
    const { inForce, lastKnownGood } = await world.store.serviceState('checkout');
    const { run } = await gate.runs.submit(
      { service: 'checkout', build: OLD, promote: 'auto' },
      'ci',
    );
    gate.runs.subscribe(run.id, (event) => {
      if (event.type !== 'phase' || event.data.phase !== 'judging') return;
      const order = {
        build: lastKnownGood!.build,
        configuration: lastKnownGood!.configurationHash,
        reason: 'errors at night',
      };
      void gate.runs.promote('checkout', order, 'ann');
    });
    await world.clock.run(gate.untilIdle());
    expect(await world.store.run(run.id)).toMatchObject({
      decision: 'rollback',
      cause: 'superseded',
      baseline: { build: inForce!.build },
    });
    expect((await world.store.serviceState('checkout')).inForce?.build).toBe(OLD);
    await expectWorldInOrder(world);
  });

  it('judges the first build of a service alone and brings it into an empty production', async () => {
    world = new FakeWorld();
    await world.addBuilds();
    gate = new FakeGate(world);
    const run = await gate.gate();
    expect(run).toMatchObject({ decision: 'promote', cause: 'met' });
    expect(run.baseline).toBeUndefined();
    await expectWorldInOrder(world);
  });

  it('stops early when an interim look settles it', async () => {
    world.judge.interim = 'met';
    const run = await gate.gate({ promote: 'never' });
    const [measurement] = await world.store.measurements(run.id);
    expect(measurement).toMatchObject({ windowsPlanned: 4, windowsMeasured: 2 });
    const [judgement] = await world.store.judgements(run.id);
    expect(judgement?.options).toMatchObject({ look: 2, requirePlanted: true });
  });
});

describe('tuning', () => {
  beforeEach(() => {
    world.tuners.proposals = [tuned];
  });

  it('promotes an adopted configuration after it was confirmed on fresh data', async () => {
    const run = await gate.gate();
    expect(run).toMatchObject({
      decision: 'promote',
      configuration: { hash: tuned.hash, adopted: true },
    });
    expect((await world.store.serviceState('checkout')).inForce?.configurationHash).toBe(
      tuned.hash,
    );
    const seeds = world.sender.plans.map(({ seed }) => seed);
    expect(new Set(seeds).size).toBe(3);
    await expectWorldInOrder(world);
  });

  it.each(['breached', 'inconclusive', 'invalid'] as const)(
    'drops a configuration whose confirmation is %s; the first judgement stands',
    async (cause) => {
      world.judge.causes = ['met', cause, cause];
      const run = await gate.gate();
      expect(run).toMatchObject({
        decision: 'promote',
        configuration: { hash: stock.hash, adopted: false },
      });
      expect((await messages(run.id)).join('\n')).toContain('first judgement stands');
      expect((await gate.runs.get(run.id))?.tuning).toMatchObject({
        outcome: 'reverted',
        evaluations: [{ configurationHash: tuned.hash, source: 'expert', verdict: 'reverted' }],
      });
      await expectWorldInOrder(world);
    },
  );

  it('leaves a configuration that is not adopted', async () => {
    world.tuners.adopts = false;
    const run = await gate.gate({ promote: 'never' });
    expect(run).toMatchObject({ decision: 'pass', configuration: { adopted: false } });
    expect(run.phases.map(({ phase }) => phase)).not.toContain('confirming');
  });

  it('drops a challenger that does not come up', async () => {
    world.platform.before = (call, subject) => {
      if (call === 'deploy' && (subject as { role: string }).role === 'challenger') {
        throw new PlatformError('node-not-ready', 'no memory');
      }
    };
    const run = await gate.gate();
    expect(run).toMatchObject({ decision: 'promote', configuration: { adopted: false } });
    const view = await gate.runs.get(run.id);
    expect(view?.tuning?.evaluations).toMatchObject([{ verdict: 'dropped' }]);
    expect(view?.tuning?.evaluations[0]?.sentence).toContain('no memory');
    await expectWorldInOrder(world);
  });

  it('tells the tuner of one that does not come up twice, and tries no third time', async () => {
    world.tuners.proposals = [tuned, tuned, tuned];
    world.tuners.adopts = false;
    let asked = 0;
    world.platform.before = (call, subject) => {
      if (call !== 'deploy' || (subject as { role: string }).role !== 'challenger') return;
      asked += 1;
      if (asked <= 2) throw new PlatformError('node-not-ready', 'no memory');
    };
    await gate.gate({ promote: 'never', tune: { evaluations: 2, seconds: 600 } });
    expect(world.tuners.told).toMatchObject([{ kind: 'failed' }, { kind: 'measured' }]);
  });

  it('ends with the incumbent when the tuner fails', async () => {
    world.tuners.create = () => {
      throw new Error('the memory is empty space');
    };
    const run = await gate.gate({ promote: 'never' });
    expect(run).toMatchObject({ decision: 'pass', configuration: { adopted: false } });
    expect((await gate.runs.get(run.id))?.tuning).toMatchObject({ outcome: 'skipped' });
    expect((await messages(run.id)).join('\n')).toContain('the memory is empty space');
  });

  it.each([
    [{ tune: 'off' } as const, [], 'tuning is off'],
    [{}, ['breached'] as const, 'not tuned'],
  ])('is skipped and says so', async (request, causes, words) => {
    world.judge.causes = [...causes];
    const run = await gate.gate({ ...request, promote: 'never' });
    expect(run.phases.map(({ phase }) => phase)).not.toContain('tuning');
    expect((await messages(run.id)).join('\n')).toContain(words);
  });
});

describe('cancel', () => {
  const phases: readonly RunPhase[] = [
    'queued',
    'deploying',
    'measuring',
    'tuning',
    'confirming',
    'judging',
    'promoting',
  ];
  it.each(phases)('while %s leads back to where production was', async (phase) => {
    world.tuners.proposals = [tuned];
    const { run } = await gate.runs.submit(
      { service: 'checkout', build: NEW, promote: 'auto' },
      'ci',
    );
    if (phase === 'queued') {
      await gate.runs.cancel(run.id, 'ann');
    } else {
      gate.runs.subscribe(run.id, (event) => {
        if (event.type === 'phase' && event.data.phase === phase)
          void gate.runs.cancel(run.id, 'ann');
      });
    }
    expect(await world.clock.run(gate.untilIdle())).not.toBe('stalled');
    expect(await world.store.run(run.id)).toMatchObject({
      decision: 'rollback',
      cause: 'cancelled',
    });
    expect((await world.store.serviceState('checkout')).inForce?.build).toBe(OLD);
    await expectWorldInOrder(world);
  });
});

describe('events', () => {
  it('come in order without gaps, end with the decision, and say what production runs', async () => {
    const seen: number[] = [];
    const { run } = await gate.runs.submit(
      { service: 'checkout', build: NEW, promote: 'auto' },
      'ci',
    );
    gate.runs.subscribe(run.id, ({ sequence }) => seen.push(sequence));
    await world.clock.run(gate.untilIdle());
    const events = await gate.runs.events(run.id, 0);
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
    expect(seen).toEqual(events.map(({ sequence }) => sequence));
    expect(events.at(-1)).toMatchObject({ type: 'decision' });
    expect(events.some(({ type }) => type === 'progress')).toBe(true);
  });

  it('store an intent before and an outcome after every change', async () => {
    const run = await gate.gate();
    const intents = await world.store.intents({ runId: run.id });
    expect(intents.length).toBeGreaterThan(8);
    expect(intents.filter(({ outcome }) => outcome === undefined)).toEqual([]);
  });
});
