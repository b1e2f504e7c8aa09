/** Sizes that belong together: what httpd, its connections to Jetty and Jetty need for so many requests at once. */
import type { StackValues } from './knobs.ts';
import { leasedJettyThreads } from './resources.ts';
import type { NodeResources } from './resources.ts';

/** Jetty's pool is rounded up to this, so that near demands share a configuration. */
const THREAD_STEP = 32;
const SOCKET_QUEUE = { httpd: 2048, jetty: 1024 } as const;

/** The knobs that {@link poolsFor} sets. */
export const POOL_KNOBS = [
  'httpd.maxRequestWorkers',
  'httpd.threadsPerChild',
  'httpd.threadLimit',
  'httpd.serverLimit',
  'httpd.startServers',
  'httpd.minSpareThreads',
  'httpd.maxSpareThreads',
  'httpd.listenBacklog',
  'proxy.max',
  'jetty.maxThreads',
  'jetty.acceptQueueSize',
] as const;

export type Pools = Pick<StackValues, (typeof POOL_KNOBS)[number]>;

/** Requests that a node with these values serves at the same time: the narrower of httpd's workers and its connections to Jetty. */
export function placesIn(values: StackValues): number {
  const children = values['httpd.maxRequestWorkers'] / values['httpd.threadsPerChild'];
  return Math.min(values['httpd.maxRequestWorkers'], Math.floor(children) * values['proxy.max']);
}

/**
 * Pools with at least so many places (a whole number from 1), in whole children of equal size.
 * Fixed limits, Jetty's pool and the socket queues are raised where they must be and never lowered:
 * more of them costs nothing, and lowering Jetty's pool takes a new JVM. May break a rule (memory,
 * descriptors); the validator says which.
 */
export function poolsFor(places: number, now: StackValues, resources: NodeResources): Pools {
  const usual = usualChild(places);
  const had = now['httpd.threadsPerChild'];
  // Children become larger when there are more workers, and smaller when there are fewer.
  const child = places >= placesIn(now) ? Math.max(had, usual) : Math.min(had, usual);
  const children = Math.ceil(places / child);
  const perChild = Math.ceil(places / children);
  const workers = children * perChild;
  const minSpare = Math.min(workers, Math.max(perChild, Math.round(workers / 8)));
  return {
    'httpd.maxRequestWorkers': workers,
    'httpd.threadsPerChild': perChild,
    'httpd.threadLimit': Math.max(now['httpd.threadLimit'], perChild),
    'httpd.serverLimit': Math.max(now['httpd.serverLimit'], 2 * children),
    // Children grow by about one per second: start them all, or the first seconds measure the growth.
    'httpd.startServers': children,
    'httpd.minSpareThreads': minSpare,
    'httpd.maxSpareThreads': Math.max(workers, minSpare + perChild + 1),
    'httpd.listenBacklog': Math.max(now['httpd.listenBacklog'], SOCKET_QUEUE.httpd),
    'proxy.max': perChild,
    'jetty.maxThreads': Math.max(now['jetty.maxThreads'], jettyThreads(workers, resources.cores)),
    'jetty.acceptQueueSize': Math.max(now['jetty.acceptQueueSize'], SOCKET_QUEUE.jetty),
  };
}

/** Few, larger children for large pools: 8 x 100 was measured for 800 workers. */
function usualChild(workers: number): number {
  if (workers <= 200) return 25;
  return workers <= 400 ? 50 : 100;
}

/** Smallest multiple of {@link THREAD_STEP} that leaves a thread for every worker (rule 6). */
function jettyThreads(workers: number, cores: number): number {
  let threads = Math.ceil(workers / THREAD_STEP) * THREAD_STEP;
  while (threads - leasedJettyThreads(cores, threads) < workers) threads += THREAD_STEP;
  return threads;
}
