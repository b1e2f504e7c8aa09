/**
 * The gate service is killed (-9) in every phase of a run and every stage of a promotion, on the real
 * platform. It is started again; the run ends as without the kill, or production is brought back with the
 * reason; users of production notice nothing. `confirming`, which needs a configuration to be adopted, and
 * each single write are tested with a platform without machines (runs/deaths.test.ts, recovery.test.ts).
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { PromotionRecord } from '../../gate-service/src/runs/run-store.ts';
import type { RunView } from '../../gate-service/src/runs/run.ts';
import { formerBuild } from '../support/former-build.ts';
import { prepareGate, SERVICE, type Asked, type TestGate } from '../support/gate-fixture.ts';
import { processesNaming, until } from '../support/processes.ts';
import { GateDatabase, KilledTooLate, RunEnded, type Stored } from './gate-database.ts';
import { ProductionWatch } from './production-watch.ts';

type Step = (stored: Stored) => boolean;

/** What comes next may last a few milliseconds only. */
const NEAR: Step = ({ phase }) => phase !== 'queued' && phase !== 'deploying';
/** A run whose machine is not left alone ends `invalid`, as it should; then it is asked for again. */
const MOST_TRIES = 4;
/** So that all tries find their place. */
const TRIES_MS = MOST_TRIES * 300_000;
const LONG = { withinMs: 300_000, everyMs: 20 };

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
      promotion: { default: 'auto', stepSeconds: 4, holdSeconds: 4, minimumRequests: 10 },
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
      opened.latestPromotion();
      return opened;
    } catch {
      return undefined;
    }
  });
  await until('new nodes of the first production are warmed', () =>
    database.latestPromotion()?.stage === 'warming' ? true : undefined,
  );
  await gate.killService();
  expect(await started).toBe('killed');
  await gate.startService();
  expect(await gate.productionVersion()).toBe('1.0');
}

async function killAndStart(id: string, at: Step, near?: Step): Promise<void> {
  try {
    await database.killAt(gate, `run ${id}`, () => database.run(id), at, near);
  } catch (error) {
    if (error instanceof KilledTooLate) await gate.startService();
    throw error;
  }
  await gate.startService();
}

function inPhase(phase: string): Step {
  return (stored) => stored.phase === phase;
}

/**
 * Asks for a run, kills the service on its way, and waits for its end. Again when the machine was not quiet, or
 * when the run had gone on before the kill: if that got its build into production, the former one is ordered back.
 */
async function gated(asked: Asked, kills: (id: string) => Promise<void>): Promise<RunView> {
  for (let attempt = 1; ; attempt += 1) {
    const id = await gate.submit({ promote: 'auto', ...asked });
    try {
      await kills(id);
      const run = await gate.finished(id);
      if (!isUndecided(run) || attempt === MOST_TRIES) return run;
    } catch (error) {
      if (!(error instanceof RunEnded) || attempt === MOST_TRIES) throw error;
      const run = await gate.finished(id);
      const mayBe = run.cause === 'met' || isUndecided(run) || error instanceof KilledTooLate;
      if (!mayBe) throw error;
      if (run.decision === 'promote') {
        await order();
        await endedPromotion();
      }
    }
    console.log(`run ${id} came to no verdict, or was killed too late: asked for again`);
  }
}

/** Wherever it was killed: production is all on what is in force, and nothing is left over. */
async function expectOrder(version: string): Promise<void> {
  expect(await gate.productionVersion()).toBe(version);
  const { inForce } = await gate.service();
  expect(Object.fromEntries(await gate.weights())).toEqual({ [inForce!.armId]: 100 });
  const production = new Set((await gate.nodes('production')).map(({ arm }) => arm));
  expect([...production]).toEqual([inForce!.armId]);
  expect(await gate.nodes('staging')).toEqual([]);
  for (const role of ['baseline', 'candidate', 'challenger']) {
    expect(processesNaming(`${gate.state}/platform/nodes/checkout-${role}-`)).toEqual([]);
  }
  expect(database.openIntents()).toBe(0);
}

