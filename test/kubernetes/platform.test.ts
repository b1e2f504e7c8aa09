/** The platform `kubernetes` with real nodes on the real cluster: arms, routes, swaps, and what a restart finds. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ARM_HEADER, PLANTED_HEADER } from '../../gate-service/src/mesh/plan.ts';
import { SERVICE_LABEL } from '../../gate-service/src/platforms/kubernetes/arms/labels.ts';
import {
  CONFIG_MAP,
  DEPLOYMENT,
  POD,
} from '../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import { ISTIO_KINDS } from '../../gate-service/src/platforms/kubernetes/mesh/kinds.ts';
import type { KubernetesPlatform } from '../../gate-service/src/platforms/kubernetes/kubernetes-platform.ts';
import type { Arm, ArmObservation } from '../../gate-service/src/platforms/platform.ts';
import { gatewayUrl } from '../support/cluster/layout.ts';
import { until } from '../support/processes.ts';
import { ENVOY_TICK_MS } from '../support/timers.ts';
import { platformBed, SERVICE, type PlatformBed } from './support/platform-bed.ts';
import { SteadyLoad } from './support/steady-load.ts';

const PER_SECOND = 100;
const SLOW = 900_000;

let bed: PlatformBed;
let platform: KubernetesPlatform;
/** Production's arm, made by the second test and taken away by the last. */
let current: Arm;

beforeAll(async () => {
  bed = await platformBed();
  platform = bed.open();
  await platform.start();
}, SLOW);
afterAll(() => bed.close(), 240_000);

const signal = new AbortController().signal;
const summary = ({ arm, nodes, weight }: ArmObservation) => ({
  id: arm.id,
  weight,
  hash: arm.configurationHash,
  nodes: nodes.map(({ healthyInProxy, status }) => ({
    healthyInProxy,
    health: status?.health,
    build: status?.buildDigest,
    hash: status?.configurationHash,
  })),
});
const good = (arm: Arm, weight: number, nodes: number) => ({
  id: arm.id,
  weight,
  hash: arm.configurationHash,
  nodes: Array.from({ length: nodes }, () => ({
    healthyInProxy: true,
    health: 'ready',
    build: arm.buildDigest,
    hash: arm.configurationHash,
  })),
});

/** Sends requests to production all the while; none may fail. */
async function underLoad<T>(work: () => Promise<T>): Promise<T> {
  const load = new SteadyLoad(`${gatewayUrl('production')}/health`, bed.host, PER_SECOND);
  try {
    const done = await work();
    await load.next(50);
    return done;
  } finally {
    await load.stop();
    console.log(`${load.answers.length} requests, ${load.failures.length} failed`);
    expect(load.failures.slice(0, 5)).toEqual([]);
  }
}

it(
  'measures two builds in staging: by header, with a planted delay, and nothing without a header',
  async () => {
    const [baseline, candidate] = await Promise.all([
      platform.deploy(bed.request({ environment: 'staging', role: 'baseline' }), signal),
      platform.deploy(
        bed.request({ environment: 'staging', role: 'candidate', build: bed.images['1.1'] }),
        signal,
      ),
    ]);
    const arms = [
      { headerValue: 'baseline', armId: baseline.id },
      { headerValue: 'candidate', armId: candidate.id },
    ];
    const planted = { headerValue: 'baseline', delayMs: 300 };
    await platform.routeMeasurement({ service: SERVICE, arms, planted }, signal);
    for (const [value, arm, version] of [
      ['baseline', baseline, '1.0'],
      ['candidate', candidate, '1.1'],
    ] as const) {
      const answer = await bed.ask('staging', { [ARM_HEADER]: value });
      expect(answer).toEqual({ status: 200, version, node: arm.nodes[0]?.name });
    }
    expect((await bed.ask('staging')).status).toBe(404);
    const begun = performance.now();
    await bed.ask('staging', { [ARM_HEADER]: 'baseline', [PLANTED_HEADER]: '1' });
    expect(performance.now() - begun).toBeGreaterThan(300 - ENVOY_TICK_MS);

    const observed = await platform.observe(SERVICE, 'staging');
    expect(observed.map(summary)).toEqual(
      expect.arrayContaining([good(baseline, 0, 1), good(candidate, 0, 1)]),
    );
    const counted = observed.flatMap(({ nodes }) => nodes.map((node) => node.requestsTotal));
    expect(Math.min(...counted)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...counted)).toBe(2);

    await platform.remove(baseline.id, signal);
    expect((await bed.ask('staging', { [ARM_HEADER]: 'baseline' })).status).toBe(404);
    expect((await bed.ask('staging', { [ARM_HEADER]: 'candidate' })).version).toBe('1.1');
    await platform.remove(candidate.id, signal);
    expect(await bed.owned()).toEqual([]);
  },
  SLOW,
);

