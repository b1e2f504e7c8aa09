/** Routes through the real control plane and the real gateways, with requests on them. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { IstioPlacement } from '../../gate-service/src/mesh/istio/resources.ts';
import { subset } from '../../gate-service/src/mesh/plan-fixture.ts';
import {
  ARM_HEADER,
  type DefaultRoute,
  type Endpoint,
  type MeshPlan,
  type MeshService,
  type Subset,
} from '../../gate-service/src/mesh/plan.ts';
import { envoyProxies } from '../../gate-service/src/platforms/kubernetes/mesh/envoy-proxies.ts';
import { istiodProxies } from '../../gate-service/src/platforms/kubernetes/mesh/istiod-proxies.ts';
import { ISTIO_KINDS } from '../../gate-service/src/platforms/kubernetes/mesh/kinds.ts';
import { listIn, specOf } from '../../gate-service/src/platforms/kubernetes/mesh/own-object.ts';
import type { Proxies } from '../../gate-service/src/platforms/kubernetes/mesh/proxies.ts';
import { MeshWriter } from '../../gate-service/src/platforms/kubernetes/mesh/writer.ts';
import { PlatformError } from '../../gate-service/src/platforms/platform.ts';
import { clusterUp } from '../support/cluster/cluster.ts';
import { defaultLayout, gateways, gatewayUrl } from '../support/cluster/layout.ts';
import { listenerOn } from '../support/cluster/listeners.ts';
import { recordOfRunning } from '../support/cluster/supervise.ts';
import { endpointsOf, PORT, startArm } from './support/arms-of-envoys.ts';
import { ADMIN_PORT, IstioBed } from './support/istio-bed.ts';
import { ask, SteadyLoad } from './support/steady-load.ts';

const PER_SECOND = 300;
const SERVICE = 'checkout';

let bed: IstioBed;
let host: string;
let placement: IstioPlacement;
let pods: Readonly<Record<'baseline' | 'candidate', readonly Endpoint[]>>;

beforeAll(async () => {
  bed = await IstioBed.create();
  host = `${bed.namespace}.example`;
  placement = {
    namespace: bed.namespace,
    gateway: { kind: 'existing', names: [gateways.production.gateway] },
    endpoints: { kind: 'pods', targetPort: PORT },
  };
  await startArm(bed, SERVICE, 'baseline', 2);
  await startArm(bed, SERVICE, 'candidate', 2);
  pods = {
    baseline: await endpointsOf(bed, 'baseline', 2),
    candidate: await endpointsOf(bed, 'candidate', 2),
  };
});
afterAll(() => bed.dispose());

const admin = envoyProxies(ADMIN_PORT);
const writer = (more: Partial<ConstructorParameters<typeof MeshWriter>[0]> = {}) =>
  new MeshWriter({ client: bed.client, proxies: admin, placement, ...more });

/** Production with this share for the candidate. */
function production(candidate: number): MeshPlan {
  const weights = [
    { subset: 'baseline', weight: 100 - candidate },
    { subset: 'candidate', weight: candidate },
  ];
  const subsets = (['baseline', 'candidate'] as const).map((arm) => subset(arm, ...pods[arm]));
  const defaultRoute = { weights, timeoutMs: 10_000, attempts: 1, perTryTimeoutMs: 4000 };
  const service = { name: SERVICE, hosts: [host], healthPath: '/', subsets, armRoutes: [] };
  return { environment: 'production', services: [{ ...service, defaultRoute }] };
}

/** The plan with other subsets, and weights for them. */
function changed(
  plan: MeshPlan,
  { subsets, weights }: Pick<MeshService, 'subsets'> & Pick<DefaultRoute, 'weights'>,
): MeshPlan {
  const services = plan.services.map((service) => ({
    ...service,
    subsets,
    defaultRoute: { ...service.defaultRoute!, weights },
  }));
  return { ...plan, services };
}

/** Of the DestinationRule. */
async function subsetNames(): Promise<readonly unknown[]> {
  const place = { kind: ISTIO_KINDS.DestinationRule, namespace: bed.namespace };
  const found = await bed.client.find({ ...place, name: `speed-gate-${SERVICE}` });
  return listIn(specOf(found), 'subsets').map(({ name }) => name);
}

async function underLoad(work: (load: SteadyLoad) => Promise<void>): Promise<void> {
  const load = new SteadyLoad(gatewayUrl('production'), host, PER_SECOND);
  try {
    await work(load);
  } finally {
    await load.stop();
  }
  console.log(`${load.answers.length} requests, ${load.failures.length} failed`);
  expect(load.failures.slice(0, 5)).toEqual([]);
}