async function expectEnded(run: RunView, version: string): Promise<void> {
  const { inForce, lastKnownGood } = await gate.service();
  if (run.decision === 'promote') {
    expect(inForce?.build).toBe(run.build);
    expect(lastKnownGood?.build).toBe(run.baseline?.build);
  }
  await expectOrder(version);
  const events = await gate.events(run.id);
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
  expect(events.filter(({ type }) => type === 'decision')).toHaveLength(1);
}

/** Neither met nor breached: the machine was not left alone. */
function isUndecided({ cause }: RunView): boolean {
  return cause === 'invalid' || cause === 'inconclusive';
}

function deployments(run: RunView): number {
  return run.phases.filter(({ phase }) => phase === 'deploying').length;
}

it(
  'tuning, judging, and a promotion that has not begun: promoted all the same',
  { timeout: TRIES_MS },
  async () => {
    const build = await gate.upload('1.1');
    let judged: RunView['attempts'][number] | undefined;
    const run = await gated({ build, tune: { evaluations: 1, seconds: 10 } }, async (id) => {
      await killAndStart(id, inPhase('tuning'), NEAR);
      // It may have been repeated once.
      judged = (await gate.run(id)).attempts.findLast(({ judgement }) => judgement !== undefined);
      await killAndStart(id, inPhase('judging'), NEAR);
      await killAndStart(
        id,
        ({ phase, stage = 'queued' }) => phase === 'promoting' && stage === 'queued',
        NEAR,
      );
    });
    expect(run).toMatchObject({ decision: 'promote', cause: 'met' });
    expect(deployments(run)).toBe(2);
    expect(judged?.judgement?.cause).toBe('met');
    expect(run.attempts).toContainEqual(judged);
    await expectEnded(run, '1.1');
  },
);

it('deploying and restoring: the cause that was stored stays', async () => {
  const version = await gate.productionVersion();
  const build = await gate.upload('1.2');
  const id = await gate.submit({ build, thresholds: ['p50 <= baseline + 10%'] });
  await killAndStart(id, (stored) => stored.phase === 'deploying' && database.openIntents() > 0);
  await killAndStart(id, inPhase('restoring'), NEAR);
  const stored = database.endingOf(id);
  // 25 % slower: on a machine that is left alone it is a breach.
  expect(['breached', 'inconclusive', 'invalid']).toContain(stored);
  const run = await gate.finished(id);
  expect(run).toMatchObject({ decision: 'rollback', cause: stored });
  expect(deployments(run)).toBe(2);
  await expectEnded(run, version);
});

it('measuring, queued behind it, and restoring: what was cancelled is cancelled', async () => {
  const version = await gate.productionVersion();
  const build = await gate.upload('1.2');
  const id = await gate.submit({ build });
  const behind = await gate.submit({ build });
  await gate.measuring(id);
  await killAndStart(id, inPhase('measuring'));
  expect(await gate.run(behind)).toMatchObject({ phase: 'queued', queue: { behind: id } });
  await gate.measuring(id, 2);
  for (const each of [behind, id]) {
    expect((await gate.call('POST', `/v1/runs/${each}/cancel`)).status).toBe(202);
  }
  await killAndStart(id, inPhase('restoring'), NEAR);
  const ended = [await gate.finished(id), await gate.finished(behind)];
  for (const run of ended) {
    expect(run).toMatchObject({ decision: 'rollback', cause: 'cancelled' });
    expect(deployments(run)).toBe(run.id === id ? 2 : 0);
    await expectEnded(run, version);
  }
  expect((await gate.run(id)).attempts[0]!.sentence).toContain('interrupted by a restart');
});

