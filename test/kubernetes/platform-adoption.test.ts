/** A service that has users already: its VirtualService is adopted by the first promotion, under their requests. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADOPT_FROM } from '../../gate-service/src/mesh/istio/adoption.ts';
import { SERVICE as CORE_SERVICE } from '../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import type { KubernetesObject } from '../../gate-service/src/platforms/kubernetes/client/objects.ts';
import { ISTIO_KINDS } from '../../gate-service/src/platforms/kubernetes/mesh/kinds.ts';
import type { KubernetesPlatform } from '../../gate-service/src/platforms/kubernetes/kubernetes-platform.ts';
import { gatewayUrl } from '../support/cluster/layout.ts';
import { until } from '../support/processes.ts';
import { platformBed, SERVICE, type PlatformBed } from './support/platform-bed.ts';
import { SteadyLoad } from './support/steady-load.ts';

const TEAM = 'the-team';
const SITE = 'site';
const KIND = ISTIO_KINDS.VirtualService;
const PER_SECOND = 100;
const SLOW = 900_000;

let bed: PlatformBed;
let platform: KubernetesPlatform;

beforeAll(async () => {
  bed = await platformBed(1);
  const { namespace, gateways } = bed.placement.production;
  const metadata = { name: SITE, namespace };
  await bed.client.apply(
    CORE_SERVICE,
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: { app: 'checkout' }, ports: [{ name: 'http', port: 8080 }] },
    },
    { fieldManager: TEAM },
  );
  await bed.client.apply(
    KIND,
    {
      apiVersion: KIND.apiVersion,
      kind: KIND.kind,
      metadata: { ...metadata, annotations: { [ADOPT_FROM]: TEAM } },
      spec: {
        hosts: [bed.host],
        gateways: gateways.map((one) => `${one.namespace}/${one.name}`),
        http: [{ name: 'main', route: [{ destination: { host: SITE } }] }],
      },
    },
    { fieldManager: TEAM },
  );
  const production = { ...bed.placement.production, virtualService: SITE };
  platform = bed.open({
    services: [{ name: SERVICE, hosts: [bed.host], placement: { ...bed.placement, production } }],
  });
  await platform.start();
}, SLOW);
afterAll(() => bed.close(), 240_000);

const signal = new AbortController().signal;

async function routes(): Promise<KubernetesObject['spec']> {
  const { namespace } = bed.placement.production;
  return (await bed.client.find({ kind: KIND, namespace, name: SITE }))!.spec;
}

it(
  'serves its users by the team’s own pods until the first arm is routed to, and fails none of them',
  async () => {
    await until('the team’s pods serve', async () =>
      (await bed.ask('production')).version === '1.0' ? true : undefined,
    );
    const before = await routes();
    const load = new SteadyLoad(`${gatewayUrl('production')}/health`, bed.host, PER_SECOND);
    try {
      const arm = await platform.deploy(bed.request({ build: bed.images['1.1'] }), signal);
      await load.next(50);
      expect(await routes()).toEqual(before);
      expect((await bed.ask('production')).version).toBe('1.0');
      expect(await platform.observe(SERVICE, 'production')).toMatchObject([
        { arm: { id: arm.id }, weight: 0 },
      ]);
      await platform.routeProduction(
        { service: SERVICE, weights: [{ armId: arm.id, weight: 100 }] },
        signal,
      );
      await load.next(50);
      expect((await bed.ask('production')).version).toBe('1.1');
    } finally {
      await load.stop();
      console.log(`${load.answers.length} requests, ${load.failures.length} failed`);
      expect(load.failures.slice(0, 5)).toEqual([]);
    }
  },
  SLOW,
);
