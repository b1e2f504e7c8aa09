/** When a node that is about to end may do so: once nobody sends it requests any more. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestCounters } from './jolokia.ts';
import type { DrainResponse } from './protocol.ts';

/** Milliseconds. */
export interface DrainLimits {
  /** Waited in any case: proxies learn only after a while that the node is going, and until then a quiet node proves nothing. */
  readonly atLeast: number;
  /** No request for so long counts as quiet. */
  readonly quiet: number;
  /** Ends the wait whatever comes; has to fit in the pod's terminationGracePeriodSeconds, with the stop after it. */
  readonly atMost: number;
}

const DEFAULT_LIMITS: DrainLimits = { atLeast: 3000, quiet: 1000, atMost: 20_000 };
const EVERY_MS = 100;

/**
 * Waits until Jetty has had no request for a while. Jetty's counters and not httpd's: those count every look at its status too.
 * @param read the counters, or `undefined` when nothing serves any more, which is quiet at once
 */
export async function untilQuiet(
  read: () => Promise<Pick<RequestCounters, 'active' | 'total'> | undefined>,
  limits: DrainLimits = DEFAULT_LIMITS,
): Promise<DrainResponse> {
  const start = performance.now();
  let total = Number.NaN;
  let quietSince = start;
  for (;;) {
    // No answer: the drain must not depend on it, and its time is limited.
    const counters = await read().catch(() => null);
    const now = performance.now();
    if (counters === undefined) return { quiet: true, milliseconds: now - start };
    if (counters?.total !== total || counters.active > 0) quietSince = now;
    total = counters?.total ?? Number.NaN;
    if (now - start >= limits.atLeast && now - quietSince >= limits.quiet) {
      return { quiet: true, milliseconds: now - start };
    }
    if (now - start >= limits.atMost) return { quiet: false, milliseconds: now - start };
    await sleep(EVERY_MS);
  }
}
