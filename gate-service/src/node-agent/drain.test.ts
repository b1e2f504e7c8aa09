import { describe, expect, it } from 'vitest';
import { untilQuiet } from './drain.ts';
import type { RequestCounters } from './jolokia.ts';

const limits = { atLeast: 300, quiet: 200, atMost: 60_000 };
/** Of a drain that never gets quiet. */
const impatient = { ...limits, atMost: 1500 };

/** Counters as a Jetty has them that gets requests during the first so many readings. */
function busyFor(
  readings: number,
  active = 0,
): () => Promise<Pick<RequestCounters, 'active' | 'total'>> {
  let read = 0;
  return async () => {
    read += 1;
    return Promise.resolve({ total: Math.min(read, readings), active });
  };
}

describe('the drain of a node', () => {
  it('waits the least time even when nothing comes, for the proxies may not know yet', async () => {
    const { quiet, milliseconds } = await untilQuiet(busyFor(1), limits);
    expect(quiet).toBe(true);
    expect(milliseconds).toBeGreaterThanOrEqual(limits.atLeast);
  });

  it('goes on as long as requests come', async () => {
    const { quiet, milliseconds } = await untilQuiet(busyFor(8), limits);
    expect(quiet).toBe(true);
    // Seven pauses between the eight readings that grew, then quiet.
    expect(milliseconds).toBeGreaterThanOrEqual(700 + limits.quiet);
  });

  it('says that it was not quiet when a request never ends', async () => {
    const { quiet, milliseconds } = await untilQuiet(busyFor(1, 1), impatient);
    expect(quiet).toBe(false);
    expect(milliseconds).toBeGreaterThanOrEqual(impatient.atMost);
  });

  it('does not take a Jetty that gives no answer for a quiet one', async () => {
    const { quiet } = await untilQuiet(async () => Promise.reject(new Error('refused')), impatient);
    expect(quiet).toBe(false);
  });

  it('ends at once when nothing serves', async () => {
    let readings = 0;
    const { quiet } = await untilQuiet(async () => {
      readings += 1;
      return Promise.resolve(undefined);
    }, limits);
    expect({ quiet, readings }).toEqual({ quiet: true, readings: 1 });
  });
});
