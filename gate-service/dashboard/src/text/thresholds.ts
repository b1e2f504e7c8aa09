/** What can be read off a threshold as it is written, e.g. `p99{kind=search} <= baseline + 10ms`. */

/**
 * What the effect of a threshold is counted in. `change` is a difference to the baseline: relative, in
 * percentage points, or in milliseconds; the others are the candidate's own value.
 */
export type Axis = 'relative-change' | 'share-change' | 'ms-change' | 'share' | 'ms' | 'per-second';

export interface Limit {
  readonly axis: Axis;
  /** With the sign of the effect: how much slower, or how much less, is allowed. */
  readonly value: number;
}

/** Whether it compares with the baseline. */
export function isRelative(threshold: string): boolean {
  return threshold.includes('baseline');
}

/** Throughput and capacity are better when higher; all else when lower. */
export function higherIsBetter(threshold: string): boolean {
  return /^\s*(throughput|capacity)/.test(threshold);
}

/** undefined for what is no threshold */
export function limitOf(threshold: string): Limit | undefined {
  const found =
    /^\s*([a-z_]+)[^<>]*[<>]=?\s*(?:baseline\s*([+-]))?\s*(\d+(?:\.\d+)?)\s*(%|us|ms|s|\/s)\s*$/.exec(
      threshold,
    );
  if (found === null) return undefined;
  const [, metric, sign, digits, unit] = found;
  const number = Number(digits) * (sign === '-' ? -1 : 1);
  if (unit === '/s') return { axis: 'per-second', value: number };
  if (unit === '%') {
    const value = number / 100;
    if (sign === undefined) return { axis: 'share', value };
    return { axis: metric === 'errors' ? 'share-change' : 'relative-change', value };
  }
  const milliseconds = { us: 0.001, ms: 1, s: 1000 }[unit as 'us' | 'ms' | 's'];
  return { axis: sign === undefined ? 'ms' : 'ms-change', value: number * milliseconds };
}

/** What an axis is called beside its numbers. */
export const AXIS_NAMES: Readonly<Record<Axis, string>> = {
  'relative-change': 'change against the baseline, in %',
  'share-change': 'change against the baseline, in percentage points',
  'ms-change': 'change against the baseline, in ms',
  share: 'share of requests, in %',
  ms: 'milliseconds',
  'per-second': 'answers per second',
};

/** Where the limit of an outcome lies on the axis of its effect. */
export function borderOf({
  limit,
  threshold,
}: {
  readonly threshold: string;
  readonly limit: number;
}): number {
  return isRelative(threshold) && higherIsBetter(threshold) ? -Math.abs(limit) : limit;
}
