/** Runs with the real judge and optimizer on synthetic samples: do the rooms fit together? */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Sample } from '../load/sample.ts';
import { PlatformError } from '../platforms/platform.ts';
import { STOCK_VALUES } from '../stack/stock.ts';
import { runJudge } from './adapters/run-judge.ts';
import { stackConfigurations } from './adapters/stack-configurations.ts';
import { stackTuners } from './adapters/tuners.ts';
import { FakeGate, FakeWorld } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';
import { randomFrom, waits as scaledWaits } from './test-support/waits.ts';

const resources = { cores: 2, memoryMiB: 4096, fileDescriptors: 65_536 };
let world: FakeWorld;

const waits = (scale: (arm: Sample['arm']) => number): void => {
  scaledWaits(world.sender, scale);
};

function gate(): FakeGate {
  return new FakeGate(world, {
    judge: runJudge,
    tuners: stackTuners(resources),
    configurations: stackConfigurations(resources),
    profile: {
      windows: 12,
      planted: { windows: 4, delayMs: 20 },
      tuning: { windows: 6, warmupSeconds: 2 },
    },
  });
}

beforeEach(async () => {
  world = new FakeWorld();
  Object.assign(world.service, { thresholds: ['p50 <= baseline + 40%', 'errors < 5%'] });
  await world.seed(stackConfigurations(resources).stock());
});

