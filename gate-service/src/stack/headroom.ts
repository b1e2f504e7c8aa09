/** Whether another stack configuration could win anything, told from telemetry of one node. */
import type { StackConfiguration } from './configuration.ts';

/** What one node carries, over a stretch of steady load. */
export interface NodeTelemetry {
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests in flight at the node: its busy workers, or what waits before them too where that is known. */
  readonly concurrency: number;
}

export interface Headroom {
  readonly exists: boolean;
  /** Why, in words, with the numbers. */
  readonly reason: string;
}

/** Share of the node's places from which on requests begin to wait for each other. */
export const BUSY_SHARE = 0.8;
/** Fewest threads that Jetty keeps for itself. */
const LEAST_LEASED = 3;

/** Requests that the node can serve at the same time: the narrowest of workers, proxy pool and Jetty's pool. */
export function placesOf(configuration: StackConfiguration): number {
  const v = configuration.values;
  const children = v['httpd.maxRequestWorkers'] / v['httpd.threadsPerChild'];
  return Math.min(
    v['httpd.maxRequestWorkers'],
    children * v['proxy.max'],
    v['jetty.maxThreads'] - LEAST_LEASED,
  );
}

/**
 * Headroom exists where requests wait for a place (requests in flight, observed or by Little's law
 * from rate and median, reach {@link BUSY_SHARE} of the places), or where every request pays for a
 * new connection. Measured: below that, other sizes win nothing, and a gain that is claimed is
 * noise. Telemetry that is missing or no number shows nothing to win.
 */
export function findHeadroom(telemetry: NodeTelemetry, incumbent: StackConfiguration): Headroom {
  const { ratePerSecond, p50Ms, p99Ms, concurrency } = telemetry;
  if (![ratePerSecond, p50Ms, p99Ms, concurrency].every((n) => Number.isFinite(n) && n >= 0)) {
    return { exists: false, reason: 'The telemetry is incomplete, so nothing to win is shown.' };
  }
  if (ratePerSecond === 0) {
    return { exists: false, reason: 'The node carried no requests, so nothing to win is shown.' };
  }
  if (!incumbent.values['httpd.keepAlive']) {
    return { exists: true, reason: 'httpd.keepAlive is off: every request pays for a connection.' };
  }
  const places = placesOf(incumbent);
  const inFlight = Math.max(concurrency, (ratePerSecond * p50Ms) / 1000);
  const exists = inFlight >= BUSY_SHARE * places;
  const reason =
    `${Math.round(inFlight)} requests in flight for ${places} places` +
    (exists ? ': requests wait for each other.' : ': none waits, so sizes win nothing.');
  return { exists, reason };
}

/** Whether {@link findHeadroom} found any. */
export function hasHeadroom(telemetry: NodeTelemetry, incumbent: StackConfiguration): boolean {
  return findHeadroom(telemetry, incumbent).exists;
}
