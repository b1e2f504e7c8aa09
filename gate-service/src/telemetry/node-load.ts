/** How loaded an arm's nodes were between two readings of their agents' status. */
import type { NodeStatus } from '../node-agent/protocol.ts';

/** One reading of one node. */
export interface NodeReading {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly status: NodeStatus;
}

/** An arm's load: sums over its nodes, from counters that httpd and the kernel keep. */
export interface ArmLoad {
  /** Requests completed per second. */
  readonly ratePerSecond: number;
  /** Requests in progress on average, by Little's law: time spent in requests per time passed. */
  readonly concurrency: number;
  /** httpd workers busy at the second reading; a worker is held while a request is proxied. */
  readonly busyWorkers: number;
  /** Workers that httpd has at the second reading, busy or idle. */
  readonly workers: number;
  /** Requests waiting for a Jetty thread at the second reading. */
  readonly jettyQueue: number;
  /** CPU seconds of httpd and Jetty per request; `undefined` when there was none. */
  readonly cpuSecondsPerRequest: number | undefined;
}

/** Where an arm's load can be asked for; adapters read the agents. */
export interface NodeLoadSource {
  /** The readings of all nodes of an arm now; a node whose agent does not answer is missing. */
  readings(armId: string): Promise<readonly NodeReading[]>;
}

/**
 * Load of an arm between two rounds of readings. `undefined` when it cannot be told honestly: a
 * node is missing in one round, httpd or Jetty did not answer or was started anew in between, or a
 * counter fell.
 */
export function armLoad(
  before: readonly NodeReading[],
  after: readonly NodeReading[],
): ArmLoad | undefined {
  if (before.length === 0 || before.length !== after.length) return undefined;
  const loads = after.map((late) => {
    const early = before.find(({ status }) => status.name === late.status.name);
    return early === undefined ? undefined : nodeLoad(early, late);
  });
  const known = loads.filter((load) => load !== undefined);
  if (known.length !== loads.length) return undefined;
  const sum = (value: (load: NodeLoad) => number): number =>
    known.reduce((total, load) => total + value(load), 0);
  const requests = sum((load) => load.requests);
  return {
    ratePerSecond: sum((load) => load.requests / load.seconds),
    concurrency: sum((load) => load.requestSeconds / load.seconds),
    busyWorkers: sum((load) => load.busyWorkers),
    workers: sum((load) => load.workers),
    jettyQueue: sum((load) => load.jettyQueue),
    cpuSecondsPerRequest: requests === 0 ? undefined : sum((load) => load.cpuSeconds) / requests,
  };
}

interface NodeLoad {
  readonly seconds: number;
  readonly requests: number;
  readonly requestSeconds: number;
  readonly cpuSeconds: number;
  readonly busyWorkers: number;
  readonly workers: number;
  readonly jettyQueue: number;
}

function nodeLoad(early: NodeReading, late: NodeReading): NodeLoad | undefined {
  const { httpd: httpd0, jetty: jetty0 } = early.status;
  const { httpd: httpd1, jetty: jetty1 } = late.status;
  const seconds = (late.atMs - early.atMs) / 1000;
  if (!httpd0 || !jetty0 || !httpd1 || !jetty1 || seconds <= 0) return undefined;
  const sameProcesses =
    httpd0.usage.pid === httpd1.usage.pid && jetty0.usage.pid === jetty1.usage.pid;
  const requests = httpd1.totalAccesses - httpd0.totalAccesses;
  const requestSeconds = (httpd1.totalDuration - httpd0.totalDuration) / 1000;
  const cpuSeconds =
    httpd1.usage.cpuSeconds -
    httpd0.usage.cpuSeconds +
    (jetty1.usage.cpuSeconds - jetty0.usage.cpuSeconds);
  if (!sameProcesses || requests < 0 || requestSeconds < 0 || cpuSeconds < 0) return undefined;
  return {
    seconds,
    requests,
    requestSeconds,
    cpuSeconds,
    busyWorkers: httpd1.busyWorkers,
    workers: httpd1.busyWorkers + httpd1.idleWorkers,
    jettyQueue: jetty1.queueSize,
  };
}