describe('a run with the real judge', () => {
  it('passes a build that is as fast, and says that there was nothing to tune', async () => {
    waits(() => 1);
    const own = gate();
    const run = await own.gate({ promote: 'never' });
    const view = await own.runs.get(run.id);
    expect(view?.controls.filter(({ passed }) => !passed)).toEqual([]);
    expect(run).toMatchObject({ decision: 'pass', cause: 'met' });
    const told = (await world.store.events(run.id, 0, 1000)).filter(
      ({ type }) => type === 'tuning',
    );
    expect(told.map(({ message }) => message).join('\n')).toContain('nothing to tune');
    const { baseline, candidate } = view?.attempts[0]?.hops ?? {};
    for (const hops of [baseline, candidate]) {
      expect(hops).toMatchObject({ jettyMs: 20, httpdMs: 0.5 });
      expect(hops!.proxyMs).toBeCloseTo(hops!.totalMs - 20.5, 9);
    }
    await expectWorldInOrder(world);
  });

  it('rolls back a build that is twice as slow, at an early look', async () => {
    waits((arm) => (arm === 'candidate' ? 2 : 1));
    const run = await gate().gate();
    expect(run).toMatchObject({ decision: 'rollback', cause: 'breached' });
    const [measurement] = await world.store.measurements(run.id);
    expect(measurement?.windowsMeasured).toBeLessThan(12);
    await expectWorldInOrder(world);
  });

  it('plants twice the smallest margin, which the proxy has before the block begins', async () => {
    waits(() => 1);
    const samples = world.sender.windowSamples;
    const inProxy = new Set<number | undefined>();
    world.sender.windowSamples = (plan, window, planted, launchOf) => {
      if (planted) inProxy.add(world.platform.measurement?.planted?.delayMs);
      return samples(plan, window, planted, launchOf);
    };
    const run = await gate().gate({ promote: 'never' });
    expect(run).toMatchObject({ decision: 'pass', cause: 'met' });
    const [measurement] = await world.store.measurements(run.id);
    // 40 % of a median around 40 ms, twice.
    const { plantedDelayUs = 0 } = measurement!;
    expect(plantedDelayUs).toBeGreaterThan(28_000);
    expect(plantedDelayUs).toBeLessThan(36_000);
    // Its timer adds 1.5 ms.
    expect([...inProxy]).toEqual([plantedDelayUs / 1000 - 1.5]);
  });

  it('plants at half the rate where both halves on the baseline would fill its places', async () => {
    waits(() => 1);
    await gate().gate({ promote: 'never' });
    const samples = world.sender.windowSamples;
    world.sender.windowSamples = (...args) =>
      samples(...args).map((sample) => ({ ...sample, latencyUs: 100 * sample.latencyUs }));
    await gate().gate({ promote: 'never' });
    const said = world.sender.plantedBlocks.map(({ half }) => half);
    expect(said[0]).toBe(false);
    expect(said.at(-1)).toBe(true);
  });

  it('takes the margin from windows that count', async () => {
    waits(() => 1);
    const samples = world.sender.windowSamples;
    const spoilt = (window: number): boolean => window >= 0 && window < 4;
    world.sender.spoilt = spoilt;
    world.sender.windowSamples = (plan, window, ...rest) =>
      samples(plan, window, ...rest).map((sample) =>
        spoilt(window) ? { ...sample, latencyUs: 50 * sample.latencyUs } : sample,
      );
    const run = await gate().gate({ promote: 'never' });
    const [measurement] = await world.store.measurements(run.id);
    const { windowsCounted = 0, windowsMeasured } = measurement!;
    expect(windowsMeasured - windowsCounted).toBe(4);
    // With the spoilt windows the median would lie a fifth higher.
    expect(measurement!.plantedDelayUs).toBeLessThan(36_000);
  });

  it('judges nothing when the proxy does not take the planted delay', async () => {
    waits(() => 1);
    let routed = 0;
    world.platform.before = (call) => {
      if (call !== 'routeMeasurement') return;
      routed += 1;
      if (routed % 2 === 0) throw new PlatformError('route-not-seen', 'the route is not there');
    };
    const run = await gate().gate();
    expect(run).toMatchObject({ decision: 'rollback', cause: 'invalid' });
    expect(run.summary).toContain('the route is not there');
    expect(await world.store.judgements(run.id)).toEqual([]);
  });

  it('does not believe a measurement whose planted delay did not show', async () => {
    waits(() => 1);
    const samples = world.sender.windowSamples;
    world.sender.windowSamples = (plan, ...rest) =>
      samples({ ...plan, planted: { ...plan.planted!, delayMs: 0 } }, ...rest);
    const run = await gate().gate();
    expect(run).toMatchObject({ decision: 'rollback', cause: 'invalid' });
    expect(await world.store.attempts(run.id)).toHaveLength(2);
  });

  it('judges a first build by absolute limits alone', async () => {
    world = new FakeWorld();
    Object.assign(world.service, { thresholds: ['p50 < 60ms', 'p50 <= baseline + 1%'] });
    await world.addBuilds();
    waits(() => 1);
    expect(await gate().gate()).toMatchObject({ decision: 'promote', cause: 'met' });
    await expectWorldInOrder(world);
    world = new FakeWorld();
    Object.assign(world.service, { thresholds: ['p50 < 30ms'] });
    await world.addBuilds();
    waits(() => 1);
    expect(await gate().gate()).toMatchObject({ decision: 'rollback', cause: 'breached' });
    await expectWorldInOrder(world);
  });

  it('tunes where requests wait for a place, adopts what is faster and confirms it', async () => {
    waits((arm) => (arm === 'challenger' ? 0.5 : 1));
    world.platform.busyWorkers = STOCK_VALUES['httpd.maxRequestWorkers'];
    const run = await gate().gate();
    expect(run).toMatchObject({ decision: 'promote', configuration: { adopted: true } });
    await expectWorldInOrder(world);
  });

  describe('CPU time per request', () => {
    const candidateCosts = (share: number): void => {
      waits(() => 1);
      Object.assign(world.service, { thresholds: ['cpu_per_request <= baseline + 5%'] });
      // Real ones vary, alike on both arms and a little on each.
      const noise = randomFrom(5);
      world.sender.cpuPerRequest = (launch) =>
        (0.001 + 0.0002 * noise()) * (launch.startsWith('candidate') ? share : 1);
    };

    it.each([
      [1, { decision: 'promote', cause: 'met' }],
      [1.3, { decision: 'rollback', cause: 'breached' }],
    ])('of %f times the baseline decides', async (share, answer) => {
      candidateCosts(share);
      const run = await gate().gate();
      expect(run).toMatchObject(answer);
      const [measurement] = await world.store.measurements(run.id);
      const { cpuSecondsByWindow, windowsMeasured } = measurement!;
      expect(cpuSecondsByWindow).toHaveLength(2 * windowsMeasured);
      const [judgement] = await world.store.judgements(run.id);
      expect(judgement!.judgement.outcomes[0]!.effect).toBeCloseTo(share - 1, 1);
    });

    it('that no agent told is invalid, never met', async () => {
      candidateCosts(1);
      let windows = 0;
      world.platform.before = (call, subject) => {
        if (call !== 'observe' || windows === 0) return;
        if ((subject as { environment: string }).environment !== 'staging') return;
        throw new Error('no agent answers');
      };
      const samples = world.sender.windowSamples;
      world.sender.windowSamples = (...given) => {
        windows += 1;
        return samples(...given);
      };
      world.sender.after = () => {
        windows = 0;
      };
      expect(await gate().gate()).toMatchObject({ decision: 'rollback', cause: 'invalid' });
    });
  });
});
