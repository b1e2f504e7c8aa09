/** Which scraped proxies a span's counts come from: they come, go and are replaced, and none may be missed unseen. Pure. */
import { growth, wasScraped, type Span } from './counters.ts';
import type { Series } from './prometheus-api.ts';

/** The scraped proxies of one span. */
export interface Targets {
  /** Names of those that are scraped at the span's end. */
  readonly live: readonly string[];
  /** Name of the target that a series was scraped from. */
  nameOf(series: Series): string;
  /**
   * What a counter grew by while its target was scraped within the span. Before the first scrape of
   * a target that came within it nothing is known, so that its first values count as the beginning.
   * @returns `undefined` for a series that ended before its target did
   * @throws Error for a series of a target without `up`
   */
  growth(series: Series): number | undefined;
}

/**
 * Puts the targets of a span together. One that is not listed any more has gone, and counts until
 * its last scrape; one that is listed and does not answer makes the span unknown, and so does a
 * moment at which none was scraped.
 * @param up every target's `up`, from at least `maxAgeMs` before the span
 * @throws Error that says what was not scraped
 */
export function targetsOf(up: readonly Series[], span: Span, maxAgeMs: number): Targets {
  const spans = new Map<string, Span>();
  const live: string[] = [];
  for (const one of up) {
    const known = scrapedSpan(one, span, maxAgeMs);
    if (known === undefined) continue;
    spans.set(nameOf(one), known);
    if (known.toMs === span.toMs) live.push(nameOf(one));
  }
  if (!wasScraped(merged(up), span, maxAgeMs)) {
    throw new Error(
      up.length === 0
        ? "Prometheus scrapes no proxy of production's"
        : "no proxy of production's was scraped throughout the span",
    );
  }
  return {
    live,
    nameOf,
    growth(series) {
      const own = spans.get(nameOf(series));
      if (own === undefined) {
        throw new Error(`${nameOf(series)} has metrics, but nothing says that it was scraped`);
      }
      return growth(series, own, maxAgeMs);
    },
  };
}

function nameOf({ labels }: Series): string {
  return `${labels.job ?? ''} ${labels.instance ?? ''}`.trim();
}

/**
 * The part of the span that a target was scraped in; `undefined` when it was not there.
 * @throws Error when it was there and not scraped
 */
function scrapedSpan(up: Series, span: Span, maxAgeMs: number): Span | undefined {
  const samples = up.samples.filter(({ atMs }) => atMs <= span.toMs);
  const isRecent = (atMs: number): boolean => span.toMs - atMs <= maxAgeMs;
  const times = samples.filter(({ value }) => value === 1).map(({ atMs }) => atMs);
  const listed = samples.some(({ atMs }) => isRecent(atMs));
  const before = times.findLast((atMs) => atMs <= span.fromMs);
  const first = before ?? times[0];
  const last = times.at(-1);
  if (first === undefined || last === undefined || last < span.fromMs - maxAgeMs) {
    if (listed) throw lost(up);
    return undefined;
  }
  if (listed && !isRecent(last)) throw lost(up);
  const within = times.filter((atMs) => atMs >= first);
  const start = before === undefined ? first : span.fromMs;
  const gapless = within.every((atMs, index) => atMs - (within[index - 1] ?? atMs) <= maxAgeMs);
  if (!gapless || (before !== undefined && span.fromMs - before > maxAgeMs)) throw lost(up);
  const end = listed ? span.toMs : last;
  return { fromMs: Math.min(start, end), toMs: end };
}

function lost(up: Series): Error {
  return new Error(`Prometheus could not scrape ${nameOf(up)} throughout the span`);
}

/** The scrapes of all targets as if of one. */
function merged(up: readonly Series[]): Series {
  const samples = up
    .flatMap((one) => one.samples.filter(({ value }) => value === 1))
    .sort((one, other) => one.atMs - other.atMs);
  return { labels: {}, samples };
}
