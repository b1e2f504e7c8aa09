import { describe, expect, test } from 'vitest';
import type { NodeStatus } from '../node-agent/protocol.ts';
import { armLoad, type NodeReading } from './node-load.ts';

interface Counters {
  readonly accesses: number;
  readonly durationMs: number;
  readonly cpu: number;
  readonly pid?: number;
}

function reading(name: string, atMs: number, counters: Counters): NodeReading {
  const usage = { pid: counters.pid ?? 7, cpuSeconds: counters.cpu, residentMiB: 1, restarts: 0 };
  const status: NodeStatus = {
    name,
    health: 'ready',
    buildDigest: '',
    configurationHash: '',
    generations: { httpd: 1, jetty: 1 },
    httpd: {
      busyWorkers: 3,
      idleWorkers: 47,
      connectionsTotal: 0,
      connectionsAsyncKeepAlive: 0,
      totalAccesses: counters.accesses,
      totalDuration: counters.durationMs,
      stopping: 0,
      usage,
    },
    jetty: {
      colour: 0,
      minThreads: 1,
      maxThreads: 2,
      threads: 2,
      utilizedThreads: 1,
      queueSize: 1,
      usage,
    },
  };
  return { atMs, status };
}

describe('load of an arm', () => {
  test('sums its nodes: rate, concurrency by Little, CPU of httpd and Jetty per request', () => {
    const before = [
      reading('a', 0, { accesses: 100, durationMs: 1000, cpu: 5 }),
      reading('b', 0, { accesses: 0, durationMs: 0, cpu: 1 }),
    ];
    const after = [
      reading('b', 10_000, { accesses: 1000, durationMs: 50_000, cpu: 2 }),
      reading('a', 10_000, { accesses: 1100, durationMs: 51_000, cpu: 6 }),
    ];
    const load = armLoad(before, after);
    expect(load).toMatchObject({
      ratePerSecond: 200,
      concurrency: 10,
      busyWorkers: 6,
      workers: 100,
      jettyQueue: 2,
    });
    // Each node used 1 s twice (httpd and Jetty share the made-up usage).
    expect(load!.cpuSecondsPerRequest).toBeCloseTo(4 / 2000, 12);
  });

  test('without requests has no CPU per request', () => {
    const idle = { accesses: 5, durationMs: 5, cpu: 1 };
    const load = armLoad([reading('a', 0, idle)], [reading('a', 1000, idle)]);
    expect(load!.ratePerSecond).toBe(0);
    expect(load!.cpuSecondsPerRequest).toBeUndefined();
  });

  test('is unknown when a node is missing, silent, started anew, or a counter fell', () => {
    const early = { accesses: 50, durationMs: 10, cpu: 1 };
    const before = [reading('a', 0, early)];
    const later = { accesses: 60, durationMs: 20, cpu: 2 };
    expect(armLoad(before, [reading('a', 1000, later)])).toBeDefined();
    expect(armLoad([], [])).toBeUndefined();
    expect(armLoad(before, [reading('b', 1000, later)])).toBeUndefined();
    expect(armLoad(before, [])).toBeUndefined();
    expect(armLoad(before, [reading('a', 1000, { ...later, pid: 8 })])).toBeUndefined();
    expect(armLoad(before, [reading('a', 1000, { ...later, accesses: 49 })])).toBeUndefined();
    const silent = reading('a', 1000, later);
    const { httpd, ...status } = silent.status;
    expect(httpd).toBeDefined();
    expect(armLoad(before, [{ atMs: 1000, status }])).toBeUndefined();
  });
});
