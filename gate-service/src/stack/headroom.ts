/** Whether another stack configuration could win anything, told from telemetry of one node. */
import type { StackConfiguration } from './configuration.ts';
import { placesIn } from './pools.ts';

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
/** Requests that the node can serve at the same time; Jetty's pool is never narrower than httpd's connections to it (rule 6). */
export function placesOf(configuration: StackConfiguration): number {
  return placesIn(configuration.values);
}

/**
 * Headroom exists where requests wait for a place (requests in flight, observed or by Little's law
 * from rate and median, reach {@link BUSY_SHARE} of the places), or where every request pays for a
 * new connection. Measured: below that, other sizes win nothing, and a gain that is claimed is
 * noise. Telemetry that is missing or no number shows nothing to win.
 */
export function findHeadroom(telemetry: NodeTelemetry, incumbent: StackConfiguration): Headroom {
  const load = inFlight(telemetry);
  if (load === undefined) {
    return { exists: false, reason: 'The telemetry is incomplete, so nothing to win is shown.' };
  }
  if (telemetry.ratePerSecond === 0) {
    return { exists: false, reason: 'The node carried no requests, so nothing to win is shown.' };
  }
  if (!incumbent.values['httpd.keepAlive']) {
    return { exists: true, reason: 'httpd.keepAlive is off: every request pays for a connection.' };
  }
  const places = placesOf(incumbent);
  const exists = load >= BUSY_SHARE * places;
  const reason =
    `${Math.round(load)} requests in flight for ${places} places` +
    (exists ? ': requests wait for each other.' : ': none waits, so sizes win nothing.');
  return { exists, reason };
}

/** Requests at the node at the same time, seen or by Little's law; `undefined` when the telemetry is no evidence. */
export function inFlight(telemetry: NodeTelemetry): number | undefined {
  const { ratePerSecond, p50Ms, p99Ms, concurrency } = telemetry;
  if (![ratePerSecond, p50Ms, p99Ms, concurrency].every((n) => Number.isFinite(n) && n >= 0)) {
    return undefined;
  }
  return Math.max(concurrency, (ratePerSecond * p50Ms) / 1000);
}

/** Whether {@link findHeadroom} found any. */
export function hasHeadroom(telemetry: NodeTelemetry, incumbent: StackConfiguration): boolean {
  return findHeadroom(telemetry, incumbent).exists;
}
