/** What one window of load shows, and how windows of two configurations are compared. */
import { nearestRank } from '../../../gate-service/src/load/nearest-rank.ts';
import type { Objective } from './workloads.ts';

export interface LoadWindow {
  /** Right answers. */
  readonly completedPerSecond: number;
  /** Of right answers; NaN without any. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** 0–1 of all requests: wrong answers, time-outs, broken connections. */
  readonly failedShare: number;
  /** Why it does not count, decided without a look at what it shows. */
  readonly unfit?: string;
}

export function windowOf(
  latenciesMs: readonly number[],
  failed: number,
  seconds: number,
  unfit: string | undefined,
): LoadWindow {
  const completed = latenciesMs.length;
  return {
    completedPerSecond: completed / seconds,
    p50Ms: nearestRank(latenciesMs, 0.5),
    p95Ms: nearestRank(latenciesMs, 0.95),
    p99Ms: nearestRank(latenciesMs, 0.99),
    failedShare: completed + failed === 0 ? 1 : failed / (completed + failed),
    ...(unfit === undefined ? {} : { unfit }),
  };
}

/** Lower is better, above 0: milliseconds a right answer, or the 95th percentile of latency. */
export function costOf(objective: Objective, window: LoadWindow): number {
  return objective === 'throughput' ? 1000 / window.completedPerSecond : window.p95Ms;
}

/** As people read it: right answers a second, or milliseconds. */
export function readingOf(objective: Objective, cost: number): number {
  return objective === 'throughput' ? 1000 / cost : cost;
}

/**
 * Log ratios challenger ÷ incumbent of neighbouring windows, below 0 is better. A pair with an unfit
 * window, or with one that answered nothing, is left out as a whole.
 * @param windows both in the order in which they were taken
 */
export function logRatiosOf(
  objective: Objective,
  windows: {
    readonly challenger: readonly LoadWindow[];
    readonly incumbent: readonly LoadWindow[];
  },
): number[] {
  return windows.challenger.flatMap((challenger, pair) => {
    const incumbent = windows.incumbent[pair];
    if (incumbent === undefined) return [];
    if (challenger.unfit !== undefined || incumbent.unfit !== undefined) return [];
    const ratio = Math.log(costOf(objective, challenger) / costOf(objective, incumbent));
    return Number.isFinite(ratio) ? [ratio] : [];
  });
}

/** Median over fit windows; over all when none is. */
export function typical(
  windows: readonly LoadWindow[],
  of: (window: LoadWindow) => number,
): number {
  const fit = windows.filter(({ unfit }) => unfit === undefined);
  const sorted = (fit.length > 0 ? fit : windows).map(of).sort((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}
