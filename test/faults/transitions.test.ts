/**
 * The gate service is killed (-9) in every phase of a run and every stage of a promotion, on the real
 * platform. It is started again; the run ends as without the kill, or production is brought back with the
 * reason; users of production notice nothing. `confirming`, which needs a configuration to be adopted, and
 * each single write are tested with a platform without machines (runs/deaths.test.ts, recovery.test.ts).
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { RunView } from '../../gate-service/src/runs/run.ts';
import { prepareGate, type Asked, type TestGate } from '../support/gate-fixture.ts';
import { processesNaming, until } from '../support/processes.ts';
import { GateDatabase, type Stored } from './gate-database.ts';
import { ProductionWatch } from './production-watch.ts';

type Step = (stored: Stored) => boolean;

const VERSIONS = ['1.0', '1.1'] as const;
/** The run is so near that what comes next may last a few milliseconds only. */
const JUDGED: Step = ({ phase }) =>
  phase === 'tuning' || phase === 'judging' || phase === 'promoting';

let gate: TestGate;
let database: GateDatabase;
let users: ProductionWatch;
let mark: number;

beforeAll(async () => {
  gate = await prepareGate({
    rate: 40,
    service: {
      // So wide that only what is clearly worse breaks them: both versions are as fast.
      thresholds: ['p50 <= baseline + 100%', 'errors < 5%'],
      shown: [],
      promotion: { default: 'auto', stepSeconds: 2, holdSeconds: 2, minimumRequests: 10 },
    },
  });
  await killWhileProductionIsSetUp();
  users = new ProductionWatch(gate);
  await users.served(30);
});

afterAll(async () => {
  console.log(`production in all: ${JSON.stringify(await users.stop())}`);
  database.close();
  await gate.close();
});

beforeEach(() => {
  mark = users.mark();
});

afterEach(async () => {
  await users.served(30);
  expect(users.since(mark)).toMatchObject({ failed: 0 });
});

/** The very first promotion is a transition as well. */
async function killWhileProductionIsSetUp(): Promise<void> {
  const started = gate.startService().then(
    () => 'ready',
    () => 'killed',
  );
  database = await until('the database is there', () => {
    try {
      const opened = new GateDatabase(gate);
      opened.firstPromotion();
      return opened;
    } catch {
      return undefined;
    }
  });
  await until('new nodes of the first production are warmed', () =>
    database.firstPromotion() === 'warming' ? true : undefined,
  );
  await gate.killService();
  expect(await started).toBe('killed');
  await gate.startService();
  expect(await gate.productionVersion()).toBe('1.0');
}

/** The version that production does not have: what is asked for is never in force already. */
async function otherVersion(): Promise<{ build: string; version: string; before: string }> {
  const before = await gate.productionVersion();
  const version = VERSIONS.find((one) => one !== before)!;
  return { build: await gate.upload(version), version, before };
}

function submit(asked: Asked): Promise<string> {
  return gate.submit({ promote: 'auto', ...asked });
}

async function killAndStart(id: string, at: Step, near?: Step): Promise<Stored> {
  const seen = await database.killAt(gate, id, at, near);
  await gate.startService();
  return seen;
}

function inPhase(phase: string): Step {
  return (stored) => stored.phase === phase;
}

function inStage(stage: string): Step {
  return (stored) => stored.phase === 'promoting' && stored.stage === stage;
}

/** Wherever it was killed. */
async function expectOrder(run: RunView, version: string): Promise<void> {
  expect(await gate.productionVersion()).toBe(version);
  const { inForce, lastKnownGood } = await gate.service();
  expect(Object.fromEntries(await gate.weights())).toEqual({ [inForce!.armId]: 100 });
  if (run.decision === 'promote') expect(lastKnownGood?.build).toBe(run.baseline?.build);
  expect(inForce?.build).toBe(run.decision === 'promote' ? run.build : run.baseline?.build);
  expect(await gate.nodes('staging')).toEqual([]);
  const production = new Set((await gate.nodes('production')).map(({ arm }) => arm));
  expect([...production]).toEqual([inForce!.armId]);
  for (const role of ['baseline', 'candidate', 'challenger']) {
    expect(processesNaming(`${gate.state}/platform/nodes/checkout-${role}-`)).toEqual([]);
  }
  expect(database.openIntents()).toBe(0);
  const events = await gate.events(run.id);
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
  expect(events.filter(({ type }) => type === 'decision')).toHaveLength(1);
}

function deployments(run: RunView): number {
  return run.phases.filter(({ phase }) => phase === 'deploying').length;
}

