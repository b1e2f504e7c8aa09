/**
 * Two processes of the gate service on one real PostgreSQL and one platform. One drives; when it is killed
 * (-9) the other takes over, whatever was under way, and users of production notice nothing.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { DRIVER_LEASE } from '../../gate-service/src/runs/driving.ts';
import type { RunView } from '../../gate-service/src/runs/run.ts';
import type { IntentRecord } from '../../gate-service/src/runs/run-store.ts';
import { openStore, type Store } from '../../gate-service/src/store/store.ts';
import { prepareGate, type TestGate } from '../support/gate-fixture.ts';
import { startPostgres } from '../support/postgres.ts';
import { until } from '../support/processes.ts';
import { EventViewer } from './event-viewer.ts';
import { ProductionWatch } from './production-watch.ts';

const LONG = { withinMs: 300_000 };
const MORE_TRIES = 2;
/** So that all tries find their place. */
const TEST_MS = 900_000;

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let store: Store;
let one: TestGate;
let two: TestGate;
let users: ProductionWatch;
let build: string;
let mark: number;

/** What was started, for its end in the opposite order. */
const started: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
  started.push(() => postgres.stop());
  console.log(`PostgreSQL: ${postgres.image}`);
  one = await prepareGate({
    rate: 40,
    service: {
      thresholds: ['p50 <= baseline + 100%', 'errors < 5%'],
      shown: [],
      promotion: { default: 'auto', stepSeconds: 2, holdSeconds: 2, minimumRequests: 10 },
    },
  });
  started.push(() => one.close());
  one.set('DATABASE_URL', postgres.url);
  two = await one.replica();
  started.push(() => two.stopService());
  await one.startService();
  await two.startService();
  store = await openStore({ url: postgres.url });
  started.push(() => store.close());
  users = new ProductionWatch(one);
  started.push(async () => {
    console.log(`production in all: ${JSON.stringify(await users.stop())}`);
  });
  build = await one.upload('1.1');
  await users.served(30);
});

afterAll(async () => {
  const problems: unknown[] = [];
  for (const end of started.toReversed()) {
    await end().catch((error: unknown) => problems.push(error));
  }
  expect(problems).toEqual([]);
});

beforeEach(() => {
  mark = users.mark();
});

afterEach(async () => {
  await users.served(30);
  expect(users.since(mark)).toMatchObject({ failed: 0 });
});

interface Driver {
  readonly holder: string;
  readonly token: number;
}

function driverOf({ data }: IntentRecord): Driver {
  return data.driver as Driver;
}

/** The process that holds the lease. */
async function driverPid(): Promise<number | undefined> {
  const lease = (await store.leases()).find(({ name }) => name === DRIVER_LEASE);
  return lease === undefined ? undefined : Number(lease.holder.split('/')[2]);
}

function drives(gate: TestGate): Promise<true> {
  return until(
    `process ${String(gate.servicePid)} drives`,
    async () => ((await driverPid()) === gate.servicePid ? true : undefined),
    LONG,
  );
}

/** Pids of those that changed the world for the run, in order; no token ever had two holders. */
async function driversOf(runId: string): Promise<readonly number[]> {
  const drivers = (await store.intents({ runId })).map(driverOf);
  expect(drivers.map(({ token }) => token)).toEqual(
    drivers.map(({ token }) => token).toSorted((a, b) => a - b),
  );
  for (const { token } of drivers) {
    expect(
      new Set(drivers.filter((other) => other.token === token).map(({ holder }) => holder)).size,
    ).toBe(1);
  }
  const pids = drivers.map(({ holder }) => Number(holder.split('/')[2]));
  return pids.filter((pid, index) => pid !== pids[index - 1]);
}

async function expectOrder(gate: TestGate, run: RunView): Promise<void> {
  const { inForce } = await gate.service();
  expect(Object.fromEntries(await gate.weights())).toEqual({ [inForce!.armId]: 100 });
  expect(inForce?.build).toBe(run.decision === 'promote' ? run.build : run.baseline?.build);
  expect(await gate.nodes('staging')).toEqual([]);
  expect(await store.intents({ open: true })).toEqual([]);
}

/** A run whose machine was not left alone ends without a verdict: who drives then measures another one. */
async function expectPass(gate: TestGate, handedOver: RunView): Promise<void> {
  let run = handedOver;
  for (let more = MORE_TRIES; more > 0 && isUndecided(run); more -= 1) {
    console.log(`${run.decision} (${run.cause}): ${run.summary}`);
    run = await gate.finished(await gate.submit({ build, promote: 'never' }));
  }
  expect(run).toMatchObject({ decision: 'pass', cause: 'met' });
}

