/**
 * What someone who knows this stack would set for a load, knob by knob: the formulas (Little's law
 * with a reserve), how sure they are, and whether the expert policy applies them. What it does not
 * apply is advice for a person: it trades errors for latency, or acts only when a node fails.
 */
import type { NodeTelemetry } from './headroom.ts';
import type { KnobName, StackValues } from './knobs.ts';
import { KNOB_NAMES } from './knobs.ts';
import { poolsFor } from './pools.ts';
import type { NodeResources } from './resources.ts';
import { RETRY_BACK_OFF_MAX_MS } from './rules.ts';
import { IDLE_MARGIN_MS } from './tuning-knobs.ts';

/** The load of one node, and what surrounds it. */
export interface ExpertLoad extends NodeTelemetry {
  /** CPU time of one request, ms; with it the wait is known that threads cover. */
  readonly cpuMsPerRequest?: number;
  /** Nodes of the arm. Default 1. */
  readonly nodes?: number;
  /** Whether they were seen to differ in speed. Default false. */
  readonly nodesDiffer?: boolean;
  /** Proxies that send to the arm; the mesh's limits hold for each. Default 1. */
  readonly proxies?: number;
}

/** Reserve on top of the requests in flight. */
const RESERVE = 1.5;
/** Largest pool that was measured to be of use (800 workers on 2 cores); beyond, latency is queueing in itself. */
const PLACES_PER_CORE = 400;
const IDLE_JETTY_THREADS = 50;
const LONGEST_ACQUIRE_MS = 100;
/** Below it a burst of a few requests would be refused. */
const LEAST_PENDING = 64;

/**
 * Places for this load: requests in flight, seen or by Little's law from rate and tail, with a
 * reserve; or the threads that keep the cores busy while requests wait, cores x (1 + wait / CPU)
 * (Goetz et al., Java Concurrency in Practice, 8.2). Whole, at least 1; `undefined` when the
 * telemetry is no evidence.
 */
export function placesWanted(load: ExpertLoad, { cores }: NodeResources): number | undefined {
  const { ratePerSecond, p50Ms, p99Ms, concurrency, cpuMsPerRequest } = load;
  const demand = RESERVE * Math.max((ratePerSecond * p99Ms) / 1000, concurrency);
  if (!Number.isFinite(demand) || demand <= 0) return undefined;
  const busy =
    cpuMsPerRequest !== undefined && cpuMsPerRequest > 0 && p50Ms > 0
      ? (cores * p50Ms) / cpuMsPerRequest
      : 0;
  const wanted = Math.max(demand, Number.isFinite(busy) ? busy : 0);
  return Math.ceil(Math.min(wanted, Math.ceil(PLACES_PER_CORE * cores)));
}

interface Row {
  /** The formula in words. */
  readonly formula: string;
  /** 0..1: how sure the expert is of it. */
  readonly confidence: number;
  /** Whether the expert policy sets it; otherwise it is advice. */
  readonly applied: boolean;
}

const keeps = (formula: string): Row => ({ formula, confidence: 0.5, applied: false });
const sets = (formula: string, confidence: number): Row => ({ formula, confidence, applied: true });
const advises = (formula: string, confidence: number): Row => ({
  formula,
  confidence,
  applied: false,
});

/** The rows of the table; {@link expertValues} computes them. */
export const EXPERT_ROWS: Readonly<Record<KnobName, Row>> = {
  'httpd.keepAlive': sets('on', 0.95),
  'httpd.keepAliveTimeout': sets('at least the proxy’s idle time and a margin', 0.9),
  'httpd.maxKeepAliveRequests': sets('0 behind a proxy', 0.8),
  'httpd.maxRequestWorkers': sets('1.5 x rate x p99, or 1.5 x requests in flight', 0.9),
  'httpd.threadsPerChild': sets('25, 50 or 100, by the number of workers', 0.6),
  'httpd.threadLimit': sets('holds threadsPerChild', 0.9),
  'httpd.serverLimit': sets('2 x workers / threadsPerChild', 0.9),
  'httpd.startServers': sets('all children at once', 0.8),
  'httpd.minSpareThreads': sets('an eighth of the workers, at least one child', 0.6),
  'httpd.maxSpareThreads': sets('all workers', 0.8),
  'httpd.listenBacklog': sets('2048', 0.6),
  'httpd.compression': keeps('as it is: the network decides'),
  'httpd.compressionLevel': sets('1: 2.9 times as fast as 6 on text', 0.5),
  'proxy.max': sets('threadsPerChild: no worker waits for a connection', 0.9),
  'proxy.ttl': sets('at most half of Jetty’s idle time', 0.8),
  'proxy.acquire': sets('p99, at most 100 ms', 0.6),
  'proxy.retry': sets('at most 1 with one backend', 0.8),
  'jetty.maxThreads': sets('a thread for every connection from httpd, and what Jetty leases', 0.9),
  'jetty.minThreads': sets('requests in flight at the median and 10 %, at most 50', 0.5),
  'jetty.acceptQueueSize': sets('1024', 0.6),
  'jetty.idleTimeout': keeps('as it is: longer than the proxy pool’s ttl'),
  'jetty.virtualThreads': keeps('as it is: not measured on this stack'),
  'mesh.idleTimeout': keeps('as it is: shorter than httpd’s'),
  'mesh.connectTimeout': keeps('as it is'),
  'mesh.maxConnections': advises('2 x rate x p99 / proxies, at least the workers', 0.5),
  'mesh.maxPendingRequests': advises('rate x p50 / proxies, at least 64', 0.4),
  'mesh.maxRequestsPerConnection': keeps('as it is: a limit only adds connections'),
  'mesh.loadBalancer': sets('LEAST_REQUEST where there are several nodes', 0.6),
  'mesh.retries': advises('1 or 2; only where nothing reached the application', 0.6),
  'mesh.perTryTimeout': advises('1.5 x p99, above the deadlines inside', 0.4),
  'mesh.timeout': advises('(1 + retries) x perTryTimeout and the pauses', 0.6),
  'mesh.outlierMaxEjectionPercent': advises('one node of the arm, 10 to 50 %', 0.6),
  'mesh.outlierConsecutiveErrors': keeps('as it is'),
  'mesh.outlierInterval': keeps('as it is'),
  'mesh.outlierBaseEjection': keeps('as it is'),
  'mesh.nodeWeighting': sets('100 where nodes were seen to differ in speed', 0.5),
};

