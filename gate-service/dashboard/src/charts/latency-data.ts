/** Latency of the arms while it is measured, from the events of the run. */
import type { RunEvent } from '../api/types.ts';

export const QUANTILES = ['p50', 'p95', 'p99'] as const;
export type Quantile = (typeof QUANTILES)[number];

/** Latencies of one arm in one window, milliseconds. */
export type Latencies = Readonly<Partial<Record<Quantile, number>>>;

export interface LatencyPoint {
  /** Seconds since the epoch. */
  readonly at: number;
  readonly arms: Readonly<Record<string, Latencies>>;
}

/**
 * Points of the comparison that is under way, or that was the last: a new attempt begins anew.
 * Windows of the planted delay are left out.
 */
export function latenciesOf(events: readonly RunEvent[]): readonly LatencyPoint[] {
  const begun = events.findLastIndex(
    ({ data, type }) => type === 'attempt' || (type === 'phase' && isComparing(data.phase)),
  );
  return events.slice(begun + 1).flatMap(({ at, data }) => {
    const windows = Array.isArray(data.latencies) ? (data.latencies as unknown[]) : [];
    return windows.flatMap((window) => pointOf(recordOf(window) ?? {}, at));
  });
}

function pointOf(window: Readonly<Record<string, unknown>>, at: string): readonly LatencyPoint[] {
  const arms = armsIn(window);
  const own = typeof window.at === 'string' ? window.at : at;
  return arms === undefined ? [] : [{ at: Date.parse(own) / 1000, arms }];
}

const isComparing = (phase: unknown): boolean => phase === 'measuring' || phase === 'confirming';

function armsIn(window: Readonly<Record<string, unknown>>): LatencyPoint['arms'] | undefined {
  const arms = recordOf(window.quantiles);
  if (arms === undefined || 'planted' in arms) return undefined;
  const entries = Object.entries(arms).map(([arm, found]) => [
    arm,
    numbersIn(recordOf(found) ?? {}),
  ]);
  return entries.length === 0
    ? undefined
    : (Object.fromEntries(entries) as Readonly<Record<string, Latencies>>);
}

function numbersIn(values: Readonly<Record<string, unknown>>): Latencies {
  return Object.fromEntries(
    QUANTILES.flatMap((name) => {
      const value = values[name];
      return typeof value === 'number' ? [[name, value]] : [];
    }),
  );
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

/** Those of the quantiles that at least one point has. */
export function quantilesIn(points: readonly LatencyPoint[]): readonly Quantile[] {
  return QUANTILES.filter((name) =>
    points.some(({ arms }) => Object.values(arms).some((own) => own[name] !== undefined)),
  );
}

export function armsOf(points: readonly LatencyPoint[]): readonly string[] {
  return [...new Set(points.flatMap(({ arms }) => Object.keys(arms)))].sort();
}