it('queued, deploying, judging, and a promotion that has not begun: it is promoted all the same', async () => {
  const { build, version } = await otherVersion();
  const id = await submit({ build });
  // Whether it is claimed before the kill is as it may be.
  await gate.killService();
  await gate.startService();
  await killAndStart(id, (stored) => stored.phase === 'deploying' && database.openIntents() > 0);
  await killAndStart(id, inPhase('judging'), JUDGED);
  await killAndStart(
    id,
    (stored) => stored.phase === 'promoting' && (stored.stage ?? 'queued') === 'queued',
    JUDGED,
  );
  const run = await gate.finished(id);
  expect(run).toMatchObject({ decision: 'promote', cause: 'met' });
  await expectOrder(run, version);
});

it('measuring, then new production nodes that start: it starts over, then production stays', async () => {
  const { before, build } = await otherVersion();
  const id = await submit({ build });
  await gate.measuring(id);
  await killAndStart(id, inPhase('measuring'));
  await killAndStart(id, inStage('deploying'), JUDGED);
  const run = await gate.finished(id);
  expect(deployments(run)).toBe(2);
  expect(run.attempts[0]!.sentence).toContain('interrupted by a restart');
  expect(run).toMatchObject({ decision: 'rollback', cause: 'platform-failed' });
  expect(run.summary).toContain('restarted while it was deploying');
  await expectOrder(run, before);
});

it('tuning, then new production nodes that are warmed: it starts over, then production stays', async () => {
  const { before, build } = await otherVersion();
  const id = await submit({ build, tune: { evaluations: 1, seconds: 10 } });
  await killAndStart(id, inPhase('tuning'), ({ phase }) => phase === 'measuring');
  await killAndStart(id, inStage('warming'), JUDGED);
  const run = await gate.finished(id);
  expect(deployments(run)).toBe(2);
  expect(run).toMatchObject({ decision: 'rollback', cause: 'platform-failed' });
  expect(run.summary).toContain('restarted while it was warming');
  await expectOrder(run, before);
});

it.each(['weighting', 'holding'] as const)(
  'a promotion that is %s: all traffic goes back',
  async (stage) => {
    const { before, build } = await otherVersion();
    const id = await submit({ build });
    await killAndStart(
      id,
      (stored) => inStage(stage)(stored) && (stage === 'holding' || stored.steps > 1),
    );
    const run = await gate.finished(id);
    expect(run).toMatchObject({ decision: 'rollback', cause: 'platform-failed' });
    expect(run.summary).toContain(`restarted while it was ${stage}`);
    await expectOrder(run, before);
  },
);

it('a promotion that goes back: it has gone back', async () => {
  const { before, build } = await otherVersion();
  const id = await submit({ build });
  await until('weights move', () => (inStage('weighting')(database.run(id)) ? true : undefined), {
    withinMs: 120_000,
  });
  const prometheus = (await gate.component('prometheus')).pid!;
  // Nothing can be read of production any more: it has to go back.
  process.kill(prometheus, 'SIGSTOP');
  try {
    await database.killAt(gate, id, inStage('returning'));
  } finally {
    process.kill(prometheus, 'SIGCONT');
  }
  await gate.startService();
  const run = await gate.finished(id);
  expect(run).toMatchObject({ decision: 'rollback', cause: 'platform-failed' });
  await expectOrder(run, before);
});

it('a promotion whose new nodes are in force: it is completed', async () => {
  const { build, version } = await otherVersion();
  const id = await submit({ build });
  await killAndStart(id, inStage('draining'), ({ stage }) => stage === 'holding');
  const run = await gate.finished(id);
  expect(run).toMatchObject({ decision: 'promote', cause: 'met' });
  await expectOrder(run, version);
});

it('restoring after a breach: it is a breach', async () => {
  const before = await gate.productionVersion();
  const id = await submit({
    build: await gate.upload('1.2'),
    thresholds: ['p50 <= baseline + 5%'],
  });
  await killAndStart(id, inPhase('restoring'), JUDGED);
  const run = await gate.finished(id);
  expect(run).toMatchObject({ decision: 'rollback', cause: 'breached' });
  await expectOrder(run, before);
});

it('restoring after a cancellation: it is cancelled', async () => {
  const { before, build } = await otherVersion();
  const id = await submit({ build });
  await gate.measuring(id);
  const { status } = await gate.call('POST', `/v1/runs/${id}/cancel`);
  expect(status).toBe(202);
  await killAndStart(id, inPhase('restoring'));
  const run = await gate.finished(id);
  expect(run).toMatchObject({ decision: 'rollback', cause: 'cancelled' });
  await expectOrder(run, before);
});