/** Whether the expert policy sets a knob itself. */
export function isApplied(name: KnobName): boolean {
  return EXPERT_ROWS[name].applied;
}

/**
 * Every knob by its formula for this load, with pools for so many places. Pools, queues and times
 * are widened from what is in force and never narrowed. A relation between knobs may be broken
 * where the node is too small; the validator says which.
 */
export function expertValues(
  places: number,
  load: ExpertLoad,
  resources: NodeResources,
  now: StackValues,
): StackValues {
  const pools = poolsFor(places, now, resources);
  return { ...now, ...pools, ...timesFor(load, now), ...meshFor(load, now, pools) };
}

/** The rows that differ from what is in force, for a person. */
export interface ExpertAdvice {
  readonly knob: KnobName;
  readonly inForce: StackValues[KnobName];
  readonly advised: StackValues[KnobName];
  readonly formula: string;
  readonly confidence: number;
  readonly applied: boolean;
}

/** What the table would change, applied or not; empty when the telemetry is no evidence. */
export function expertAdvice(
  load: ExpertLoad,
  resources: NodeResources,
  now: StackValues,
): readonly ExpertAdvice[] {
  const places = placesWanted(load, resources);
  if (places === undefined) return [];
  const wanted = Math.max(places, now['httpd.maxRequestWorkers']);
  const values = expertValues(wanted, load, resources, now);
  return KNOB_NAMES.filter((name) => values[name] !== now[name]).map((knob) => ({
    knob,
    inForce: now[knob],
    advised: values[knob],
    ...EXPERT_ROWS[knob],
  }));
}

function timesFor(
  { ratePerSecond, p50Ms, p99Ms }: ExpertLoad,
  now: StackValues,
): Partial<StackValues> {
  const tryDeadline = now['mesh.retries'] === 0 ? now['mesh.timeout'] : now['mesh.perTryTimeout'];
  const active = Math.ceil((1.1 * ratePerSecond * p50Ms) / 1000);
  const keptLonger = now['mesh.idleTimeout'] + IDLE_MARGIN_MS;
  return {
    'httpd.keepAlive': true,
    // A legacy configuration without keep-alive may hold a time that never had to fit.
    'httpd.keepAliveTimeout': Math.max(now['httpd.keepAliveTimeout'], keptLonger),
    'httpd.maxKeepAliveRequests': 0,
    ...(now['httpd.compression'] && { 'httpd.compressionLevel': 1 }),
    'proxy.ttl': whole(Math.min(now['proxy.ttl'], Math.floor(now['jetty.idleTimeout'] / 2000))),
    'proxy.acquire': whole(Math.min(LONGEST_ACQUIRE_MS, Math.ceil(p99Ms), tryDeadline - 1)),
    'proxy.retry': Math.min(now['proxy.retry'], 1),
    'jetty.minThreads': Math.max(now['jetty.minThreads'], Math.min(IDLE_JETTY_THREADS, active)),
  };
}

function meshFor(load: ExpertLoad, now: StackValues, pools: Partial<StackValues>) {
  const { ratePerSecond, p50Ms, p99Ms, nodes = 1, nodesDiffer = false, proxies = 1 } = load;
  const rate = ratePerSecond * nodes;
  const retries = Math.min(2, Math.max(1, now['mesh.retries']));
  const inner = Math.max(LONGEST_ACQUIRE_MS, now['proxy.acquire'], now['mesh.connectTimeout']);
  const perTry = Math.max(inner + 1, Math.ceil(1.5 * p99Ms));
  const workers = nodes * (pools['httpd.maxRequestWorkers'] ?? now['httpd.maxRequestWorkers']);
  return {
    'mesh.maxConnections': atMost(100_000, Math.max(workers, (2 * rate * p99Ms) / 1000 / proxies)),
    'mesh.maxPendingRequests': atMost(
      100_000,
      Math.max(LEAST_PENDING, (rate * p50Ms) / 1000 / proxies),
    ),
    'mesh.loadBalancer': nodes > 1 ? 'LEAST_REQUEST' : now['mesh.loadBalancer'],
    'mesh.retries': retries,
    'mesh.perTryTimeout': atMost(1_000_000, perTry),
    'mesh.timeout': atMost(
      3_600_000,
      (1 + retries) * Math.min(1_000_000, perTry) + retries * RETRY_BACK_OFF_MAX_MS,
    ),
    'mesh.outlierMaxEjectionPercent': Math.min(50, Math.max(10, Math.ceil(100 / nodes))),
    ...(nodesDiffer && { 'mesh.nodeWeighting': 100 }),
  } as const;
}

function whole(value: number): number {
  return Math.max(1, value);
}

function atMost(limit: number, value: number): number {
  return Math.min(limit, Math.ceil(value));
}