function isUndecided({ cause }: RunView): boolean {
  return cause === 'invalid' || cause === 'inconclusive';
}

function expectWhole(viewer: EventViewer): void {
  expect(viewer.sequences.length).toBeGreaterThan(10);
  expect(viewer.sequences).toEqual(viewer.sequences.map((_, index) => index + 1));
  expect(viewer.types.filter((type) => type === 'decision')).toHaveLength(1);
}

it('one drives and the other says whom it stands by for', async () => {
  expect(await driverPid()).toBe(one.servicePid);
  await until('the standby has said it', async () =>
    (await two.log()).includes('stands by') ? true : undefined,
  );
});

it(
  'a run that the standby took is taken over when the driver dies while it measures',
  { timeout: TEST_MS },
  async () => {
    const [first, second] = [one.servicePid, two.servicePid];
    const id = await two.submit({ build, promote: 'never' });
    const viewer = await EventViewer.open(two, id);
    await two.measuring(id);
    await one.killService();
    await drives(two);
    const run = await two.finished(id);
    expect(run.attempts[0]!.sentence).toContain('interrupted by a restart');
    expect(await driversOf(id)).toEqual([first, second]);
    await viewer.ended();
    expectWhole(viewer);
    await expectOrder(two, run);
    await expectPass(two, run);
  },
);

/** A run whose promotion has moved weights. @throws Error saying how it ended before */
async function weighting(): Promise<string> {
  for (let more = MORE_TRIES; ; more -= 1) {
    const id = await one.submit({ build, promote: 'auto' });
    const ended = await until(
      'weights have moved, or the run has ended',
      async () => {
        const { items } = await store.promotions({ state: 'running' }, { limit: 1 });
        if (items[0]?.stage === 'weighting' && items[0].steps.length > 1) return 'weighting';
        const run = await one.run(id);
        return run.phase === 'finished' ? run : undefined;
      },
      LONG,
    );
    if (ended === 'weighting') return id;
    console.log(`${ended.decision} (${ended.cause}): ${ended.summary}`);
    if (!isUndecided(ended) || more === 0) throw new Error(`run ${id} ended: ${ended.summary}`);
  }
}

it(
  'production is brought back when the driver dies in the middle of a promotion',
  { timeout: TEST_MS },
  async () => {
    await one.startService();
    const [first, second] = [one.servicePid, two.servicePid];
    const id = await weighting();
    const viewer = await EventViewer.open(one, id);
    await two.killService();
    await drives(one);
    const run = await one.finished(id);
    expect(run).toMatchObject({ decision: 'rollback', cause: 'platform-failed' });
    expect(run.summary).toContain('restarted while it was weighting');
    expect(await driversOf(id)).toEqual([second, first]);
    await viewer.ended();
    expectWhole(viewer);
    await expectOrder(one, run);
    expect(await one.productionVersion()).toBe('1.0');
  },
);

it('the standby cancels what the driver measures', async () => {
  await two.startService();
  const id = await two.submit({ build });
  await two.measuring(id);
  const { status } = await two.call('POST', `/v1/runs/${id}/cancel`);
  expect(status).toBe(202);
  const run = await two.finished(id);
  expect(run).toMatchObject({ decision: 'rollback', cause: 'cancelled' });
  expect(await driversOf(id)).toEqual([one.servicePid]);
  await expectOrder(two, run);
});

it(
  'a driver that stood still has nothing to say when it goes on',
  { timeout: TEST_MS },
  async () => {
    const id = await two.submit({ build, promote: 'never' });
    await two.measuring(id);
    process.kill(one.servicePid, 'SIGSTOP');
    try {
      // It lives and has the platform, so that nobody else may have that; but it has lost the lease.
      await until(
        'the standby was refused the platform',
        async () => ((await two.log()).includes('uses this state folder') ? true : undefined),
        LONG,
      );
    } finally {
      process.kill(one.servicePid, 'SIGCONT');
    }
    const run = await two.finished(id);
    expect(run.phases.filter(({ phase }) => phase === 'deploying')).toHaveLength(2);
    await driversOf(id);
    await expectOrder(two, run);
    await expectPass(two, run);
  },
);

it('a driver that is stopped in order hands over at once', async () => {
  const [driver, standby] = (await driverPid()) === one.servicePid ? [one, two] : [two, one];
  await driver.stopService();
  await drives(standby);
  expect(await standby.productionVersion()).toBe('1.0');
});
