/**
 * Whole gate runs on the real cluster: `speed-gate serve` with real nodes in pods behind real gateways, users of
 * production all the while, and what may befall a promotion. One that answers errors is rolled back in chart-gate.test.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { NAMESPACE } from '../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import { findArms } from '../../gate-service/src/platforms/kubernetes/arms/list.ts';
import { ISTIO_KINDS } from '../../gate-service/src/platforms/kubernetes/mesh/kinds.ts';
import {
  routesOf,
  type Routes,
} from '../../gate-service/src/platforms/kubernetes/platform/routes.ts';
import type { PromotionRecord } from '../../gate-service/src/runs/records.ts';
import type { ServiceView } from '../../gate-service/src/runs/run-service.ts';
import { clusterUp, runningCluster, type Cluster } from '../support/cluster/cluster.ts';
import { defaultLayout, gatewayUrl } from '../support/cluster/layout.ts';
import { listenerOn } from '../support/cluster/listeners.ts';
import { recordOfRunning } from '../support/cluster/supervise.ts';
import { until } from '../support/processes.ts';
import { decided } from './support/decided.ts';
import { freshNamespace, removeNamespaces } from './support/fresh-namespace.ts';
import { gateRunBed, type GateRunBed } from './support/gate-run-bed.ts';
import { killNodeOf, type KilledNode } from './support/killed-node.ts';
import { OrderedPromotion } from './support/ordered-promotion.ts';
import { SteadyLoad } from './support/steady-load.ts';

/** Users' requests a second all the while; more would take the cores that the measurement needs on this machine. */
const USERS_PER_SECOND = 20;
/** As many more while production itself changes. */
const CROWD_PER_SECOND = 200;

// Each test is a whole run, or a few.
vi.setConfig({ testTimeout: 900_000 });

let bed: GateRunBed;
let users: SteadyLoad;
let cluster: Cluster;

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
  cluster = await runningCluster();
  await bed.gate.startService();
  users = new SteadyLoad(`${gatewayUrl('production')}/cart?id=1`, bed.host, USERS_PER_SECOND);
  await users.next(USERS_PER_SECOND);
}, 1_800_000);

afterAll(async () => {
  await users.stop();
  console.log(`users: ${users.answers.length} requests, ${users.failures.length} failed`);
  await bed.close();
}, 300_000);

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
        return new SteadyLoad(`${gatewayUrl('production')}/cart?id=3`, bed.host, CROWD_PER_SECOND);
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
  // It waits 25 % longer; the margin leaves room for the noise of pods that share a machine.
  const threshold = 'p50 <= baseline + 10%';
  const run = await decided(
    bed.gate,
    bed.images['1.2'],
    { decision: 'rollback', cause: 'breached' },
    { thresholds: [threshold] },
  );
  expect(run.evidence.filter(({ outcome }) => outcome === 'breached')).toMatchObject([
    { threshold },
  ]);
  expect((await bed.gate.service()).inForce).toEqual(before);
  expect(await bed.productionVersion()).toBe('1.0');
  expect(await armsIn('staging')).toEqual([]);
  expect(users.failures).toEqual([]);
});

/** Neither the users nor what is in force noticed anything of the run. */
async function expectUntouched(inForce: ServiceView['inForce']): Promise<void> {
  expect((await bed.gate.service()).inForce).toEqual(inForce);
  expect((await armsIn('production')).map(({ id }) => id)).toEqual([inForce?.armId]);
  expect(await bed.productionVersion()).toBe('1.0');
  expect(users.failures).toEqual([]);
}

it('ends a run whose build cannot be pulled, and names pod, container and image', async () => {
  const { inForce } = await bed.gate.service();
  const nowhere = `${bed.images['1.1'].location}@sha256:${'0'.repeat(64)}`;
  const run = await bed.gate.finished(await bed.gate.submit({ build: nowhere }));
  console.log(run.summary);
  expect(run).toMatchObject({ decision: 'rollback', cause: 'platform-failed' });
  expect(run.summary).toMatch(
    /checkout-candidate-\w+-\w+-\w+, container node: (ErrImagePull|ImagePullBackOff)/,
  );
  expect(run.summary).toContain(`(image ${nowhere})`);
  expect(await armsIn('staging')).toEqual([]);
  await expectUntouched(inForce);
});

