/** What it costs to apply a change of one knob; measured in facts on httpd 2.4, Jetty 12 and Envoy. */
import type { KnobName, StackValues } from './knobs.ts';

/** Cheapest first. `live` changes nothing that serves; `replace` brings up a whole new node. */
export const APPLY_COSTS = ['live', 'route', 'graceful', 'replace'] as const;
export type ApplyCost = (typeof APPLY_COSTS)[number];

/** What takes the change: the platform (mesh) or the node's agent (jetty, httpd). */
export type Layer = 'mesh' | 'jetty' | 'httpd';

type Cost = ApplyCost | { readonly raise: ApplyCost; readonly lower: ApplyCost };

/**
 * `httpd.threadLimit`, `serverLimit` and `listenBacklog` are ignored by any restart that keeps the
 * parent. Jetty's pool grows at once over JMX, but does not shrink under load (its threads linger
 * for minutes), so lowering it takes a new Jetty. What Jetty reads only at start takes one too.
 */
export const COSTS: Readonly<Record<KnobName, Cost>> = {
  'httpd.keepAlive': 'graceful',
  'httpd.keepAliveTimeout': 'graceful',
  'httpd.maxKeepAliveRequests': 'graceful',
  'httpd.maxRequestWorkers': 'graceful',
  'httpd.threadsPerChild': 'graceful',
  'httpd.threadLimit': 'replace',
  'httpd.serverLimit': 'replace',
  'httpd.startServers': 'graceful',
  'httpd.minSpareThreads': 'graceful',
  'httpd.maxSpareThreads': 'graceful',
  'httpd.listenBacklog': 'replace',
  'httpd.compression': 'graceful',
  'httpd.compressionLevel': 'graceful',
  'proxy.max': 'graceful',
  'proxy.ttl': 'graceful',
  'proxy.acquire': 'graceful',
  'proxy.retry': 'graceful',
  'jetty.maxThreads': { raise: 'live', lower: 'route' },
  'jetty.minThreads': 'live',
  'jetty.acceptQueueSize': 'route',
  'jetty.idleTimeout': 'route',
  'jetty.virtualThreads': 'route',
  'mesh.idleTimeout': 'live',
  'mesh.connectTimeout': 'live',
  'mesh.maxConnections': 'live',
  'mesh.maxPendingRequests': 'live',
  'mesh.maxRequestsPerConnection': 'live',
  'mesh.loadBalancer': 'live',
  'mesh.retries': 'live',
  'mesh.perTryTimeout': 'live',
  'mesh.timeout': 'live',
  'mesh.outlierMaxEjectionPercent': 'live',
  'mesh.outlierConsecutiveErrors': 'live',
  'mesh.outlierInterval': 'live',
  'mesh.outlierBaseEjection': 'live',
  'mesh.nodeWeighting': 'live',
};

/**
 * The cost of taking one knob from its value in `from` to its value in `to`. With virtual threads
 * the number of requests at once is fixed when Jetty starts, so that its pool grows by a new Jetty.
 */
export function costToApply(name: KnobName, from: StackValues, to: StackValues): ApplyCost {
  if (name === 'jetty.maxThreads' && to['jetty.virtualThreads']) return 'route';
  const cost = COSTS[name];
  if (typeof cost === 'string') return cost;
  return to[name] > from[name] ? cost.raise : cost.lower;
}

/** Who takes a change of this knob. The proxy pool belongs to httpd. */
export function layerOf(name: KnobName): Layer {
  if (name.startsWith('mesh.')) return 'mesh';
  return name.startsWith('jetty.') ? 'jetty' : 'httpd';
}

/** The dearer of two costs. */
export function dearer(one: ApplyCost, other: ApplyCost): ApplyCost {
  return APPLY_COSTS.indexOf(one) >= APPLY_COSTS.indexOf(other) ? one : other;
}
