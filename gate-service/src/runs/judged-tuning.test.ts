/** Tuning in a run with the real judge, optimizer and stack, on synthetic samples. */
import { beforeEach, describe, expect, it } from 'vitest';
import { hashOfSpace } from '../optimizer/space-hash.ts';
import type { PastSession } from '../optimizer/tuner.ts';
import type { Sample } from '../load/sample.ts';
import { STOCK_VALUES } from '../stack/stock.ts';
import { TUNING_KNOBS } from '../stack/tuning-knobs.ts';
import { runJudge } from './adapters/run-judge.ts';
import { stackConfigurations } from './adapters/stack-configurations.ts';
import { stackTuners } from './adapters/tuners.ts';
import type { RunRequest, RunView } from './run.ts';
import type { RunRecord } from './records.ts';
import { FakeGate, FakeWorld, NEW } from './test-support/harness.ts';
import { expectWorldInOrder } from './test-support/invariants.ts';
import { TUNING_VALUES } from './test-support/tuning-values.ts';
import { waits as scaledWaits } from './test-support/waits.ts';

const resources = { cores: 2, memoryMiB: 4096, fileDescriptors: 65_536 };
const SPACE = hashOfSpace(TUNING_KNOBS);
const tune = { evaluations: 3, seconds: 600 };
let world: FakeWorld;

const waits = (scale: (arm: Sample['arm']) => number, spread?: number): void => {
  scaledWaits(world.sender, scale, spread);
};

/** The challenger's requests fail where `fails` says so. */
function failing(fails: (challenger: number) => boolean): void {
  const samples = world.sender.windowSamples;
  world.sender.windowSamples = (plan, window, planted, launchOf) =>
    samples(plan, window, planted, launchOf).map((sample) =>
      sample.arm === 'challenger' && fails(challengers()) ? { ...sample, status: '503' } : sample,
    );
}

const deployed: string[] = [];
const challengers = (): number => deployed.filter((role) => role === 'challenger').length;

function gate(capSeconds = 1200): FakeGate {
  return new FakeGate(world, {
    judge: runJudge,
    tuners: stackTuners(resources),
    configurations: stackConfigurations(resources),
    profile: {
      windows: 12,
      planted: { windows: 4, delayMs: 20 },
      tuning: { windows: 6, warmupSeconds: 2 },
      capSeconds,
    },
  });
}

async function gated(
  request: Partial<RunRequest> = {},
): Promise<{ readonly run: RunRecord; readonly view: RunView; readonly told: string }> {
  const own = gate();
  const run = await own.gate({ promote: 'never', tune, ...request });
  return { run, ...(await answered(own, run.id)) };
}

async function answered(own: FakeGate, id: string) {
  const view = await own.runs.get(id);
  if (view === undefined) throw new Error('there is no such run');
  const events = await world.store.events(id, 0, 1000);
  const told = events.filter(({ type }) => type === 'tuning').map(({ message }) => message);
  return { view, told: told.join('\n') };
}

const trialsStored = async (): Promise<readonly number[]> =>
  (await world.store.learntSessions({}, 9)).map(
    ({ session }) => (session as PastSession).trials.length,
  );

beforeEach(async () => {
  world = new FakeWorld();
  Object.assign(world.service, { thresholds: ['p50 <= baseline + 40%', 'errors < 5%'] });
  await world.seed(stackConfigurations(resources).stock());
  world.platform.busyWorkers = STOCK_VALUES['httpd.maxRequestWorkers'];
  deployed.length = 0;
  world.platform.before = (call, subject) => {
    if (call === 'deploy') deployed.push((subject as { role: string }).role);
  };
});

