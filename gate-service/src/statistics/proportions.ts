/** Exact tests and intervals for shares: failures among requests. */
import { betaQuantile, binomialUpperTail, logChoose } from './distributions.ts';

/** So many of so many. */
export interface Tally {
  readonly hits: number;
  readonly total: number;
}

export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** Hits per total, 0–1; NaN without any. */
export function share(tally: Tally): number {
  return tally.hits / tally.total;
}

/**
 * Clopper & Pearson's exact interval (1934) for a share.
 * @param level one-sided error of each bound: 0.025 for a 95 % interval, 0.05 for a 95 % upper limit
 */
export function clopperPearson(tally: Tally, level: number): Bounds {
  const { hits, total } = tally;
  if (total === 0) return { low: 0, high: 1 };
  return {
    low: hits === 0 ? 0 : betaQuantile(level, hits, total - hits + 1),
    high: hits === total ? 1 : betaQuantile(1 - level, hits + 1, total - hits),
  };
}

/**
 * One-sided p of "the subject's rate is at most the reference's". Given all hits together the
 * subject's are binomial with its part of the exposure (Przyborowski & Wilenski 1940). Exact for
 * rare events, conservative for common ones.
 */
export function conditionalBinomialP(subject: Tally, reference: Tally): number {
  const exposure = subject.total + reference.total;
  if (exposure === 0) return 1;
  return binomialUpperTail(subject.hits, subject.hits + reference.hits, subject.total / exposure);
}

/**
 * Interval of subject's rate ÷ reference's, from the same conditioning: the exact interval of the
 * subject's part of all hits, as odds over the exposures. 0…∞ without hits.
 */
export function rateRatioInterval(subject: Tally, reference: Tally, level: number): Bounds {
  const part = clopperPearson({ hits: subject.hits, total: subject.hits + reference.hits }, level);
  const exposures = reference.total / subject.total;
  const odds = (p: number): number => (p >= 1 ? Infinity : p / (1 - p));
  return { low: odds(part.low) * exposures, high: odds(part.high) * exposures };
}

/**
 * Interval of subject's share − reference's, recovered from the two exact intervals (Newcombe 1998,
 * method 10, in the form MOVER of Zou & Donner 2008, with Clopper–Pearson inside: conservative).
 * @param level one-sided error of each bound
 */
export function shareDifferenceInterval(subject: Tally, reference: Tally, level: number): Bounds {
  const s = share(subject);
  const r = share(reference);
  const inner = clopperPearson(subject, level);
  const outer = clopperPearson(reference, level);
  return {
    low: s - r - Math.hypot(s - inner.low, outer.high - r),
    high: s - r + Math.hypot(inner.high - s, r - outer.low),
  };
}

/** One-sided p of "subject's share − reference's is at most `margin`", by inverting the interval above. */
export function pShareDifferenceAbove(subject: Tally, reference: Tally, margin: number): number {
  if (!(share(subject) - share(reference) > margin)) return 1;
  return leastLevel((level) => shareDifferenceInterval(subject, reference, level).low > margin);
}

/**
 * The p that belongs to an interval: the least one-sided level, 1e-9–0.5, at which its bound lies
 * beyond what is tested; 1 where it never does.
 * @param beyond must stay true for greater levels once it is true
 */
export function leastLevel(beyond: (level: number) => boolean): number {
  let low = 1e-9;
  let high = 0.5;
  if (beyond(low)) return low;
  if (!beyond(high)) return 1;
  // Bisection on ln(level): 30 halvings give about 8 digits.
  for (let step = 0; step < 30; step += 1) {
    const middle = Math.sqrt(low * high);
    if (beyond(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Fisher's exact test (1935), one-sided: p of "the subject's share is at most the reference's". */
export function fisherExactP(subject: Tally, reference: Tally): number {
  const hits = subject.hits + reference.hits;
  const total = subject.total + reference.total;
  if (subject.total === 0 || reference.total === 0) return 1;
  const all = logChoose(total, hits);
  let p = 0;
  for (let k = subject.hits; k <= Math.min(hits, subject.total); k += 1) {
    if (hits - k > reference.total) continue;
    p += Math.exp(logChoose(subject.total, k) + logChoose(reference.total, hits - k) - all);
  }
  return Math.min(1, p);
}