it(
  'takes a configuration live, gracefully out of rotation and by fresh pods, and fails no request of production',
  async () => {
    current = await platform.deploy(bed.request({ nodes: 2 }), signal);
    await platform.routeProduction(
      { service: SERVICE, weights: [{ armId: current.id, weight: 100 }] },
      signal,
    );
    const changes: Record<string, number> = {};
    await underLoad(async () => {
      for (const [knob, value, way, fresh] of [
        ['mesh.timeout', 29_000, 'live', false],
        ['httpd.keepAliveTimeout', 6000, 'graceful', false],
        ['httpd.listenBacklog', 1024, 'replace', true],
      ] as const) {
        const before = await names();
        changes[knob] = value;
        const configuration = bed.configuration(changes);
        const report = await platform.apply(current.id, configuration, signal);
        expect(report.ways).toContain(way);
        current = report.arm;
        expect(current.configurationHash).toBe(configuration.hash);
        expect((await platform.observe(SERVICE, 'production')).map(summary)).toEqual([
          good(current, 100, 2),
        ]);
        const kept = (await names()).filter((name) => before.includes(name));
        expect(kept).toHaveLength(fresh ? 0 : 2);
      }
    });
  },
  SLOW,
);

const names = async (): Promise<readonly string[]> =>
  (await platform.observe(SERVICE, 'production')).flatMap(({ arm }) =>
    arm.nodes.map(({ name }) => name),
  );

it(
  'is found again by another gate, which puts back what a swap that was cut off left out of rotation',
  async () => {
    const { namespace } = bed.placement.production;
    // The pods that were replaced may still be draining.
    const [name = ''] = await names();
    const record = await bed.client.find({ kind: CONFIG_MAP, namespace, name: current.id });
    const data = record?.data as Record<string, string>;
    const arm = JSON.parse(data['arm.json']!) as Record<string, unknown>;
    const applying = { hash: 'f'.repeat(64), values: arm.values };
    await bed.client.apply(CONFIG_MAP, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: current.id, namespace, labels: record!.metadata.labels },
      data: { ...data, 'arm.json': JSON.stringify({ ...arm, applying }) },
    });
    await bed.client.merge(
      { kind: POD, namespace, name },
      { metadata: { labels: { [SERVICE_LABEL]: null } } },
    );
    await until('the proxy is without the pod', async () => {
      const [seen] = await platform.observe(SERVICE, 'production');
      return seen?.nodes.some(({ healthyInProxy }) => !healthyInProxy) === true ? true : undefined;
    });
    const next = bed.open();
    await underLoad(() => next.start());
    expect((await next.observe(SERVICE, 'production')).map(summary)).toEqual([
      good(current, 100, 2),
    ]);
    const after = await bed.client.find({ kind: CONFIG_MAP, namespace, name: current.id });
    expect((after?.data as Record<string, string>)['arm.json']).not.toContain('applying');
    platform = next;
  },
  SLOW,
);