describe('tuning with the real optimizer', () => {
  it('compares once more what leans to the good side, and counts both', async () => {
    waits((arm) => (arm === 'challenger' ? 0.8 : 1), 0.5);
    const { run, view, told } = await gated();
    const [small, leaning, again] = view.tuning!.evaluations;
    expect(small).toMatchObject({ source: 'expert', verdict: 'rejected' });
    expect(leaning).toMatchObject({ source: 'critic', verdict: 'rejected' });
    expect(leaning!.measured!.windows).toBe(6);
    const { configurationHash } = leaning!;
    expect(again).toMatchObject({ source: 'rerun', verdict: 'adopted', configurationHash });
    expect(again!.measured!.windows).toBe(12);
    expect(run.configuration).toEqual({ hash: configurationHash, adopted: true });
    expect(told).toMatch(/challenger 3: again: .*all comparisons of it count/);
    await expectWorldInOrder(world);
  });

  it('does not blame a challenger that was measured for one comparison that could not be', async () => {
    waits((arm) => (arm === 'challenger' ? 0.8 : 1), 0.5);
    const samples = world.sender.windowSamples;
    world.sender.windowSamples = (...window) => {
      if (challengers() === 3) throw new Error('the sender was killed');
      return samples(...window);
    };
    const { run, view } = await gated({ tune: { ...tune, evaluations: 4 } });
    const [, leaning, failed, again] = view.tuning!.evaluations;
    expect(failed).toMatchObject({ source: 'rerun', verdict: 'dropped' });
    expect(again).toMatchObject({ source: 'rerun', verdict: 'adopted' });
    expect(run.configuration).toEqual({ hash: leaning!.configurationHash, adopted: true });
  });

  it('begins with the expert’s configuration, and says what, why, and what came of it', async () => {
    waits((arm) => (arm === 'challenger' ? 0.5 : 1));
    const { run, view, told } = await gated();
    expect(run).toMatchObject({ decision: 'pass', configuration: { adopted: true } });
    expect(view.tuning).toMatchObject({ outcome: 'confirmed', objective: 'p95', budget: tune });
    expect(view.tuning?.evaluations).toHaveLength(1);
    const [evaluation] = view.tuning!.evaluations;
    expect(evaluation).toMatchObject({
      number: 1,
      configurationHash: run.configuration?.hash,
      source: 'expert',
      verdict: 'adopted',
      margins: [{ metric: 'errors', max: 0.05, measured: 0, share: 1 }],
    });
    expect(evaluation!.changes).toContainEqual(expect.objectContaining({ knob: 'places' }));
    const { predicted, measured } = evaluation!;
    expect(predicted!.low).toBeLessThan(predicted!.high);
    expect(measured!.high).toBeLessThan(0);
    // Three evaluations share the error of 2 × 2.5 %.
    expect(measured!.confidence).toBeCloseTo(1 - 0.05 / 6, 9);
    expect(told).toMatch(/challenger 1: expert rule: .*places \d+ → \d+.*expected p95/);
    expect(told).toContain('confirmed on fresh data');
    await expectWorldInOrder(world);
  });

  it('measures nothing where there is nothing to win, and says so', async () => {
    waits(() => 1);
    world.platform.busyWorkers = 3;
    const { run, view } = await gated();
    expect(run).toMatchObject({ decision: 'pass', configuration: { adopted: false } });
    expect(view.tuning).toMatchObject({ outcome: 'skipped', evaluations: [] });
    expect(view.tuning?.summary).toContain('none waits');
    expect(challengers()).toBe(0);
  });

  it('keeps the incumbent where nothing better is shown: a normal result', async () => {
    waits(() => 1);
    const { run, view, told } = await gated();
    expect(run).toMatchObject({ decision: 'pass', configuration: { adopted: false } });
    expect(view.tuning).toMatchObject({ outcome: 'kept' });
    expect(view.tuning!.evaluations.map(({ verdict }) => verdict)).toEqual(
      Array.from({ length: challengers() }, () => 'rejected'),
    );
    expect(told).toContain('the configuration in force stays');
    await expectWorldInOrder(world);
  });

  it('has the time that was asked for on top of the cap', async () => {
    waits(() => 1);
    const own = gate(150);
    const run = await own.gate({ promote: 'never', tune: { evaluations: 12, seconds: 3600 } });
    expect(run).toMatchObject({ decision: 'pass' });
    const seconds = (Date.parse(run.finishedAt!) - Date.parse(run.createdAt)) / 1000;
    expect(seconds).toBeGreaterThan(150);
  });

  it('never lets a win of the configuration hide slower code', async () => {
    Object.assign(world.service, { thresholds: ['p50 <= baseline + 5%', 'errors < 5%'] });
    waits((arm) => (arm === 'challenger' ? 0.5 : arm === 'candidate' ? 1.2 : 1), 0.1);
    const { run, view } = await gated({ promote: 'auto' });
    expect(run).toMatchObject({ decision: 'rollback', cause: 'breached' });
    expect(challengers()).toBe(0);
    expect(view.tuning).toMatchObject({ outcome: 'skipped', evaluations: [] });
    expect(view.configurationEffect).toBeUndefined();
    await expectWorldInOrder(world);
  });

  it('breaks an evaluation off at a burst of errors, and never enters it again', async () => {
    waits((arm) => (arm === 'challenger' ? 0.5 : 1));
    failing((challenger) => challenger === 1);
    const { view } = await gated();
    const [first, ...later] = view.tuning!.evaluations;
    expect(first).toMatchObject({ verdict: 'unsafe' });
    expect(first!.sentence).toContain('a burst of errors');
    const measurements = await world.store.measurements(view.id);
    const [evaluated] = measurements.filter(({ purpose }) => purpose === 'tuning');
    expect(evaluated!.windowsMeasured).toBeLessThan(6);
    for (const one of later) expect(one.configurationHash).not.toBe(first!.configurationHash);
    await expectWorldInOrder(world);
    // The next run of the service remembers.
    deployed.length = 0;
    const again = await gated();
    const hashes = again.view.tuning!.evaluations.map((one) => one.configurationHash);
    expect(hashes).not.toContain(first!.configurationHash);
  });

  it('does not begin again with what a confirmation refuted', async () => {
    let confirming = false;
    world.sender.before = ({ arms }) => {
      const before = world.sender.plans.filter((plan) => plan.arms[0].name === 'baseline').length;
      confirming = arms[0].name === 'baseline' && before > 1;
    };
    waits((arm) => (arm === 'challenger' ? 0.5 : arm === 'candidate' && confirming ? 2 : 1));
    const { view } = await gated();
    expect(view).toMatchObject({ decision: 'pass', tuning: { outcome: 'reverted' } });
    const [refuted] = view.tuning!.evaluations;
    const [stored] = await world.store.learntSessions({}, 1);
    const session = stored!.session as PastSession;
    expect(session.adopted).toBeUndefined();
    expect(session.violators).toEqual([]);
    const [start, trial] = session.trials;
    expect(trial!.value).toBe(start!.value);
    world.sender.before = () => undefined;
    confirming = false;
    waits(() => 1);
    const again = await gated();
    expect(again.view.tuning!.evaluations.length).toBeGreaterThan(0);
    for (const one of again.view.tuning!.evaluations) {
      expect(['expert', 'memory']).not.toContain(one.source);
      expect(one.configurationHash).not.toBe(refuted!.configurationHash);
    }
  });

  it('remembers what broke a limit in its confirmation as a violator', async () => {
    let confirming = false;
    world.sender.before = ({ arms }) => {
      const before = world.sender.plans.filter((plan) => plan.arms[0].name === 'baseline').length;
      confirming = arms[0].name === 'baseline' && before > 1;
    };
    waits((arm) => (arm === 'challenger' ? 0.5 : 1));
    const samples = world.sender.windowSamples;
    world.sender.windowSamples = (...own) =>
      samples(...own).map((sample, index) =>
        confirming && sample.arm === 'candidate' && index % 4 < 2
          ? { ...sample, status: '503' }
          : sample,
      );
    const { view } = await gated();
    expect(view.tuning).toMatchObject({ outcome: 'reverted' });
    const [stored] = await world.store.learntSessions({}, 1);
    const { adopted, trials, violators } = stored!.session as PastSession;
    expect(adopted).toBeUndefined();
    expect(violators).toEqual([trials[1]!.values]);
    expect(trials[1]!.unsafe).toBe(true);
  });

  it('says what was looked at where there is nothing to win, and advises where there is', async () => {
    waits(() => 1);
    const { view } = await gated({ tune: { ...tune, evaluations: 1 } });
    expect(view.tuning!.advice!.join('\n')).toContain('Expert rule: mesh.maxConnections');
    world.platform.busyWorkers = 3;
    const calm = await gated();
    expect(calm.view.tuning!.summary).toMatch(
      /none waits.*Looked at on each node: .*3 of 150 workers/,
    );
    expect(calm.view.tuning).not.toHaveProperty('advice');
  });

  it('learns from every evaluation, also for the next run and for other services', async () => {
    waits(() => 1);
    const first = await gated();
    const [trials] = await trialsStored();
    expect(trials).toBe(1 + first.view.tuning!.evaluations.length);
    const { view } = await gated();
    expect(view.tuning!.memory.join('\n')).toContain('1 former sessions on similar workloads');
    const [own] = await world.store.learntSessions({ service: 'checkout' }, 1);
    await world.store.saveTuning({
      runId: 'elsewhere',
      start: 1,
      service: 'search',
      at: '2026-01-05T08:00:00Z',
      view: view.tuning!,
      learnt: { space: own!.space, session: own!.session },
    });
    const third = await gated();
    expect(third.view.tuning!.memory.join('\n')).toContain('3 former sessions');
  });

  it.each([
    ['of other knobs', { space: 'other', session: {} }, 'other knobs'],
    ['that is no session', { space: SPACE, session: 'torn {' }, 'damaged'],
    ['without numbers', { space: SPACE, session: sessionWith({ value: NaN }) }, 'damaged'],
    [
      'with values that no knob has',
      { space: SPACE, session: sessionWith({ values: { places: -1 } }) },
      'no knob can have',
    ],
  ])('leaves experience out %s, with a sentence', async (_name, learnt, why) => {
    waits(() => 1);
    await world.store.saveTuning({
      runId: 'poison',
      start: 1,
      service: 'checkout',
      at: '2026-01-05T08:00:00Z',
      view: { outcome: 'kept', summary: '', objective: 'p95', memory: [], evaluations: [] },
      learnt,
    });
    const { run, view } = await gated();
    expect(run.decision).toBe('pass');
    const sentence = view.tuning!.memory.find((one) => one.includes('run poison of checkout'));
    expect(sentence).toContain(why);
  });

  it('goes on with what it had learnt after a restart in the middle', async () => {
    waits(() => 1);
    const own = gate();
    const { run } = await own.runs.submit(
      { service: 'checkout', build: NEW, promote: 'never', tune },
      'ci',
    );
    world.platform.before = (call, subject) => {
      if (call !== 'deploy') return;
      deployed.push((subject as { role: string }).role);
      if (challengers() === 2) own.die();
    };
    expect(await world.clock.run(own.untilIdle())).toBe('stalled');
    // The evaluation under way is lost, and nothing else.
    expect(await trialsStored()).toEqual([2]);
    world.platform.before = () => undefined;
    const next = gate();
    await world.clock.run(next.untilIdle());
    const { view } = await answered(next, run.id);
    expect(view).toMatchObject({ decision: 'pass', configuration: { adopted: false } });
    expect(view.tuning).toMatchObject({ outcome: 'kept' });
    expect(view.tuning!.memory.join('\n')).toContain('1 former sessions');
    await expectWorldInOrder(world);
  });
});

function sessionWith(trial: Readonly<Record<string, unknown>>): unknown {
  return {
    context: { rate: 6 },
    start: TUNING_VALUES,
    trials: [{ values: TUNING_VALUES, unsafe: false, ...trial }],
    policy: { updates: 0, numeric: {}, categorical: {} },
    violators: [],
  };
}
