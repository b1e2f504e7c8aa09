/** One line of the result, from the requests and the moments of the swaps. Pure. */
import { median, nearestRank } from '../../../gate-service/src/load/nearest-rank.ts';
import type { Exchange } from './exchange.ts';

export type Way = 'route' | 'graceful' | 'replace' | 'weights';
export type Through = 'proxy' | 'direct';

/** One swap, from the call to its answer; microseconds of the monotonic clock. */
export interface Window {
  readonly fromUs: number;
  readonly toUs: number;
}

export interface Row {
  readonly way: Way;
  readonly through: Through;
  readonly swaps: number;
  /** All requests while the row was measured, between the swaps too: no failure falls between windows. */
  readonly requests: number;
  readonly failed: number;
  /** Latency from the intended send time less the planned wait: the maximum of requests under way in a swap. */
  readonly worstAddedMs: number;
  readonly p99AddedMs: number;
  /** The same of requests that met no swap. */
  readonly quietWorstMs: number;
  readonly quietP99Ms: number;
  /** Longest time by which the load's own process was late in a swap: an upper bound of its share in `worstAddedMs`. */
  readonly senderLagMs: number;
  readonly medianSwapMs: number;
  /** Failed requests by `kept` or `fresh` and reason. */
  readonly failures: Readonly<Record<string, number>>;
}

/** What a swap set in motion may end only after its answer: connections of an old generation, a drained node. */
export const AFTERMATH_US = 1_000_000;

/**
 * A request belongs to a swap when it was under way (from its intended send time on) at any moment
 * between the swap's start and a second after its end.
 * @param exchanges none, or all of one measurement; quantiles are nearest rank, NaN of nothing becomes 0
 */
export function summarize(
  way: Way,
  through: Through,
  windows: readonly Window[],
  exchanges: readonly Exchange[],
): Row {
  const answered = exchanges.filter(({ failure }) => failure === undefined);
  const { inside, outside } = split(windows, answered);
  const swapping = inside.map(addedMs);
  const quiet = outside.map(addedMs);
  return {
    way,
    through,
    swaps: windows.length,
    requests: exchanges.length,
    failed: exchanges.length - answered.length,
    worstAddedMs: rounded(nearestRank(swapping, 1)),
    p99AddedMs: rounded(nearestRank(swapping, 0.99)),
    quietWorstMs: rounded(nearestRank(quiet, 1)),
    quietP99Ms: rounded(nearestRank(quiet, 0.99)),
    senderLagMs: rounded(nearestRank(inside.map(lagMs), 1)),
    medianSwapMs: rounded(median(windows.map(({ fromUs, toUs }) => (toUs - fromUs) / 1000))),
    failures: failuresOf(exchanges),
  };
}

/** Requests that were under way in a swap, and those that met none. */
export function split(
  windows: readonly Window[],
  exchanges: readonly Exchange[],
): { readonly inside: readonly Exchange[]; readonly outside: readonly Exchange[] } {
  const inside: Exchange[] = [];
  const outside: Exchange[] = [];
  for (const exchange of exchanges) {
    const met = windows.some(
      ({ fromUs, toUs }) =>
        exchange.endedUs >= fromUs && exchange.intendedUs <= toUs + AFTERMATH_US,
    );
    (met ? inside : outside).push(exchange);
  }
  return { inside, outside };
}

/** How many failed, by `kept` or `fresh` and reason. */
export function failuresOf(exchanges: readonly Exchange[]): Readonly<Record<string, number>> {
  return countBy(
    exchanges.filter(({ failure }) => failure !== undefined),
    ({ fresh, failure }) => `${fresh ? 'fresh' : 'kept'}: ${failure ?? ''}`,
  );
}

/** How many of each word. */
export function countBy<Item>(
  items: readonly Item[],
  word: (item: Item) => string,
): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(word(item), (counts.get(word(item)) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, one], [, other]) => other - one));
}

function addedMs({ intendedUs, endedUs, plannedWaitMs }: Exchange): number {
  return (endedUs - intendedUs) / 1000 - plannedWaitMs;
}

function lagMs({ intendedUs, dispatchedUs }: Exchange): number {
  return (dispatchedUs - intendedUs) / 1000;
}

function rounded(milliseconds: number): number {
  return Number.isNaN(milliseconds) ? 0 : Math.round(milliseconds * 10) / 10;
}
