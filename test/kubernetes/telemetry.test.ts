/** Production's traffic by arm from the metrics of the real gateways: Envoys that istiod configures, scraped by a real Prometheus. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { meshHost } from '../../gate-service/src/mesh/istio/resources.ts';
import { subset } from '../../gate-service/src/mesh/plan-fixture.ts';
import type { Endpoint, MeshPlan } from '../../gate-service/src/mesh/plan.ts';
import { DEPLOYMENT } from '../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import { envoyProxies } from '../../gate-service/src/platforms/kubernetes/mesh/envoy-proxies.ts';
import { gatewayPods } from '../../gate-service/src/platforms/kubernetes/mesh/proxies.ts';
import { MeshWriter } from '../../gate-service/src/platforms/kubernetes/mesh/writer.ts';
import { createClusterTelemetry } from '../../gate-service/src/telemetry/cluster-telemetry.ts';
import type { ArmTraffic } from '../../gate-service/src/telemetry/telemetry.ts';
import { TestPrometheus } from '../integration/telemetry-prometheus.ts';
import { gateways, gatewayUrl } from '../support/cluster/layout.ts';
import { endpointsOf, PORT, startArm } from './support/arms-of-envoys.ts';
import { ADMIN_PORT, IstioBed } from './support/istio-bed.ts';
import { ask } from './support/steady-load.ts';

const SERVICE = 'checkout';
const ARMS = ['baseline', 'candidate'] as const;

let bed: IstioBed;
let host: string;
let routes: MeshWriter;
let pods: Readonly<Record<(typeof ARMS)[number], readonly Endpoint[]>>;
let prometheus: TestPrometheus;

beforeAll(async () => {
  bed = await IstioBed.create();
  host = `${bed.namespace}.example`;
  const placement = {
    namespace: bed.namespace,
    gateway: { kind: 'existing', names: [gateways.production.gateway] },
    endpoints: { kind: 'pods', targetPort: PORT },
  } as const;
  routes = new MeshWriter({ client: bed.client, proxies: envoyProxies(ADMIN_PORT), placement });
  for (const arm of ARMS) await startArm(bed, SERVICE, arm, 1);
  pods = {
    baseline: await endpointsOf(bed, 'baseline', 1),
    candidate: await endpointsOf(bed, 'candidate', 1),
  };
  await routes.publish(production());
  const found = await gatewayPods(bed.client, [gateways.production.gateway]);
  prometheus = await TestPrometheus.start(
    found.map(({ address }) => ({
      address: `${address}:${ADMIN_PORT}`,
      labels: { environment: 'production' },
    })),
  );
});
afterAll(async () => {
  // A set-up that failed leaves it undefined, and its namespace must go all the same.
  await (prometheus as TestPrometheus | undefined)?.stop();
  await bed.dispose();
});

function production(): MeshPlan {
  const weights = ARMS.map((arm) => ({ subset: arm, weight: arm === 'candidate' ? 30 : 70 }));
  const subsets = ARMS.map((arm) => subset(arm, ...pods[arm]));
  const defaultRoute = { weights, timeoutMs: 10_000, attempts: 0 };
  const service = { name: SERVICE, hosts: [host], healthPath: '/', subsets, armRoutes: [] };
  return { environment: 'production', services: [{ ...service, defaultRoute }] };
}

const traffic = (fromMs: number) =>
  createClusterTelemetry({
    dialect: 'envoy',
    url: prometheus.url,
    hosts: { [SERVICE]: meshHost(SERVICE, bed.namespace) },
  }).armTraffic(SERVICE, [...ARMS, 'no-such-arm'], { fromMs, toMs: Date.now() });

const since = (fromMs: number, look: (seen: ReadonlyMap<string, ArmTraffic | undefined>) => void) =>
  vi.waitFor(
    async () => {
      const seen = await traffic(fromMs);
      look(seen);
      return seen;
    },
    { timeout: 60_000, interval: 250 },
  );

/** An instant whose scrape in force has all that was sent before it, and nothing that is sent after it. */
async function beginning(): Promise<number> {
  await prometheus.untilScraped('min(timestamp(up))', Date.now() / 1000);
  const fromMs = Date.now();
  await sleep(2);
  return fromMs;
}

async function send(count: number) {
  const answers = [];
  for (let i = 0; i < count; i += 1) {
    answers.push(await ask(gatewayUrl('production'), { Host: host }));
  }
  return answers;
}

it('counts what each arm was sent and failed at, exactly', async () => {
  const fromMs = await beginning();
  const before = await since(fromMs, (seen) => {
    expect(seen.get('candidate')).toBeDefined();
  });
  expect(before.get('candidate')).toMatchObject({ requests: 0, failures: 0 });
  const answers = await send(200);
  const sent = (arm: string) => answers.filter(({ body }) => body === arm).length;
  expect(sent('candidate')).toBeGreaterThan(20);
  expect(sent('baseline') + sent('candidate')).toBe(200);
  const answered = (arm: ArmTraffic | undefined) => arm?.latency.bounds.at(-1)?.count ?? 0;
  const seen = await since(fromMs, (now) => {
    // Envoy hands its latencies over every five seconds.
    expect(answered(now.get('candidate'))).toBe(sent('candidate'));
  });
  for (const arm of ARMS) {
    expect(seen.get(arm)).toMatchObject({ armId: arm, requests: sent(arm), failures: 0 });
  }
  expect(seen.get('no-such-arm')).toBeUndefined();
});

it('counts answers that the gateway gave because no pod was there', async () => {
  await bed.client.delete({ kind: DEPLOYMENT, namespace: bed.namespace, name: 'candidate' });
  await vi.waitFor(
    async () => {
      const { status } = await ask(gatewayUrl('production'), { Host: host });
      expect(status).toBe(503);
    },
    { timeout: 60_000, interval: 20 },
  );
  const fromMs = await beginning();
  const answers = await send(100);
  const failed = answers.filter(({ status }) => status === 503).length;
  expect(failed).toBeGreaterThan(5);
  const seen = await since(fromMs, (now) => {
    expect(now.get('candidate')).toMatchObject({ requests: failed, failures: failed });
  });
  expect(seen.get('baseline')).toMatchObject({ requests: 100 - failed, failures: 0 });
});