async function failureOf(work: Promise<unknown>): Promise<PlatformError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PlatformError);
  return error as PlatformError;
}

async function sharesNow(): Promise<unknown> {
  const [seen] = await writer().observe(production(50));
  return (seen?.traffic.requests[host] as { shares: unknown }).shares;
}

const istiod = async (): Promise<Proxies> => {
  const token = await bed.kubectl(
    ...['--namespace', 'istio-system', 'create', 'token', 'istiod', '--audience', 'istio-ca'],
  );
  return istiodProxies({
    client: bed.client,
    namespace: 'istio-system',
    labels: { app: 'istiod' },
    port: 15_014,
    token: () => Promise.resolve(token.trim()),
  });
};

describe('weights under load', () => {
  it.each(['as the proxies have them', 'as istiod has them'])(
    'change without a failed request, seen %s',
    async (how) => {
      const proxies = how.startsWith('as istiod') ? await istiod() : admin;
      const routes = writer({ proxies });
      await routes.publish(production(0));
      await underLoad(async (load) => {
        for (const share of [1, 5, 25, 50, 100, 0]) {
          const report = await routes.publish(production(share));
          const sent = await load.next(PER_SECOND);
          const seen = sent.filter(({ body }) => body === 'candidate').length / sent.length;
          console.log(`${share} %`, seen, JSON.stringify(report));
          if (share === 0 || share === 100) expect(seen).toBe(share / 100);
          // Five standard deviations and more of a share among 300.
          else expect(Math.abs(seen - share / 100)).toBeLessThan(0.16);
          expect(report.routes.seen).toBeGreaterThanOrEqual(report.routes.applied);
          expect(report.proxies).toEqual([expect.stringMatching(/^gateway-production-.*\.edge$/)]);
        }
      });
    },
  );

  it('bring a new arm and take it away without a failed request', async () => {
    const alone = changed(production(0), {
      subsets: production(0).services[0]!.subsets.slice(0, 1),
      weights: [{ subset: 'baseline', weight: 100 }],
    });
    await writer().publish(alone);
    expect(await subsetNames()).toEqual(['baseline']);
    await underLoad(async (load) => {
      for (let round = 0; round < 3; round += 1) {
        await writer().publish(production(100));
        const sent = await load.next(PER_SECOND / 2);
        expect(sent.every(({ body }) => body === 'candidate')).toBe(true);
        await writer().publish(alone);
        expect(await subsetNames()).toEqual(['baseline']);
      }
    });
  });

  it('stay where a subset has nobody to take them', async () => {
    await writer().publish(production(5));
    const [baseline, candidate] = production(50).services[0]!.subsets as [Subset, Subset];
    const gone = changed(production(50), {
      subsets: [baseline, { ...candidate, name: 'nobody' }],
      weights: [
        { subset: 'baseline', weight: 50 },
        { subset: 'nobody', weight: 50 },
      ],
    });
    await underLoad(async () => {
      const failure = await failureOf(writer({ seenMs: 3000 }).publish(gone));
      expect(failure.failure).toBe('route-not-seen');
      expect(failure.message).toContain('Subset checkout/nobody: endpoints is []');
    });
    expect(await sharesNow()).toEqual({ 'checkout/baseline': 95, 'checkout/candidate': 5 });
    await writer().publish(production(0));
    expect(await subsetNames()).toEqual(['baseline', 'candidate']);
  });

  it('go back where a proxy is not seen to take them', async () => {
    await writer().publish(production(5));
    let looks = 0;
    // The way to the proxies is cut once the subsets were seen.
    const cut: Proxies = {
      look: (...of) => {
        looks += 1;
        return looks > 1 ? Promise.reject(new Error('no way to the proxy')) : admin.look(...of);
      },
    };
    await underLoad(async (load) => {
      const failure = await failureOf(
        writer({ proxies: cut, seenMs: 2000 }).publish(production(100)),
      );
      expect(failure.failure).toBe('route-not-seen');
      expect(failure.message).toContain('no way to the proxy');
      expect(failure.message).toContain('The former routes were put back.');
      const back = { 'checkout/baseline': 95, 'checkout/candidate': 5 };
      await vi.waitFor(async () => {
        expect(await sharesNow()).toEqual(back);
      }, 30_000);
      // For a while the candidate had it all: the routes were written.
      const candidates = load.answers.filter(({ body }) => body === 'candidate').length;
      expect(candidates / load.answers.length).toBeGreaterThan(0.3);
    });
  });

  it('are refused for a gateway that is not there', async () => {
    const elsewhere: IstioPlacement = {
      ...placement,
      gateway: { kind: 'existing', names: ['edge/gone'] },
    };
    const failure = await failureOf(writer({ placement: elsewhere }).publish(production(5)));
    expect(failure.failure).toBe('invalid-configuration');
    expect(failure.message).toContain('gateway-exists');
  });
});

