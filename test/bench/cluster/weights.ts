/** Changes of weights in front of two small arms: written, in effect at the gateways, seen by their metrics, with users all the while. */
import { setTimeout as sleep } from 'node:timers/promises';
import { meshHost } from '../../../gate-service/src/mesh/istio/resources.ts';
import { subset } from '../../../gate-service/src/mesh/plan-fixture.ts';
import type { MeshPlan, Subset } from '../../../gate-service/src/mesh/plan.ts';
import { envoyProxies } from '../../../gate-service/src/platforms/kubernetes/mesh/envoy-proxies.ts';
import { MeshWriter } from '../../../gate-service/src/platforms/kubernetes/mesh/writer.ts';
import { createClusterTelemetry } from '../../../gate-service/src/telemetry/cluster-telemetry.ts';
import type { Telemetry } from '../../../gate-service/src/telemetry/telemetry.ts';
import { endpointsOf, PORT, startArm } from '../../kubernetes/support/arms-of-envoys.ts';
import { startGatewayPrometheus } from '../../kubernetes/support/gateway-prometheus.ts';
import { ADMIN_PORT, IstioBed } from '../../kubernetes/support/istio-bed.ts';
import { SteadyLoad } from '../../kubernetes/support/steady-load.ts';
import { gateways, gatewayUrl } from '../../support/cluster/layout.ts';
import { weightsRow, type WeightChange, type WeightsRow } from './rows.ts';

const SERVICE = 'checkout';
const ARMS = ['baseline', 'candidate'] as const;
const NODES = 2;
/** The candidate's share in turn: each time it comes from nothing, its first request is looked for in the metrics. */
const SHARES = [5, 0, 25, 0, 50, 0, 100, 0] as const;
const LOOK_MS = 20;
/** Metrics that show nothing for so long will not. */
const MOST_SEEN_MS = 30_000;

/** @throws Error when a change was not seen, or the signal's reason */
export async function measureWeights(
  changes: number,
  perSecond: number,
  say: (message: string) => void,
  signal: AbortSignal,
): Promise<WeightsRow> {
  const bed = await IstioBed.create();
  const undo: (() => Promise<unknown>)[] = [() => bed.dispose()];
  try {
    const host = `${bed.namespace}.example`;
    for (const arm of ARMS) await startArm(bed, SERVICE, arm, NODES);
    const subsets: Subset[] = [];
    for (const arm of ARMS) subsets.push(subset(arm, ...(await endpointsOf(bed, arm, NODES))));
    const writer = new MeshWriter({
      client: bed.client,
      proxies: envoyProxies(ADMIN_PORT),
      placement: {
        namespace: bed.namespace,
        gateway: { kind: 'existing', names: [gateways.production.gateway] },
        endpoints: { kind: 'pods', targetPort: PORT },
      },
      everyMs: LOOK_MS,
    });
    await writer.publish(planOf(host, subsets, 0), signal);
    const prometheus = await startGatewayPrometheus(bed.client);
    undo.push(() => prometheus.stop());
    const telemetry = createClusterTelemetry({
      dialect: 'envoy',
      url: prometheus.url,
      hosts: { [SERVICE]: meshHost(SERVICE, bed.namespace) },
    });
    const users = new SteadyLoad(gatewayUrl('production'), host, perSecond);
    undo.push(() => users.stop());
    await users.next(perSecond);
    const measured: WeightChange[] = [];
    for (let number = 0; number < changes; number += 1) {
      const share = SHARES[number % SHARES.length] ?? 0;
      const begun = Date.now();
      const { routes } = await writer.publish(planOf(host, subsets, share), signal);
      const seenMs = share > 0 ? await seenAfter(telemetry, begun, signal) : undefined;
      measured.push({
        appliedMs: routes.applied,
        inEffectMs: routes.seen,
        ...(seenMs !== undefined && { seenMs }),
      });
      // What was under way to the arm has ended before its next first request.
      await users.next(perSecond);
    }
    await users.stop();
    const row = weightsRow(measured, perSecond, {
      requests: users.answers.length,
      failed: users.failures.length,
    });
    for (const { outcome } of users.failures.slice(0, 5)) say(`a request failed: ${outcome}`);
    return row;
  } finally {
    for (const step of undo.toReversed()) await step();
  }
}

/** Milliseconds from the change's begin until the metrics show a request that the candidate has got since. */
async function seenAfter(
  telemetry: Telemetry,
  begun: number,
  signal: AbortSignal,
): Promise<number> {
  for (;;) {
    signal.throwIfAborted();
    const span = { fromMs: begun, toMs: Date.now() };
    const traffic = await telemetry.armTraffic(SERVICE, ['candidate'], span);
    const took = Date.now() - begun;
    if ((traffic.get('candidate')?.requests ?? 0) > 0) return took;
    if (took > MOST_SEEN_MS) throw new Error(`the metrics showed nothing for ${took} ms`);
    await sleep(LOOK_MS, undefined, { signal });
  }
}

function planOf(host: string, subsets: readonly Subset[], share: number): MeshPlan {
  const weights = [
    { subset: 'baseline', weight: 100 - share },
    { subset: 'candidate', weight: share },
  ];
  const defaultRoute = { weights, timeoutMs: 10_000, attempts: 1, perTryTimeoutMs: 4000 };
  const service = { name: SERVICE, hosts: [host], healthPath: '/', subsets, armRoutes: [] };
  return { environment: 'production', services: [{ ...service, defaultRoute }] };
}
