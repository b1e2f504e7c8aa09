/**
 * A service of two nodes of unequal speed, each httpd workers → pool of connections → Jetty threads →
 * backend, behind a proxy with retries; as queues, in closed form, without randomness. Approximations:
 * wait in M/M/c by Sakasegawa (1977), exponential tails of waits, processor sharing for the CPU, retries as
 * further load by fixed-point iteration, a closed loop by the rate at which Little's law holds.
 *
 * What makes it hard, on purpose: pools in series (raising one shows nothing before the next is raised),
 * ceilings of memory and descriptors that every pool draws on, a backend that slows down when too many
 * requests reach it, deadlines that turn waits into errors and retries into load (a cliff), one slow node.
 */

/** What arrives and what it meets; times in seconds. */
export interface Workload {
  readonly load:
    | { readonly kind: 'open'; readonly perSecond: number }
    | { readonly kind: 'closed'; readonly connections: number; readonly thinkSeconds: number };
  readonly cpuSeconds: number;
  readonly backendSeconds: number;
  /** Requests within the backend at which it has become twice as slow. */
  readonly backendKnee: number;
  /** KiB of an answer before compression, and the share of bandwidth that a client has, MiB/s. */
  readonly answerKiB: number;
  readonly clientMiBPerSecond: number;
  /** Share of requests that a stuck thread or a lost packet holds up, and for how long. */
  readonly stallShare: number;
  readonly stallSeconds: number;
}

export interface Machine {
  readonly cores: number;
  readonly memoryMiB: number;
  readonly descriptors: number;
  /** Speed of the second node, of the first's. */
  readonly slowNode: number;
}

export interface Pools {
  readonly children: number;
  readonly threadsPerChild: number;
  readonly proxyMax: number;
  readonly acquireMs: number;
  readonly jettyThreads: number;
  readonly keepAlive: boolean;
  readonly keepAliveMs: number;
  /** 0–9 */
  readonly compression: number;
  /** Share of the requests that goes to the first, faster node. */
  readonly fastShare: number;
  readonly retries: number;
  readonly tryMs: number;
  readonly maxConnections: number;
  readonly balancer: 'least-request' | 'round-robin' | 'random';
  /** Per cent of nodes that may be taken out when they fail. */
  readonly ejectionPercent: number;
}

export interface State {
  /** Tail-weighted time of a request: what it takes, three mean waits, ten shares of the stalls. Seconds. */
  readonly seconds: number;
  /** Share of requests that fail after all tries. */
  readonly errors: number;
  /** Shares in use; from 1 on it breaks. */
  readonly memory: number;
  readonly descriptors: number;
  readonly cpu: number;
}

interface Node {
  readonly base: number;
  readonly wait: number;
  readonly lost: number;
  readonly late: number;
  readonly memory: number;
  readonly descriptors: number;
  readonly cpu: number;
}

const DEADLINE_SECONDS = 10;
const CHILD_MIB = 9;
const WORKER_MIB = 0.35;
const THREAD_MIB = 1;
const BASE_MIB = 420;
const CONNECTION_MIB = 0.05;
const BACKLOG = 511;
const WAIT_FACTOR = {
  'least-request': 1,
  'round-robin': 1.35,
  random: 1.9,
} as const;

export function stateOf(pools: Pools, workload: Workload, machine: Machine): State {
  const { load } = workload;
  if (load.kind === 'open') return atRate(load.perSecond, pools, workload, machine, Infinity);
  let [low, high] = [0, load.connections / Math.max(load.thinkSeconds, 1e-3)];
  for (let step = 0; step < 26; step += 1) {
    const rate = (low + high) / 2;
    const { seconds } = atRate(rate, pools, workload, machine, load.connections);
    if (rate * (seconds + load.thinkSeconds) > load.connections) high = rate;
    else low = rate;
  }
  return atRate(low, pools, workload, machine, load.connections);
}