/** Orders what was there before. Answers when it is stored; a service that is killed meanwhile answers nothing. */
async function order(): Promise<void> {
  const { build, configurationHash } = await formerBuild(gate);
  const json = {
    build,
    configuration: configurationHash,
    reason: 'the test wants it back',
  };
  await gate.call('POST', `/v1/services/${SERVICE}/promotions`, { json }).catch(() => undefined);
}

/** A promotion that was killed on its way, and what was there before it was ordered. */
interface Killed {
  readonly promotion: PromotionRecord;
  /** Of the build that production ran. */
  readonly version: string;
  /** What was ordered. */
  readonly build: string;
}

/**
 * A promotion that a person orders, killed in a stage, and its end after the next start; once more when it had
 * gone on before the service was dead.
 */
async function orderedAndKilled(at: (stage: string, steps: number) => boolean): Promise<Killed> {
  for (let attempt = 1; ; attempt += 1) {
    const version = await gate.productionVersion();
    const { build } = await formerBuild(gate);
    try {
      await orderAndKill(at);
      return { promotion: await endedPromotion(), version, build };
    } catch (error) {
      if (!(error instanceof KilledTooLate) || attempt === MOST_TRIES) throw error;
      await endedPromotion();
      console.log('a promotion was killed too late: another one is ordered');
    }
  }
}

/** The service is started again, also when it was killed too late. @throws KilledTooLate */
async function orderAndKill(at: (stage: string, steps: number) => boolean): Promise<void> {
  const before = database.latestPromotion()?.id;
  const ordered = order();
  const look = (): Stored => {
    const { id, stage, steps } = database.latestPromotion()!;
    return { phase: 'promoting', stage: id === before ? undefined : stage, steps };
  };
  try {
    await database.killAt(
      gate,
      'the ordered promotion',
      look,
      ({ stage, steps }) => stage !== undefined && at(stage, steps),
      ({ stage }) => stage === undefined || stage === 'holding',
    );
  } catch (error) {
    if (error instanceof KilledTooLate) await gate.startService();
    throw error;
  }
  await ordered;
  await gate.startService();
}

function endedPromotion(): Promise<PromotionRecord> {
  const { id } = database.latestPromotion()!;
  return until(
    `promotion ${id} has ended`,
    async () => {
      const { body } = await gate.call<PromotionRecord>('GET', `/v1/promotions/${id}`);
      return body.state === 'running' ? undefined : body;
    },
    LONG,
  );
}

it.each(['deploying', 'warming', 'weighting', 'holding'])(
  'a promotion that is %s: production is brought back',
  async (stage) => {
    const { promotion, version } = await orderedAndKilled(
      (now, steps) => now === stage && (stage !== 'weighting' || steps > 1),
    );
    expect(promotion, promotion.summary).toMatchObject({ state: 'failed' });
    expect(promotion.summary).toContain(`restarted while it was ${stage}`);
    await expectOrder(version);
  },
);

it('a promotion that goes back: it has gone back', async () => {
  let version: string;
  const prometheus = (await gate.component('prometheus')).pid!;
  try {
    const killed = await orderedAndKilled((stage) => {
      // Nothing can be read of production any more: it has to go back.
      if (stage === 'weighting') process.kill(prometheus, 'SIGSTOP');
      if (stage === 'returning') process.kill(prometheus, 'SIGCONT');
      return stage === 'returning';
    });
    version = killed.version;
    expect(killed.promotion).toMatchObject({ state: 'failed' });
    expect(killed.promotion.summary).toContain('restarted while it was returning');
  } finally {
    process.kill(prometheus, 'SIGCONT');
  }
  await expectOrder(version);
});

it.each(['queued', 'draining'])('a promotion that is %s: it is completed', async (stage) => {
  const { build, promotion, version } = await orderedAndKilled((now) => now === stage);
  expect(promotion, promotion.summary).toMatchObject({ state: 'completed', build });
  const after = version === '1.0' ? '1.1' : '1.0';
  expect((await gate.service()).inForce?.build).toBe(build);
  await expectOrder(after);
});
