/** What the arms' latencies look like while they are measured: for the live picture only, nothing is decided by it. */
import type { Sample } from './sample.ts';
import { quantileOfSorted } from '../statistics/quantile.ts';

/** Quantiles of one window by arm, milliseconds; one that is a failed request is left out. */
export interface WindowLatencies {
  /** When the window's report came, ISO 8601. */
  readonly at: string;
  readonly quantiles: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;

/** @param at ISO 8601 */
export function latenciesOf(samples: readonly Sample[], at: string): WindowLatencies {
  const byArm = Map.groupBy(samples, ({ arm }) => arm);
  return {
    at,
    quantiles: Object.fromEntries([...byArm].map(([arm, own]) => [arm, quantilesOf(own)])),
  };
}

function quantilesOf(samples: readonly Sample[]): Readonly<Record<string, number>> {
  const sorted = Float64Array.from(samples, ({ latencyUs, status }) =>
    status === 'ok' ? latencyUs / 1000 : Infinity,
  ).sort();
  return Object.fromEntries(
    Object.entries(QUANTILES).flatMap(([name, share]) => {
      const value = quantileOfSorted(sorted, share);
      return value === undefined || !Number.isFinite(value) ? [] : [[name, value]];
    }),
  );
}
