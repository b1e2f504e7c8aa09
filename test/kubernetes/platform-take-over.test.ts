/** Production's own Deployment takes over what was promoted, with real nodes under real requests. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ARM_LABEL } from '../../gate-service/src/platforms/kubernetes/arms/labels.ts';
import { DEPLOYMENT } from '../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import type { KubernetesPlatform } from '../../gate-service/src/platforms/kubernetes/kubernetes-platform.ts';
import type { Arm } from '../../gate-service/src/platforms/platform.ts';
import { gatewayUrl } from '../support/cluster/layout.ts';
import { until } from '../support/processes.ts';
import { platformBed, SERVICE, type PlatformBed } from './support/platform-bed.ts';
import { SteadyLoad } from './support/steady-load.ts';

const PER_SECOND = 100;
const SLOW = 900_000;

let bed: PlatformBed;
let platform: KubernetesPlatform;
let first: Arm;

const open = (): KubernetesPlatform =>
  bed.open({
    services: [
      { name: SERVICE, hosts: [bed.host], placement: { ...bed.placement, primary: 'takes-over' } },
    ],
  });

beforeAll(async () => {
  // The team's own pod runs until the first promotion.
  bed = await platformBed(1);
  platform = open();
  await platform.start();
}, SLOW);
afterAll(() => bed.close(), 240_000);

const signal = new AbortController().signal;
const all = (armId: string) => ({ service: SERVICE, weights: [{ armId, weight: 100 }] });

async function underLoad(work: () => Promise<void>): Promise<void> {
  const load = new SteadyLoad(`${gatewayUrl('production')}/health`, bed.host, PER_SECOND);
  try {
    await work();
    await load.next(50);
  } finally {
    await load.stop();
    console.log(`${load.answers.length} requests, ${load.failures.length} failed`);
    expect(load.failures.slice(0, 5)).toEqual([]);
  }
}

interface Primary {
  readonly image: string | undefined;
  readonly arm: string | undefined;
}

async function primary(): Promise<Primary> {
  const { namespace } = bed.placement.production;
  const found = await bed.client.find({ kind: DEPLOYMENT, namespace, name: 'checkout' });
  const { template } = found?.spec as {
    template: {
      metadata: { labels: Record<string, string> };
      spec: { containers: { image: string }[] };
    };
  };
  return { image: template.spec.containers[0]?.image, arm: template.metadata.labels[ARM_LABEL] };
}

async function expectTakenOver(arm: Arm): Promise<void> {
  const { digest, location } = bed.images['1.1'];
  const image = arm.buildDigest === digest ? `${location}@sha256:${digest}` : undefined;
  expect((await primary()).arm).toBe(arm.id);
  if (image !== undefined) expect((await primary()).image).toBe(image);
  const seen = (await platform.observe(SERVICE, 'production')).find((one) => one.arm.id === arm.id);
  expect(seen).toMatchObject({ weight: 100, arm: { buildDigest: arm.buildDigest } });
  expect(seen).not.toHaveProperty('besidePrimary');
  expect(seen?.nodes).toHaveLength(1);
  expect(seen?.nodes[0]).toMatchObject({
    healthyInProxy: true,
    status: {
      health: 'ready',
      buildDigest: arm.buildDigest,
      configurationHash: arm.configurationHash,
    },
  });
  // A pod of the team's Deployment, not of one of the gate's.
  expect(seen?.nodes[0]?.name).not.toContain(arm.id);
}

it(
  'takes the build and its configuration by its own rollout, while the arm goes on carrying everything',
  async () => {
    first = await platform.deploy(bed.request({ build: bed.images['1.1'] }), signal);
    await platform.routeProduction(all(first.id), signal);
    const [before] = await platform.observe(SERVICE, 'production');
    expect(before?.besidePrimary).toBe(true);
    await underLoad(() => platform.takeOver!(first.id, signal));
    await expectTakenOver(first);
    expect((await bed.ask('production')).version).toBe('1.1');
    expect((await bed.owned()).filter((one) => one.startsWith('Deployment'))).toEqual([]);
  },
  SLOW,
);

it(
  'goes on where a gate was cut off in the middle, and then lets the former arm go',
  async () => {
    const configuration = bed.configuration({ 'jetty.maxThreads': 220 });
    await underLoad(async () => {
      const next = await platform.deploy(bed.request({ role: 'canary', configuration }), signal);
      await platform.routeProduction(all(next.id), signal);
      const cut = new AbortController();
      const cutOff = platform.takeOver!(next.id, cut.signal).catch((error: unknown) => error);
      await until('the primary was given the arm', async () =>
        (await primary()).arm === next.id ? true : undefined,
      );
      cut.abort(new Error('the gate ends'));
      expect(await cutOff).toMatchObject({ failure: 'aborted' });

      platform = open();
      await platform.start();
      const found = (await platform.observe(SERVICE, 'production')).find(
        ({ arm }) => arm.id === next.id,
      );
      expect(found).toMatchObject({ weight: 100, besidePrimary: true });
      await platform.takeOver!(next.id, signal);
      await expectTakenOver(next);
      await platform.remove(first.id, signal);
      first = next;
    });
    expect((await bed.ask('production')).version).toBe('1.0');
    const owned = (await bed.owned()).filter((one) => /^(ConfigMap|Secret|Deployment)/.test(one));
    expect(owned.toSorted()).toEqual([`ConfigMap ${first.id}`, `Secret ${first.id}`]);
  },
  SLOW,
);

it(
  'takes nothing over onto a pod template that somebody has changed since it was judged',
  async () => {
    const next = await platform.deploy(
      bed.request({ role: 'canary', build: bed.images['1.1'] }),
      signal,
    );
    await platform.routeProduction(all(next.id), signal);
    const { namespace } = bed.placement.production;
    const place = { kind: DEPLOYMENT, namespace, name: 'checkout' };
    await bed.client.merge(place, {
      spec: { template: { metadata: { annotations: { 'team.example/changed': 'yes' } } } },
    });
    await underLoad(async () => {
      await expect(platform.takeOver!(next.id, signal)).rejects.toThrow(/changed the pod template/);
      expect((await primary()).arm).toBe(first.id);
      // The former arm goes all the same: out of the mesh now, its pods when the Deployment takes another one.
      await platform.remove(first.id, signal);
    });
    expect((await platform.observe(SERVICE, 'production')).map(({ arm }) => arm.id)).toEqual([
      next.id,
    ]);
    expect((await bed.ask('production')).version).toBe('1.1');
  },
  SLOW,
);
