import { describe, expect, it } from 'vitest';
import type { Exchange } from './exchange.ts';
import { explainFailures } from './explain.ts';
import { AFTERMATH_US, summarize, type Window } from './row.ts';

const MS = 1000;
const WINDOWS: readonly Window[] = [
  { fromUs: 1000 * MS, toUs: 2000 * MS },
  { fromUs: 5000 * MS, toUs: 6000 * MS },
];

const exchange = (intendedMs: number, changes: Partial<Exchange> = {}): Exchange => ({
  intendedUs: intendedMs * MS,
  dispatchedUs: intendedMs * MS,
  endedUs: intendedMs * MS + 50 * MS,
  method: 'GET',
  fresh: false,
  connection: 'reused',
  plannedWaitMs: 40,
  ...changes,
});

describe('summarize', () => {
  it('counts from the intended send time and takes the planned wait off', () => {
    // The sender came to it 30 ms late: those are part of what was added.
    const late = exchange(1500, { dispatchedUs: 1530 * MS, endedUs: 1590 * MS });
    const row = summarize('route', 'proxy', WINDOWS, [late, exchange(3500)]);
    expect(row.worstAddedMs).toBe(50);
    expect(row.senderLagMs).toBe(30);
    expect(row.quietWorstMs).toBe(10);
  });

  it('gives a swap the requests that were under way when it began, and those of its aftermath', () => {
    const before = exchange(990, { endedUs: 1001 * MS, plannedWaitMs: 0 });
    const aftermath = exchange(2000 + AFTERMATH_US / MS, { plannedWaitMs: 30 });
    const row = summarize('route', 'proxy', WINDOWS, [before, aftermath]);
    expect(row.worstAddedMs).toBe(20);
    expect(row.quietWorstMs).toBe(0);
  });

  it('leaves what ended before a swap, or was sent after its aftermath, to the quiet', () => {
    const ended = exchange(949, { plannedWaitMs: 0 });
    const later = exchange(2001 + AFTERMATH_US / MS);
    const row = summarize('route', 'proxy', WINDOWS, [ended, later]);
    expect(row.worstAddedMs).toBe(0);
    expect(row.quietWorstMs).toBe(50);
  });

  it('counts a failure wherever it happened, and its latency nowhere', () => {
    const failed = { failure: 'status 503 (x)', plannedWaitMs: 0, endedUs: 9_000_000 };
    const row = summarize('graceful', 'direct', WINDOWS, [
      exchange(1500, failed),
      exchange(3500, { ...failed, fresh: true }),
      exchange(1600),
    ]);
    expect(row).toMatchObject({ requests: 3, failed: 2, worstAddedMs: 10, swaps: 2 });
    expect(row.failures).toEqual({ 'kept: status 503 (x)': 1, 'fresh: status 503 (x)': 1 });
  });
});

describe('explainFailures', () => {
  it('has nothing to say when nothing failed', () => {
    expect(explainFailures(WINDOWS, [exchange(1500)])).toEqual([]);
  });

  it('tells swaps from the time between them, and known causes from unknown ones', () => {
    const closed = { failure: 'closed before the answer', plannedWaitMs: 0 };
    const text = explainFailures(WINDOWS, [
      exchange(5100, closed),
      exchange(3500, closed),
      exchange(1500, { ...closed, connection: 'fresh', fresh: true }),
    ]).join('\n');
    expect(text).toContain(
      '3 failed: 2 in 2 of 2 swaps, 150 to 550 ms after a swap began; 1 between',
    );
    expect(text).toContain('of these 2: httpd closed a kept connection');
    expect(text).toContain('of these 1: no known cause fits');
  });
});
