/** What counters grew by over an exact span, and whether their scrapes can be relied on. Pure. */
import type { Series } from './prometheus-api.ts';

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Whether a target was scraped throughout a span: a successful scrape not older than `maxAgeMs` at
 * its beginning, at its end, and no longer pause between two.
 * @param up samples of the target's `up`, from at least `maxAgeMs` before the span
 */
export function wasScraped(up: Series, span: Span, maxAgeMs: number): boolean {
  const times = up.samples
    .filter(({ value, atMs }) => value === 1 && atMs <= span.toMs)
    .map(({ atMs }) => atMs);
  const first = times.findLast((atMs) => atMs <= span.fromMs);
  const last = times.at(-1);
  if (first === undefined || last === undefined) return false;
  if (span.fromMs - first > maxAgeMs || span.toMs - last > maxAgeMs) return false;
  const within = times.filter((atMs) => atMs >= first);
  return within.every((atMs, index) => atMs - (within[index - 1] ?? atMs) <= maxAgeMs);
}

/**
 * Growth of a counter between the scrapes in force at the span's ends: the exact difference, not
 * an extrapolation. A fall is a restart at zero: what was counted since is added. A series that
 * begins within the span began at zero, because its target was scraped before (see `wasScraped`).
 * @returns `undefined` when the series has no sample at all, or none of the last scrape's age
 */
export function growth(series: Series, span: Span, maxAgeMs: number): number | undefined {
  const last = series.samples.findLast(({ atMs }) => atMs <= span.toMs);
  if (last === undefined || span.toMs - last.atMs > maxAgeMs) return undefined;
  let before = series.samples.findLast(({ atMs }) => atMs <= span.fromMs)?.value ?? 0;
  let sum = 0;
  for (const { atMs, value } of series.samples) {
    if (atMs <= span.fromMs || atMs > span.toMs) continue;
    if (!Number.isFinite(value)) return undefined;
    sum += value >= before ? value - before : value;
    before = value;
  }
  return sum;
}
