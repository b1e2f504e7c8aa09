/** Where one arm alone stands: quantiles and failures of its own requests, against nothing. */
import type { Sample } from '../load/sample.ts';
import { clopperPearson, share, type Tally } from '../statistics/proportions.ts';
import { quantileOfSorted, sortedCopy } from '../statistics/quantile.ts';

/**
 * Latency below which so many of the requests are, in ms; a failed one has no end.
 * @param percent 0–100: 95 for p95
 * @returns `undefined` without requests, `Infinity` where too many failed
 */
export function quantileMs(samples: readonly Sample[], percent: number): number | undefined {
  const ms = samples.map(({ latencyUs, status }) =>
    status === 'ok' ? latencyUs / 1000 : Infinity,
  );
  return quantileOfSorted(sortedCopy(ms), percent / 100);
}

/** Requests that failed in any way. */
export function failuresOf(samples: readonly Sample[]): Tally {
  return {
    hits: samples.filter(({ status }) => status !== 'ok').length,
    total: samples.length,
  };
}

/** Share of failures, 0–1, and whether it is proven to be above the limit at this one-sided error. */
export function shareAgainst(
  failures: Tally,
  limit: number,
  error: number,
): { readonly share: number; readonly provenAbove: boolean } {
  return { share: share(failures), provenAbove: clopperPearson(failures, error).low > limit };
}
