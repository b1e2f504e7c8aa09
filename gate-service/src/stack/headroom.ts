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
  /** What its agent and the machine told meanwhile, as far as they did. */
  readonly seen?: NodeUse;
}

/** Busiest readings of one node, httpd's from mod_status. */
export interface NodeUse {
  readonly busyWorkers: number;
  readonly jettyThreadsBusy: number;
  readonly jettyQueue: number;
  /** CPU that the arm used of its cores, 0–1. */
  readonly cpuShare?: number;
}

export interface Headroom {
  readonly exists: boolean;
  /** Why, in words, with the numbers. */
  readonly reason: string;
  /** What this rests on, one sentence. */
  readonly lookedAt: string;
}

/** Share of the node's places from which on requests begin to wait for each other. */
export const BUSY_SHARE = 0.8;
/** Requests that the node can serve at the same time; Jetty's pool is never narrower than httpd's connections to it (rule 6). */
export function placesOf(configuration: StackConfiguration): number {
  return placesIn(configuration.values);
}

/**
 * Headroom exists where requests wait for a place (requests in flight, observed or by Little's law
 * from rate and median, reach {@link BUSY_SHARE} of the places, or as many of Jetty's threads are
 * busy), or where every request pays for a new connection. Measured: below that, other sizes win
 * nothing, and a gain that is claimed is noise. Busy cores alone say neither: more places won 1.34
 * times as much on two full cores, where requests waited. Telemetry that is missing or no number
 * shows nothing to win.
 */
export function findHeadroom(telemetry: NodeTelemetry, incumbent: StackConfiguration): Headroom {
  return { ...judged(telemetry, incumbent), lookedAt: lookedAt(telemetry, incumbent) };
}

function judged(
  telemetry: NodeTelemetry,
  incumbent: StackConfiguration,
): Omit<Headroom, 'lookedAt'> {
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
  const threads = incumbent.values['jetty.maxThreads'];
  const busy = telemetry.seen?.jettyThreadsBusy ?? 0;
  if (!incumbent.values['jetty.virtualThreads'] && busy >= BUSY_SHARE * threads) {
    return { exists: true, reason: `${busy} of Jetty’s ${threads} threads are busy.` };
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

function lookedAt(
  { concurrency, p50Ms, p99Ms, ratePerSecond, seen }: NodeTelemetry,
  { values }: StackConfiguration,
): string {
  const told = (value: number, digits = 0): string =>
    Number.isFinite(value) ? value.toFixed(digits) : 'an unknown number of';
  const parts = [
    `${told(ratePerSecond, 1)} requests/s with p50 ${told(p50Ms)} ms and p99 ${told(p99Ms)} ms`,
    `${told((ratePerSecond * p50Ms) / 1000, 1)} in flight by rate and median, at most ${told(concurrency)} seen`,
    ...(seen === undefined
      ? ['no status of httpd and Jetty']
      : [
          `${seen.busyWorkers} of ${values['httpd.maxRequestWorkers']} workers of httpd busy`,
          `${seen.jettyThreadsBusy} of ${values['jetty.maxThreads']} threads of Jetty, ${seen.jettyQueue} requests in its queue`,
        ]),
    seen?.cpuShare === undefined
      ? 'no reading of the CPU'
      : `${Math.round(seen.cpuShare * 100)} % of the CPU`,
  ];
  return `Looked at on each node: ${parts.join('; ')}.`;
}
