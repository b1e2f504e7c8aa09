/** The positive control: how long a delay is planted (twice the margin that the gate has to see), at which load. Pure. */
import { nearestRank } from '../load/nearest-rank.ts';
import type { Sample } from '../load/sample.ts';
import { BUSY_SHARE } from '../stack/headroom.ts';

/** What a latency threshold allows above the baseline; of `percent` of the requests, of one kind if one is named. */
export interface LatencyMargin {
  readonly percent: number;
  readonly kind?: string;
  /** A share of the baseline's own quantile, or milliseconds. */
  readonly allowed: { readonly share: number } | { readonly ms: number };
}

/** Delay filters count whole milliseconds. */
const LEAST_MS = 1;
/** A longer one would pile requests up, and is seen at once anyway. */
const MOST_MS = 1000;
/**
 * Envoy's timers fire late by this on average. They start from the kernel's coarse clock, so that the
 * delays of single requests are up to one of its ticks (4 ms at 250 Hz) apart. Measured at 60 and 400
 * requests a second: 1 ms shows as 2.4 to 3.7 ms, 4 ms as 4.3, 8 ms as 7.7 to 8.3, 9 ms as 10.3 to 11.5.
 */
const TIMER_MS = 1.5;

export interface PlantedDelay {
  /** What the proxy is told, whole milliseconds. */
  readonly proxyMs: number;
  /** What a request meets. */
  readonly realMs: number;
}

/**
 * A real delay of twice the smallest margin, or up to 1 ms more, but 2.5 ms at least and about 1 s at most:
 * who does not see that would not have seen a breach either.
 * @param baseline samples of the reference in the counted windows; failures count as endless
 * @returns undefined when no margin says anything
 */
export function delayOfMargins(
  margins: readonly LatencyMargin[],
  baseline: readonly Pick<Sample, 'kind' | 'latencyUs' | 'status'>[],
): PlantedDelay | undefined {
  const known = margins
    .map(({ allowed, kind, percent }) => {
      if ('ms' in allowed) return allowed.ms;
      const latenciesMs = baseline
        .filter((sample) => kind === undefined || sample.kind === kind)
        .map(({ latencyUs, status }) => (status === 'ok' ? latencyUs / 1000 : Infinity));
      return allowed.share * nearestRank(latenciesMs, percent / 100);
    })
    .filter((ms) => Number.isFinite(ms) && ms > 0);
  if (known.length === 0) return undefined;
  // A hair of rounding is no millisecond more.
  const whole = Math.ceil(2 * Math.min(...known) - TIMER_MS - 1e-6);
  return delayInProxy(Math.min(MOST_MS, Math.max(LEAST_MS, whole)));
}

/** @param proxyMs whole milliseconds from 1 on */
export function delayInProxy(proxyMs: number): PlantedDelay {
  return { proxyMs, realMs: proxyMs + TIMER_MS };
}

/** The load of the arm that the planted block goes to. */
export interface PlantedLoad {
  /** Requests a second to the arm in the counted windows. */
  readonly ratePerSecond: number;
  /** Its samples there. */
  readonly samples: readonly Pick<Sample, 'latencyUs'>[];
  readonly nodes: number;
  /** Requests that one of its nodes serves at the same time. */
  readonly places: number;
}

/**
 * Whether twice the load, by Little's law, would let requests wait for a place. In the planted block both
 * requests of a pair go to the same arm: where that fills it, it would measure the queue and not the delay.
 */
export function doubledLoadWaits({ nodes, places, ratePerSecond, samples }: PlantedLoad): boolean {
  if (samples.length === 0) return false;
  const seconds = samples.reduce((sum, { latencyUs }) => sum + latencyUs, 0) / samples.length / 1e6;
  return (2 * ratePerSecond * seconds) / Math.max(1, nodes) >= BUSY_SHARE * places;
}
