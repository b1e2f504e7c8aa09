/** Latency by hop from made-up counters. */
import { describe, expect, it } from 'vitest';
import type { ArmObservation } from '../platforms/platform.ts';
import { hopLatency } from './hop-latency.ts';

interface Counters {
  readonly sent: number;
  readonly httpdMs: number;
  readonly jettyMs?: number;
  readonly pid?: number;
  readonly restarts?: number;
}

function nodeWith(name: string, { sent, httpdMs, jettyMs, pid = 7, restarts = 0 }: Counters) {
  const usage = { pid, cpuSeconds: 1, residentMiB: 1, restarts };
  return {
    name,
    healthyInProxy: true,
    requestsTotal: sent,
    status: {
      httpd: { totalDuration: httpdMs, usage },
      jetty: { ...(jettyMs !== undefined && { totalDuration: jettyMs }), usage },
    },
  };
}

/** Of what is observed, only this is looked at. */
function observed(nodes: Readonly<Record<string, Counters>>): ArmObservation {
  return {
    nodes: Object.entries(nodes).map(([name, counters]) => nodeWith(name, counters)),
  } as unknown as ArmObservation;
}

const before = observed({
  a: { sent: 100, httpdMs: 5000, jettyMs: 4000 },
  b: { sent: 10, httpdMs: 50, jettyMs: 40 },
});
/** 60 and 40 requests later. */
const later: Readonly<Record<'a' | 'b', Counters>> = {
  a: { sent: 160, httpdMs: 7500, jettyMs: 6400 },
  b: { sent: 50, httpdMs: 1750, jettyMs: 1640 },
};

describe('the latency of an arm by hop', () => {
  it('adds up to what the sender saw, over all nodes and requests', () => {
    // httpd has (2500 + 1700) / 100 of it, of which Jetty has (2400 + 1600) / 100.
    expect(hopLatency(45, before, observed(later))).toEqual({
      totalMs: 45,
      proxyMs: 3,
      httpdMs: 2,
      jettyMs: 40,
    });
  });

  it.each<[string, ArmObservation | undefined]>([
    ['was not observed', undefined],
    ['lacks a node', observed({ a: later.a })],
    ['has another node', observed({ a: later.a, c: later.b })],
    ['has a process that is another one', observed({ ...later, b: { ...later.b, pid: 8 } })],
    ['has a process started again', observed({ ...later, b: { ...later.b, restarts: 1 } })],
    ['has a counter that fell', observed({ ...later, b: { ...later.b, jettyMs: 39 } })],
    ['has an agent that does not tell it', observed({ ...later, b: { sent: 50, httpdMs: 1750 } })],
    ['was sent nothing', before],
  ])('is not told when the arm %s', (_, after) => {
    expect(hopLatency(45, before, after)).toBeUndefined();
  });

  it('is not told without a first observation, a node that answers, or a sample', () => {
    expect(hopLatency(45, undefined, observed(later))).toBeUndefined();
    const silent = {
      nodes: [{ name: 'a', healthyInProxy: true, requestsTotal: 9 }],
    } as unknown as ArmObservation;
    expect(hopLatency(45, silent, silent)).toBeUndefined();
    expect(hopLatency(NaN, before, observed(later))).toBeUndefined();
  });
});
