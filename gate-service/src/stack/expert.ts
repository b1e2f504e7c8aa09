/**
 * The expert policy: what someone who knows this stack would set for a given load, as a starting
 * point (prior) for tuning. Formulas: the table of expert settings in the project's facts (Little's
 * law with 50 % reserve); sizes checked against what was measured on two cores.
 */
import { createStackConfiguration } from './configuration.ts';
import type { StackConfiguration } from './configuration.ts';
import { findHeadroom } from './headroom.ts';
import type { NodeTelemetry } from './headroom.ts';
import type { StackValues } from './knobs.ts';
import { leasedJettyThreads } from './resources.ts';
import type { NodeResources } from './resources.ts';

export interface ExpertProposal {
  readonly configuration: StackConfiguration;
  /** 0..1: how sure the policy is that this beats the incumbent; 0 when it proposes the incumbent itself. */
  readonly confidence: number;
  /** Why, in words. */
  readonly reason: string;
}

/** Reserve on top of the requests in flight. */
const RESERVE = 1.5;
/** Largest pool that was measured to be of use (800 workers on 2 cores); beyond, latency is queueing in itself. */
const WORKERS_PER_CORE = 400;
/** Jetty's pool is rounded up to this, so that near demands share a configuration. */
const THREAD_STEP = 32;
const SOCKET_QUEUE = { httpd: 2048, jetty: 1024 } as const;
const IDLE_JETTY_THREADS = 50;

/**
 * Proposes a configuration for one node under this load. It widens what is too narrow and never
 * narrows: a smaller pool wins nothing while it is not full. Deadlines, retries and outlier
 * detection stay the incumbent's, because they trade errors for latency and that is no tuner's
 * business. Telemetry that is no number, or a node with no room for more, gives the incumbent.
 */
export function expertConfiguration(
  telemetry: NodeTelemetry,
  resources: NodeResources,
  incumbent: StackConfiguration,
): ExpertProposal {
  const headroom = findHeadroom(telemetry, incumbent);
  const demand = demandOf(telemetry);
  if (demand === undefined) return keep(incumbent, headroom.reason);
  const ceiling = Math.ceil(WORKERS_PER_CORE * resources.cores);
  let wanted = Math.max(incumbent.values['httpd.maxRequestWorkers'], Math.min(demand, ceiling));
  // The node's memory and descriptors may not carry the demand: take the largest that they do.
  for (;;) {
    const values = valuesFor(wanted, telemetry, resources, incumbent.values);
    const result = createStackConfiguration(values, resources);
    if (result.ok) {
      return result.configuration.hash === incumbent.hash
        ? keep(incumbent, 'The incumbent is what the expert policy would set.')
        : {
            configuration: result.configuration,
            confidence: headroom.exists ? 0.9 : 0.1,
            reason: headroom.reason,
          };
    }
    const smaller = Math.floor(wanted * 0.9);
    if (smaller < incumbent.values['httpd.maxRequestWorkers'] || smaller === wanted) {
      const why = result.violations.map(({ message }) => message).join(' ');
      return keep(incumbent, `The node has no room for more: ${why}`);
    }
    wanted = smaller;
  }
}

/** Workers for this load by Little's law, from rate and tail or from what is seen in flight. */
function demandOf({ ratePerSecond, p99Ms, concurrency }: NodeTelemetry): number | undefined {
  const demand = RESERVE * Math.max((ratePerSecond * p99Ms) / 1000, concurrency);
  return Number.isFinite(demand) && demand > 0 ? Math.ceil(demand) : undefined;
}

function valuesFor(
  wanted: number,
  { ratePerSecond, p50Ms, p99Ms }: NodeTelemetry,
  resources: NodeResources,
  v: StackValues,
): StackValues {
  const perChild = Math.max(v['httpd.threadsPerChild'], threadsPerChildFor(wanted));
  const children = Math.ceil(wanted / perChild);
  const workers = children * perChild;
  const minSpare = Math.min(workers, Math.max(perChild, Math.round(workers / 8)));
  const maxThreads = Math.max(v['jetty.maxThreads'], jettyThreadsFor(workers, resources.cores));
  const active = Math.ceil((1.1 * ratePerSecond * p50Ms) / 1000);
  const tryDeadline = v['mesh.retries'] === 0 ? v['mesh.timeout'] : v['mesh.perTryTimeout'];
  return {
    ...v,
    'httpd.keepAlive': true,
    // A legacy configuration without keep-alive may hold a time that never had to fit.
    'httpd.keepAliveTimeout': Math.max(v['httpd.keepAliveTimeout'], v['mesh.idleTimeout'] + 2000),
    'httpd.maxKeepAliveRequests': 0,
    'httpd.maxRequestWorkers': workers,
    'httpd.threadsPerChild': perChild,
    'httpd.threadLimit': Math.max(v['httpd.threadLimit'], perChild),
    'httpd.serverLimit': Math.max(v['httpd.serverLimit'], 2 * children),
    // Children grow by about one per second: start them all, or the first seconds measure the growth.
    'httpd.startServers': children,
    'httpd.minSpareThreads': minSpare,
    'httpd.maxSpareThreads': Math.max(workers, minSpare + perChild + 1),
    'httpd.listenBacklog': Math.max(v['httpd.listenBacklog'], SOCKET_QUEUE.httpd),
    'proxy.max': perChild,
    'proxy.ttl': Math.max(1, Math.min(v['proxy.ttl'], Math.floor(v['jetty.idleTimeout'] / 2000))),
    'proxy.acquire': Math.max(1, Math.min(100, Math.ceil(p99Ms), tryDeadline - 1)),
    'proxy.retry': Math.min(v['proxy.retry'], 1),
    'jetty.maxThreads': maxThreads,
    'jetty.minThreads': Math.min(
      maxThreads,
      Math.max(v['jetty.minThreads'], Math.min(IDLE_JETTY_THREADS, active)),
    ),
    'jetty.acceptQueueSize': Math.max(v['jetty.acceptQueueSize'], SOCKET_QUEUE.jetty),
  };
}

/** Few, larger children for large pools: 8 x 100 was measured for 800 workers. */
function threadsPerChildFor(workers: number): number {
  if (workers <= 200) return 25;
  return workers <= 400 ? 50 : 100;
}

/** Smallest multiple of {@link THREAD_STEP} that leaves a thread for every worker (rule 6). */
function jettyThreadsFor(workers: number, cores: number): number {
  let threads = Math.ceil(workers / THREAD_STEP) * THREAD_STEP;
  while (threads - leasedJettyThreads(cores, threads) < workers) threads += THREAD_STEP;
  return threads;
}

function keep(incumbent: StackConfiguration, reason: string): ExpertProposal {
  return { configuration: incumbent, confidence: 0, reason };
}
