/** The legal starting point of every comparison. */
import { FORMER_VALUES } from './added-knobs.ts';
import { requireStackConfiguration } from './configuration.ts';
import type { StackConfiguration } from './configuration.ts';
import type { StackValues } from './knobs.ts';
import type { NodeResources } from './resources.ts';

/**
 * Debian's httpd and Jetty's own sizes, with the keep-alive rules repaired.
 *
 * Sizes as shipped: Debian's mpm_event.conf (2 servers, 25 threads per child, 64 at most, 150
 * workers, 25/75 spare), httpd's ServerLimit 16 and backlog 511, mod_proxy's max = threads per
 * child, Jetty's 10/200 threads with 30 s idle time
 * and the JVM's accept queue of 50. They are legal: 150 / 25 = 6 children, and
 * 6 x 25 = 150 connections fit in 200 threads less the leased ones; 2 x 6 children fit in 16.
 *
 * Repaired: the proxy's idle time (3 s) is below httpd's 5 s; proxy.ttl is set, to half of Jetty's
 * idle time. Chosen because the defaults are "off" or cannot work here: retry 0 (one backend: a
 * pause only makes 503s), one further try, deadlines, unlimited pools in the mesh, and 50 % for
 * outlier ejection (10 % of two nodes would be none).
 */
export const STOCK_VALUES: StackValues = Object.freeze({
  'httpd.keepAlive': true,
  'httpd.keepAliveTimeout': 5000,
  'httpd.maxKeepAliveRequests': 100,
  'httpd.maxRequestWorkers': 150,
  'httpd.threadsPerChild': 25,
  'httpd.threadLimit': 64,
  'httpd.serverLimit': 16,
  'httpd.startServers': 2,
  'httpd.minSpareThreads': 25,
  'httpd.maxSpareThreads': 75,
  'httpd.listenBacklog': 511,
  'proxy.max': 25,
  'proxy.ttl': 15,
  'proxy.acquire': 1000,
  'proxy.retry': 0,
  'jetty.maxThreads': 200,
  'jetty.minThreads': 10,
  'jetty.acceptQueueSize': 50,
  'jetty.idleTimeout': 30_000,
  'mesh.idleTimeout': 3000,
  'mesh.connectTimeout': 500,
  'mesh.maxConnections': 100_000,
  'mesh.maxPendingRequests': 100_000,
  'mesh.loadBalancer': 'ROUND_ROBIN',
  'mesh.retries': 1,
  'mesh.perTryTimeout': 14_000,
  'mesh.timeout': 30_000,
  'mesh.outlierMaxEjectionPercent': 50,
  // No compression, platform threads, connections without a limit of requests, equal nodes.
  ...FORMER_VALUES,
});

/** Stock for a node with these resources. Throws InvalidConfigurationError when the node is too small even for that. */
export function stockConfiguration(resources: NodeResources): StackConfiguration {
  return requireStackConfiguration(STOCK_VALUES, resources);
}
