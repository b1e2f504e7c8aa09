/**
 * Gateways as istiod has them: what it generates for each proxy, and whether the proxy has
 * acknowledged the last of every kind. Needs no way to the proxies, whose admin API Istio's images
 * keep to themselves. The account must be allowed to read istiod's debug API (istiod's own namespace
 * is, others by DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES).
 */
import { z } from 'zod';
import { parseDump, type Dump } from '../../../mesh/effect/of-dump.ts';
import type { KubernetesClient } from '../client/client.ts';
import { POD } from '../client/kinds.ts';
import { fetchJson } from './fetch-json.ts';
import type { GatewayPod, Proxies, ProxyLook } from './proxies.ts';

export interface IstiodOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the monitoring and debug API; 15014 unless changed. */
  readonly port: number;
  /** A token of audience `istio-ca`. */
  readonly token: () => Promise<string>;
}

const TYPES = ['cluster', 'endpoint', 'listener', 'route'] as const;
const TYPE_URLS = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
} as const;

const statusSchema = z.looseObject({
  sent: z.string().default(''),
  acked: z.string().default(''),
  lastError: z.string().default(''),
});
const synczSchema = z.array(
  z.looseObject({
    proxy: z.string().default(''),
    resources: z.record(z.string(), statusSchema).default({}),
  }),
);
type Synced = z.infer<typeof synczSchema>[number];

export function istiodProxies(options: IstiodOptions): Proxies {
  return { look: (pods, signal) => lookThrough(options, pods, signal) };
}

/** Each istiod knows the proxies that are connected to it, so that all are asked. */
async function lookThrough(
  { client, namespace, labels, port, token }: IstiodOptions,
  pods: readonly GatewayPod[],
  signal: AbortSignal | undefined,
): Promise<readonly ProxyLook[]> {
  const headers = { Authorization: `Bearer ${await token()}` };
  const istiods = (await client.list({ kind: POD, namespace, labels }, { signal })).flatMap(
    (pod) => {
      const status = pod.status as { phase?: unknown; podIP?: unknown } | undefined;
      return status?.phase === 'Running' && typeof status.podIP === 'string'
        ? [`http://${status.podIP}:${port}`]
        : [];
    },
  );
  if (istiods.length === 0) {
    throw new Error(`No istiod runs in namespace ${namespace} (${JSON.stringify(labels)}).`);
  }
  const connected = await Promise.all(
    istiods.map(async (base) => {
      const synced = synczSchema.parse(await fetchJson(`${base}/debug/syncz`, headers, signal));
      return synced.map((one) => ({ base, one }));
    }),
  );
  return Promise.all(
    pods.map(async (pod) => {
      const proxy = `${pod.name}.${pod.namespace}`;
      const [found, another] = connected.flat().filter(({ one }) => one.proxy === proxy);
      if (found === undefined) throw new Error(`Proxy ${proxy} is connected to no istiod.`);
      if (another !== undefined) throw new Error(`Proxy ${proxy} has two connections to istiod.`);
      const url = `${found.base}/debug/config_dump?include_eds&proxyID=${encodeURIComponent(proxy)}`;
      const dump = parseDump(await fetchJson(url, headers, signal));
      // After the dump: what it says was generated before this was sent or acknowledged.
      const after = synczSchema.parse(
        await fetchJson(`${found.base}/debug/syncz`, headers, signal),
      );
      const now = after.find((one) => one.proxy === proxy);
      if (now === undefined) throw new Error(`Proxy ${proxy} has left its istiod.`);
      const outstanding = outstandingOf(now, dump);
      return {
        proxy,
        dump,
        routesAcknowledged: now.resources[TYPE_URLS.route]?.acked ?? '',
        ...(outstanding !== undefined && { outstanding }),
      };
    }),
  );
}

/** A proxy that has just connected has asked for nothing yet: what is generated for it is not with it. */
function outstandingOf({ resources }: Synced, dump: Dump): string | undefined {
  const needed: Readonly<Record<(typeof TYPES)[number], boolean>> = {
    cluster: true,
    endpoint: dump.endpoints.size > 0,
    listener: true,
    route: dump.entries.length > 0,
  };
  for (const type of TYPES) {
    const { sent = '', acked = '', lastError = '' } = resources[TYPE_URLS[type]] ?? {};
    if (lastError !== '') return `the ${type}s were refused: ${lastError}`;
    if (sent === '' && needed[type]) return `no ${type}s were sent yet`;
    if (sent !== acked) return `the ${type}s that were sent last are not acknowledged`;
  }
  return undefined;
}
