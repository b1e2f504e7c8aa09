/** Production's traffic of late, on which it depends which weights can tell anything. */
import { settleMs, type WatchContext } from './promotion-watch.ts';

/** Of both arms, taken together. */
export interface RecentTraffic {
  readonly requestsPerSecond: number;
  /** Of the nodes in force: 0 to 1. */
  readonly failureShare: number;
}

/** A rate needs no longer look, and every second more is one more in which a scrape may be missing. */
const LONGEST_LOOK_SECONDS = 30;
const LOOK_AGAIN_MS = 1_000;

/**
 * Traffic of the last seconds; `undefined` when it cannot be known.
 * @param seconds what a step lasts: as far back as this is looked, half a minute at most
 */
export async function recentTraffic(
  context: WatchContext,
  seconds: number,
): Promise<RecentTraffic | undefined> {
  const { canaryArmId, clock, currentArmId, service, telemetry } = context;
  const look = Math.min(seconds, LONGEST_LOOK_SECONDS);
  const toMs = clock.now();
  const span = { fromMs: toMs - look * 1000, toMs };
  try {
    const traffic = await telemetry.armTraffic(service, [currentArmId, canaryArmId], span);
    const current = traffic.get(currentArmId);
    if (current === undefined) return undefined;
    const requests = current.requests + (traffic.get(canaryArmId)?.requests ?? 0);
    return {
      requestsPerSecond: requests / look,
      failureShare: current.requests === 0 ? 0 : current.failures / current.requests,
    };
  } catch {
    return undefined;
  }
}

/**
 * The same, while the canary carries nothing yet: a gap in the metrics – Prometheus was restarted – harms nobody, so
 * that it is waited for until it is further back than the look. `undefined` when it does not end.
 */
export async function awaitedTraffic(
  context: WatchContext,
  seconds: number,
  signal: AbortSignal,
): Promise<RecentTraffic | undefined> {
  const { clock } = context;
  const patienceMs = Math.min(seconds, LONGEST_LOOK_SECONDS) * 1000 + 2 * settleMs(context);
  const endMs = clock.now() + patienceMs;
  for (;;) {
    const traffic = await recentTraffic(context, seconds);
    if (traffic !== undefined || clock.now() >= endMs) return traffic;
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}