function atRate(
  rate: number,
  pools: Pools,
  workload: Workload,
  machine: Machine,
  clients: number,
): State {
  const { retries, ejectionPercent } = pools;
  const trySeconds = pools.tryMs / 1000;
  // A slow node stalls now and then; what may be taken out then goes to the other for that time.
  const out = Math.min(1, ejectionPercent / 50) * 0.08;
  const bothOut = ejectionPercent > 60 ? (ejectionPercent - 60) / 400 : 0;
  const stall = workload.stallShare * (1 - 0.6 * Math.min(1, ejectionPercent / 30));
  const slowShare = (1 - pools.fastShare) * (1 - out);
  const shares = [1 - slowShare, slowShare] as const;
  let tries = 1;
  let failing = 0;
  let nodes: readonly Node[] = [];
  for (let step = 0; step < (retries === 0 ? 1 : 10); step += 1) {
    nodes = shares.map((share, index) =>
      nodeAt(
        rate * share * tries,
        index === 0 ? 1 : machine.slowNode,
        pools,
        workload,
        machine,
        clients * share,
      ),
    );
    const late = workload.stallSeconds > trySeconds ? stall : 0;
    const next = Math.min(
      1,
      bothOut + late + sum(nodes.map((node, i) => (shares[i] ?? 0) * (node.lost + node.late))),
    );
    failing = step === 0 ? next : (failing + next) / 2;
    tries = failing >= 1 ? retries + 1 : (1 - failing ** (retries + 1)) / (1 - failing);
  }
  const base = sum(nodes.map((node, i) => (shares[i] ?? 0) * node.base));
  const wait = sum(nodes.map((node, i) => (shares[i] ?? 0) * node.wait));
  const stalled = Math.min(workload.stallSeconds, trySeconds);
  // The tail is the slower node's: most of what is waited longest is waited there.
  const worst = Math.max(...nodes.map((node) => node.base + 3 * node.wait));
  const seconds = 0.5 * (base + 3 * wait) + 0.5 * worst + 10 * stall * stalled + (tries - 1) * 0.05;
  const memory = Math.max(...nodes.map((node) => node.memory));
  const descriptors = Math.max(...nodes.map((node) => node.descriptors));
  const broken = over(memory, 1, 8) + over(descriptors, 1, 8);
  return {
    seconds: Math.min(DEADLINE_SECONDS, seconds * (1 + 20 * broken)),
    errors: Math.min(1, failing ** (retries + 1) + 0.0005 + broken),
    memory,
    descriptors,
    cpu: Math.max(...nodes.map((node) => node.cpu)),
  };
}