it('ends a run whose staging is deleted under it, and works again when staging is there again', async () => {
  const { inForce } = await bed.gate.service();
  const { staging } = bed.namespaces;
  const { digest, location } = bed.images['1.1'];
  const id = await bed.gate.submit({ build: `${location}@sha256:${digest}` });
  await bed.gate.measuring(id);
  await bed.client.delete({ kind: NAMESPACE, name: staging });
  const run = await bed.gate.finished(id);
  // The next test is the next run.
  await removeNamespaces(bed.client, [staging]);
  await freshNamespace(bed.client, staging);
  console.log(run.summary);
  expect(run).toMatchObject({ decision: 'rollback', cause: 'platform-failed' });
  expect(run.attempts).toHaveLength(1);
  // By then its arms are without pods, or gone as well.
  expect(run.summary).toContain(staging);
  expect(run.summary).toMatch(
    /because it is being terminated\. Somebody has deleted the namespace|somebody has deleted it, or the whole namespace/,
  );
  await expectUntouched(inForce);
});

it('promotes a build of the same speed by weights, and no request of the users fails', async () => {
  const crowd = crowdWhilePromoting();
  const run = await decided(bed.gate, bed.images['1.1'], { decision: 'promote', cause: 'met' });
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

/** What users see of a change of production under load; at its end production is in order. */
async function underCrowd(work: () => Promise<void>): Promise<SteadyLoad> {
  const crowd = new SteadyLoad(`${gatewayUrl('production')}/cart?id=3`, bed.host, CROWD_PER_SECOND);
  try {
    await work();
  } finally {
    await crowd.stop();
    console.log(`crowd: ${crowd.answers.length} requests, ${crowd.failures.length} failed`);
  }
  const { inForce } = await bed.gate.service();
  expect((await armsIn('production')).map(({ id }) => id)).toEqual([inForce?.armId]);
  expect(await armsIn('staging')).toEqual([]);
  return crowd;
}

it('goes back in the middle of a promotion when production can no longer be seen', async () => {
  const crowd = await underCrowd(async () => {
    const promotion = await OrderedPromotion.back(bed.gate);
    try {
      await promotion.reached(25);
      // Between two steps its metrics are asked, too, and the promotion would go back for another reason.
      await until('the step is watched', async () =>
        (await weightsNow()).some(({ weight }) => weight === 25) ? true : undefined,
      );
      bed.prometheus.pause();
      const ended = await promotion.ended();
      expect(ended, ended.summary).toMatchObject({ state: 'returned' });
      expect(ended.steps.at(-1)).toMatchObject({ outcome: 'no-data' });
      expect(ended.summary).toContain('metrics cannot be read');
    } finally {
      bed.prometheus.goOn();
    }
  });
  expect(await bed.productionVersion()).toBe('1.1');
  expect(crowd.failures).toEqual([]);
});

/** The version in production when a promotion back from here has ended so; whichever it is, nothing lies between. */
async function expectWholeVersion(
  { state, summary }: PromotionRecord,
  former: string,
  ordered: string,
): Promise<void> {
  console.log(`${state}: ${summary}`);
  expect(summary?.length).toBeGreaterThan(20);
  expect(await bed.productionVersion()).toBe(state === 'completed' ? ordered : former);
}

/** What production has, and what an order of the former build would bring. */
async function versions(): Promise<readonly [string, string]> {
  return (await bed.productionVersion()) === '1.0' ? ['1.0', '1.1'] : ['1.1', '1.0'];
}

it('goes back, and says why, when istiod goes away in the middle of a promotion', async () => {
  const [former, ordered] = await versions();
  const inIstio = (...args: readonly string[]) =>
    cluster.kubectl('--namespace', 'istio-system', ...args);
  const crowd = await underCrowd(async () => {
    const promotion = await OrderedPromotion.back(bed.gate);
    await promotion.reached(5);
    await inIstio('scale', 'deployment/istiod', '--replicas=0');
    try {
      await promotion.turnedBack();
    } finally {
      await inIstio('scale', 'deployment/istiod', '--replicas=1');
      await inIstio('rollout', 'status', 'deployment/istiod');
    }
    const ended = await promotion.ended();
    expect(ended.state, ended.summary).not.toBe('completed');
    expect(ended.summary).toContain('validation webhook does not answer');
    await expectWholeVersion(ended, former, ordered);
  });
  expect(crowd.failures).toEqual([]);
});

it('ends whole, one way or the other, when the API server dies in the middle of a promotion', async () => {
  const [former, ordered] = await versions();
  const crowd = await underCrowd(async () => {
    const promotion = await OrderedPromotion.back(bed.gate);
    await promotion.reached(25);
    const { pid } = (await recordOfRunning(defaultLayout, 'kube-apiserver'))!;
    process.kill(pid, 'SIGKILL');
    const { address, ports } = defaultLayout;
    await until('the API server is gone', () =>
      listenerOn(address, ports.api) === undefined ? true : undefined,
    );
    await clusterUp();
    await expectWholeVersion(await promotion.ended(), former, ordered);
  });
  expect(crowd.failures).toEqual([]);
});

/** Per cent of production by arm, as the gate's VirtualService says it. */
async function weightsNow(): Promise<Routes['weights']> {
  const namespace = bed.namespaces.production;
  const found = await bed.client.list({ kind: ISTIO_KINDS.VirtualService, namespace });
  return found.flatMap((one) => routesOf(one).weights);
}

it('ends whole while a node dies in every step, in turns a new and an old one', async () => {
  const [former, ordered] = await versions();
  const deaths: { readonly weight: number; readonly node: KilledNode }[] = [];
  let ended: PromotionRecord | undefined;
  const crowd = await underCrowd(async () => {
    const old = (await bed.gate.service()).inForce?.armId;
    const podsOf = async (which: 'new' | 'old') =>
      (await armsIn('production')).find(({ id }) => (id === old) === (which === 'old'))?.pods ?? [];
    const promotion = await OrderedPromotion.back(bed.gate);
    const shares = promotion.shares(async () =>
      (await weightsNow()).reduce(
        (sum, { armId, weight }) => sum + (armId === old ? 0 : weight),
        0,
      ),
    );
    for await (const weight of shares) {
      const which = deaths.length % 2 === 0 ? 'new' : 'old';
      const node = await killNodeOf(await podsOf(which));
      deaths.push({ weight, node });
      const successor = await until(
        `${node.pod} has a successor, or the promotion is over`,
        async () =>
          node.isReplaced(await podsOf(which)) || ((await promotion.goesOn()) ? undefined : false),
        { withinMs: 120_000, everyMs: 100 },
      );
      const seconds = ((performance.now() - node.deadAt) / 1000).toFixed(1);
      console.log(
        `${weight} %: ${which} node ${node.pod} died, ${successor ? `ready again after ${seconds} s` : 'not missed any more'}`,
      );
    }
    ended = await promotion.ended();
    console.log(ended.steps.map(({ sentence, outcome }) => `${outcome}: ${sentence}`).join('\n'));
    await expectWholeVersion(ended, former, ordered);
  });
  // What was under way in a node when it died may not be sent again; whatever came later goes to another one.
  const lost = [...crowd.failures, ...users.failures];
  const unexplained = lost.filter(
    ({ endedAt, sentAt }) =>
      !deaths.some(({ node }) => sentAt <= node.deadAt && endedAt >= node.killedAt),
  );
  expect(unexplained).toEqual([]);
  // In each step that was taken, and not where a weight would have shown nothing; a step that was over before the node
  // that died in the one before was ready again is left out.
  const taken = ended?.steps.filter(({ sentence }) => !sentence.includes('skipped: about'));
  expect(taken?.map(({ weight }) => weight)).toEqual(
    expect.arrayContaining(deaths.map(({ weight }) => weight)),
  );
  expect(deaths.length).toBeGreaterThanOrEqual(ended?.state === 'completed' ? 3 : 1);
});
