/** Whole gate runs on the real cluster: `speed-gate serve` with real nodes in pods behind real gateways, and users of production all the while. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { findArms } from '../../gate-service/src/platforms/kubernetes/arms/list.ts';
import type { BuildReference } from '../../gate-service/src/platforms/platform.ts';
import type { RunRequest, RunView } from '../../gate-service/src/runs/run.ts';
import { gatewayUrl } from '../support/cluster/layout.ts';
import { gateRunBed, type GateRunBed } from './support/gate-run-bed.ts';
import { SteadyLoad } from './support/steady-load.ts';

/** Users' requests a second all the while; more would take the cores that the measurement needs on this machine. */
const USERS_PER_SECOND = 20;
/** As many more while production itself changes. */
const CROWD_PER_SECOND = 200;
/** Of the quick profile, where a busy machine may make a measurement invalid or inconclusive. */
const TRIES = 3;

// Each test is a whole run, or a few.
vi.setConfig({ testTimeout: 900_000 });

let bed: GateRunBed;
let users: SteadyLoad;

beforeAll(async () => {
  bed = await gateRunBed(
    {
      nodes: { staging: 2, production: 2 },
      thresholds: ['p50 <= baseline + 100%', 'errors < 5%'],
      shown: [],
      promotion: { default: 'auto', stepSeconds: 10, holdSeconds: 10, minimumRequests: 20 },
    },
    40,
  );
  await bed.gate.startService();
  users = new SteadyLoad(`${gatewayUrl('production')}/cart?id=1`, bed.host, USERS_PER_SECOND);
  await users.next(USERS_PER_SECOND);
}, 1_800_000);

afterAll(async () => {
  await users.stop();
  console.log(`users: ${users.answers.length} requests, ${users.failures.length} failed`);
  await bed.close();
}, 300_000);

/** Runs the build until the measurement is good enough for a decision of this cause; what came before must be harmless. */
async function decided(
  { digest, location }: BuildReference,
  wanted: Pick<RunView, 'decision' | 'cause'>,
  request: Partial<RunRequest> = {},
): Promise<RunView> {
  for (let attempt = 1; ; attempt += 1) {
    const build = `${location}@sha256:${digest}`;
    const run = await bed.gate.finished(
      await bed.gate.submit({ build, promote: 'auto', ...request }),
    );
    console.log(
      `${run.decision} (${run.cause}): ${run.summary}\n${run.phases.map(({ phase, seconds }) => `${phase} ${seconds.toFixed(1)} s`).join(', ')}`,
    );
    if (run.decision === wanted.decision && run.cause === wanted.cause) return run;
    expect(['invalid', 'inconclusive']).toContain(run.cause);
    expect(run.decision).toBe('rollback');
    expect(attempt).toBeLessThan(TRIES);
  }
}

/** Comes when a promotion begins, and goes when it is told to. */
function crowdWhilePromoting(): { readonly end: () => Promise<SteadyLoad> } {
  const over = new AbortController();
  const coming = (async (): Promise<SteadyLoad | undefined> => {
    for (;;) {
      const { body } = await bed.gate.call<{ items: { phase: string }[] }>(
        'GET',
        '/v1/runs?phase=promoting',
      );
      if (body.items.length > 0) {
        return new SteadyLoad(`${gatewayUrl('production')}/cart?id=2`, bed.host, CROWD_PER_SECOND);
      }
      if (over.signal.aborted) return undefined;
      await sleep(100);
    }
  })();
  return {
    async end() {
      over.abort();
      const crowd = await coming;
      if (crowd === undefined) throw new Error('no promotion was seen');
      await crowd.stop();
      return crowd;
    },
  };
}

async function armsIn(environment: 'staging' | 'production') {
  return findArms(bed.client, bed.namespaces[environment], { service: 'checkout' });
}

it('rolls a slow build back, and production never notices', async () => {
  const before = (await bed.gate.service()).inForce;
  const run = await decided(
    bed.images['1.2'],
    { decision: 'rollback', cause: 'breached' },
    { thresholds: ['p50 <= baseline + 5%'] },
  );
  expect(run.evidence.find(({ outcome }) => outcome === 'breached')).toMatchObject({
    threshold: 'p50 <= baseline + 5%',
  });
  expect((await bed.gate.service()).inForce).toEqual(before);
  expect(await bed.productionVersion()).toBe('1.0');
  expect(await armsIn('staging')).toEqual([]);
  expect(users.failures).toEqual([]);
});

it('rolls a build back that answers errors', async () => {
  const run = await decided(
    bed.images['1.3'],
    { decision: 'rollback', cause: 'breached' },
    { thresholds: ['errors{kind=search} < 0.1%'] },
  );
  expect(run.evidence.filter(({ outcome }) => outcome === 'breached')).toMatchObject([
    { threshold: 'errors{kind=search} < 0.1%' },
  ]);
  expect(await bed.productionVersion()).toBe('1.0');
  expect(await armsIn('staging')).toEqual([]);
  expect(users.failures).toEqual([]);
});

it('promotes a build of the same speed by weights, and no request of the users fails', async () => {
  const crowd = crowdWhilePromoting();
  const run = await decided(bed.images['1.1'], { decision: 'promote', cause: 'met' });
  const { answers, failures } = await crowd.end();
  console.log(`crowd: ${answers.length} requests, ${failures.length} failed`);
  expect(answers.length).toBeGreaterThan(CROWD_PER_SECOND * 10);
  expect(failures).toEqual([]);
  expect(run.promotion).toMatchObject({ state: 'completed' });
  expect(run.promotion?.steps.map(({ weight }) => weight)).toEqual(
    expect.arrayContaining([1, 5, 25, 50, 100]),
  );
  const { inForce, lastKnownGood } = await bed.gate.service();
  expect(inForce).toMatchObject({ build: bed.images['1.1'].digest });
  expect(lastKnownGood).toMatchObject({ build: bed.images['1.0'].digest });
  expect(await bed.productionVersion()).toBe('1.1');
  expect(await armsIn('staging')).toEqual([]);
  // One arm carries production; what it replaced is gone.
  expect((await armsIn('production')).map(({ id }) => id)).toEqual([inForce?.armId]);
  expect(users.failures).toEqual([]);
});