function nodeAt(
  rate: number,
  speed: number,
  pools: Pools,
  workload: Workload,
  machine: Machine,
  clients: number,
): Node {
  const workers = pools.children * pools.threadsPerChild;
  const connections = pools.children * Math.min(pools.proxyMax, pools.threadsPerChild);
  const threads = Math.max(1, pools.jettyThreads - 4 - machine.cores);
  const kept = pools.keepAlive ? keptShare(pools.keepAliveMs / 1000) : 0;
  // A client that is kept holds a descriptor and a little memory, whether it asks or not.
  const idle = pools.keepAlive ? Math.min(clients, 0.25 * rate * (pools.keepAliveMs / 1000)) : 0;
  const open = idle + workers + connections;
  const memory =
    (BASE_MIB +
      pools.children * CHILD_MIB +
      workers * WORKER_MIB +
      pools.jettyThreads * THREAD_MIB +
      open * CONNECTION_MIB) /
    machine.memoryMiB;
  const descriptors = open / machine.descriptors;
  // Paging begins before the memory ends.
  const paging = 1 + 25 * over(memory, 0.88, 1) ** 2;
  const ratio = 0.22 + 0.78 * Math.exp(-0.9 * pools.compression);
  const compressing =
    pools.compression === 0 ? 0 : 2.2e-6 * workload.answerKiB * 1.42 ** pools.compression;
  const switching = 1 + 0.05 * Math.log1p((workers + threads) / (96 * machine.cores));
  const collecting = 1 + 0.1 * (threads / 1200) ** 2;
  const cpuTime =
    ((workload.cpuSeconds * collecting + 0.00012 + 0.0006 * (1 - kept) + compressing) *
      switching *
      paging) /
    speed;
  const cpu = (rate * cpuTime) / machine.cores;
  const sending = (workload.answerKiB * ratio) / 1024 / workload.clientMiBPerSecond;

  const cpuWait = waitIn(machine.cores, rate, cpuTime);
  // What is inside is bounded by the threads; beyond its knee the backend slows down.
  const inside = Math.min(threads, connections, rate * workload.backendSeconds * 2);
  const backend =
    (workload.backendSeconds * (1 + (inside / workload.backendKnee) ** 3)) / speed ** 0.5;
  const held = cpuTime + cpuWait + backend;
  const factor = WAIT_FACTOR[pools.balancer];
  const jettyWait = factor * waitIn(threads, rate, held);
  const inPool = held + jettyWait;
  const acquire = pools.acquireMs / 1000;
  const poolWait = factor * waitIn(connections, rate, inPool);
  const poolLost = lostBy(poolWait, acquire, connections, rate, inPool);
  const inWorker = inPool + Math.min(poolWait, acquire) + sending;
  const workerWait = factor * waitIn(workers, rate, inWorker);
  // The proxy's connections hold what httpd has taken and what waits there.
  const carried = inWorker + workerWait;
  const perNode = pools.maxConnections / 2;
  const pending = perNode / 4;
  const meshWait = waitIn(perNode, rate, carried);
  const meshLost = lostBy(meshWait, pending / Math.max(rate, 1), perNode, rate, carried);
  const refused = over((0.6 * idle + rate * carried) / (3 * workers + BACKLOG), 1, 2);

  const wait = cpuWait + jettyWait + Math.min(poolWait, acquire) + workerWait + meshWait;
  const base = cpuTime + backend + sending + (1 - kept) * 0.004;
  const beyond = pools.tryMs / 1000 - base;
  const late = beyond <= 0 ? 1 : Math.exp(-beyond / Math.max(1e-4, 0.16 * base + wait));
  return {
    base,
    wait,
    lost: Math.min(1, poolLost + meshLost + refused + over(cpu, 1, 1)),
    late: Math.min(1, late),
    memory,
    descriptors,
    cpu,
  };
}

/** Share of requests on a connection that is still open: clients come back after 2 s on average. */
function keptShare(seconds: number): number {
  return 0.97 * (1 - Math.exp(-seconds / 2));
}

/** Mean wait for one of `servers`, capped where it would grow without bound. */
function waitIn(servers: number, rate: number, holdSeconds: number): number {
  const load = (rate * holdSeconds) / servers;
  if (load >= 0.999)
    return Math.min(DEADLINE_SECONDS, holdSeconds * (1000 / servers + 40 * (load - 0.999)));
  return (holdSeconds * load ** (Math.sqrt(2 * (servers + 1)) - 1)) / (servers * (1 - load));
}

/** Share that waits longer than `patience`, and what exceeds the capacity. */
function lostBy(
  wait: number,
  patience: number,
  servers: number,
  rate: number,
  holdSeconds: number,
): number {
  const load = (rate * holdSeconds) / servers;
  const waiting = Math.min(1, load) ** Math.sqrt(2 * (servers + 1));
  const overload = Math.max(0, 1 - 1 / Math.max(load, 1e-9));
  return Math.min(1, waiting * Math.exp(-patience / Math.max(1e-6, wait)) + overload);
}

/** How far `value` is beyond `limit`, in units of limit/steepness; 0 below. */
function over(value: number, limit: number, steepness: number): number {
  return Math.max(0, (value / limit - 1) * steepness);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