describe('arms by header', () => {
  const get = (name: 'staging' | 'production', headers: Record<string, string>) =>
    ask(gatewayUrl(name), { Host: host, ...headers });

  it('are honoured in staging, where an unknown one gets a 404, and not in production', async () => {
    const policy = { timeoutMs: 10_000, attempts: 0 };
    const { services } = production(0);
    const [{ defaultRoute, ...service }] = services as [(typeof services)[0] & object];
    expect(defaultRoute).toBeDefined();
    const staging: IstioPlacement = {
      ...placement,
      gateway: { kind: 'existing', names: [gateways.staging.gateway] },
    };
    const armRoutes = (['baseline', 'candidate'] as const).map((arm) => ({
      ...policy,
      headerValue: `value-${arm}`,
      subset: arm,
    }));
    await writer({ placement: staging }).publish({
      environment: 'staging',
      services: [{ ...service, armRoutes }],
    });
    for (const arm of ['baseline', 'candidate']) {
      const { body, headers } = await get('staging', { [ARM_HEADER]: `value-${arm}` });
      expect(body).toBe(arm);
      expect(headers).toMatchObject({ 'x-speed-gate-node': arm });
      expect(headers).not.toHaveProperty('x-saw-arm');
    }
    expect((await get('staging', { [ARM_HEADER]: 'other' })).status).toBe(404);
    expect((await get('staging', {})).status).toBe(404);

    await writer().publish(production(0));
    const { body, headers } = await get('production', { [ARM_HEADER]: 'value-candidate' });
    expect(body).toBe('baseline');
    expect(headers).not.toHaveProperty('x-saw-arm');
    expect(headers).not.toHaveProperty('x-speed-gate-node');
  });
});

describe('a control plane that fails', () => {
  it('has writes refused while istiod is down, and taken when it is back', async () => {
    const scale = (replicas: number) =>
      bed.kubectl(
        ...['--namespace', 'istio-system', 'scale', 'deployment/istiod', `--replicas=${replicas}`],
      );
    await writer().publish(production(0));
    await underLoad(async () => {
      await scale(0);
      try {
        await bed.kubectl(
          ...['--namespace', 'istio-system', 'wait', 'pod', '--for=delete'],
          ...['--selector=app=istiod', '--timeout=120s'],
        );
        const failure = await failureOf(writer().publish(production(50)));
        expect(failure.failure).toBe('component-failed');
        expect(failure.message).toContain('validation webhook does not answer');
        expect(await sharesNow()).toEqual({ 'checkout/baseline': 100 });
      } finally {
        await scale(1);
        await bed.kubectl(
          ...['--namespace', 'istio-system', 'rollout', 'status', 'deployment/istiod'],
        );
      }
      await bed.untilConnected('production');
      await writer().publish(production(5));
      expect(await sharesNow()).toEqual({ 'checkout/baseline': 95, 'checkout/candidate': 5 });
    });
  });

  it('takes routes again after its API server was killed', async () => {
    await writer().publish(production(0));
    await underLoad(async () => {
      const { pid } = (await recordOfRunning(defaultLayout, 'kube-apiserver'))!;
      process.kill(pid, 'SIGKILL');
      const during = writer()
        .publish(production(5))
        .catch((error: unknown) => error);
      // A killed process holds its port until its memory is given back.
      const { address, ports } = defaultLayout;
      await vi.waitFor(() => {
        expect(listenerOn(address, ports.api)).toBeUndefined();
      }, 60_000);
      await clusterUp();
      const early = await during;
      if (early instanceof Error) expect(early).toBeInstanceOf(PlatformError);
      const report = await writer().publish(production(25));
      console.log('after the API server was killed', JSON.stringify(report));
      expect(await sharesNow()).toEqual({ 'checkout/baseline': 75, 'checkout/candidate': 25 });
    });
  });
});

describe('a service that is taken out', () => {
  it('has no routes, subsets or entries left', async () => {
    await writer().publish(production(5));
    await writer().remove(SERVICE, 'production');
    expect((await ask(gatewayUrl('production'), { Host: host })).status).toBe(404);
    for (const kind of Object.values(ISTIO_KINDS)) {
      expect(await bed.client.list({ kind, namespace: bed.namespace })).toEqual([]);
    }
  });
});