it(
  'shifts production to a canary by weight and back, and removes only what carries nothing',
  async () => {
    await underLoad(async () => {
      const canary = await platform.deploy(
        bed.request({ role: 'canary', build: bed.images['1.1'] }),
        signal,
      );
      const route = (weight: number) =>
        platform.routeProduction(
          {
            service: SERVICE,
            weights: [
              { armId: current.id, weight: 100 - weight },
              { armId: canary.id, weight },
            ],
          },
          signal,
        );
      for (const weight of [5, 50, 100]) {
        await route(weight);
        const seen = await platform.observe(SERVICE, 'production');
        expect(Object.fromEntries(seen.map((one) => [one.arm.id, one.weight]))).toEqual({
          [current.id]: 100 - weight,
          [canary.id]: weight,
        });
      }
      expect((await bed.ask('production')).version).toBe('1.1');
      await expect(platform.remove(canary.id, signal)).rejects.toMatchObject({
        failure: 'refused',
      });
      // Another gate knows the weights, too: the cluster is the state.
      await bed.open().restore(SERVICE, current.id, signal);
      expect((await bed.ask('production')).version).toBe('1.0');
      await platform.remove(canary.id, signal);
    });
  },
  SLOW,
);

it(
  'says what is wrong with weights, arms and pods that are not there, and routes nothing',
  async () => {
    const weights = (armId: string, weight: number) => ({
      service: SERVICE,
      weights: [{ armId, weight }],
    });
    await expect(platform.routeProduction(weights(current.id, 90), signal)).rejects.toThrow(
      /sum to 100/,
    );
    await expect(platform.routeProduction(weights('nobody', 100), signal)).rejects.toMatchObject({
      failure: 'refused',
    });
    await expect(platform.observe('other', 'production')).rejects.toThrow(/catalogue/);
    await expect(
      platform.deploy(bed.request({ role: 'canary', build: bed.images['broken-start'] }), signal),
    ).rejects.toMatchObject({ failure: 'node-not-ready' });
    expect((await platform.observe(SERVICE, 'production')).map(summary)).toEqual([
      good(current, 100, 2),
    ]);
  },
  SLOW,
);

it(
  'lets another arm in where the one that serves has no pod, and tells of one that somebody deleted',
  async () => {
    const { namespace } = bed.placement.production;
    const served = async (status: number): Promise<void> => {
      await until(`production answers ${status}`, async () =>
        (await bed.ask('production')).status === status ? true : undefined,
      );
    };
    const route = (weights: readonly (readonly [Arm, number])[]) =>
      platform.routeProduction(
        { service: SERVICE, weights: weights.map(([{ id }, weight]) => ({ armId: id, weight })) },
        signal,
      );
    const dead = current;
    const deployment = { kind: DEPLOYMENT, namespace, name: dead.id };
    await bed.client.merge(deployment, { spec: { replicas: 0 } });
    await served(503);
    const fix = await platform.deploy(
      bed.request({ role: 'canary', build: bed.images['1.1'] }),
      signal,
    );
    await route([
      [dead, 95],
      [fix, 5],
    ]);
    await expect(route([[dead, 100]])).rejects.toMatchObject({ failure: 'node-not-ready' });
    await route([[fix, 100]]);
    expect((await bed.ask('production')).version).toBe('1.1');
    await platform.remove(dead.id, signal);

    await bed.client.delete({ kind: DEPLOYMENT, namespace, name: fix.id });
    await until('its rests are told', async () => {
      const [seen] = await platform.observe(SERVICE, 'production');
      return seen?.leftover === true && seen.arm.id === fix.id ? true : undefined;
    });
    current = await platform.deploy(bed.request({ nodes: 2 }), signal);
    await route([[current, 100]]);
    expect((await bed.ask('production')).version).toBe('1.0');
    await platform.remove(fix.id, signal);
    expect((await platform.observe(SERVICE, 'production')).map(summary)).toEqual([
      good(current, 100, 2),
    ]);
  },
  SLOW,
);

it(
  'leaves nothing behind when its last arm goes',
  async () => {
    const { namespace } = bed.placement.production;
    // Nobody may remove what serves; here there is nobody else to serve.
    const name = `speed-gate-${SERVICE}`;
    await bed.client.delete({ kind: ISTIO_KINDS.VirtualService, namespace, name });
    await until('nothing is routed', async () =>
      (await bed.ask('production')).status === 404 ? true : undefined,
    );
    await platform.remove(current.id, signal);
    expect(await bed.owned()).toEqual([]);
    expect(await platform.observe(SERVICE, 'production')).toEqual([]);
  },
  SLOW,
);
