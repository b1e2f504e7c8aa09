/**
 * Error thresholds: the share of requests that failed in any way, time-outs included.
 *
 * A threshold without a kind is checked over all requests *and* over each kind, so that a kind
 * that breaks cannot hide in the sum. These 1 + k tests share the error of one (Bonferroni); kinds
 * are named by Holm. A single kind can only break the threshold, or keep it open while it looks
 * broken but is not proven to be; whether it is met is shown over all requests.
 */
import { binomialUpperTail } from '../statistics/distributions.ts';
import { holm } from '../statistics/holm.ts';
import {
  clopperPearson,
  conditionalBinomialP,
  pShareDifferenceAbove,
  share,
  shareDifferenceInterval,
  type Tally,
} from '../statistics/proportions.ts';
import { normalQuantile } from '../statistics/distributions.ts';
import { frame, invalidFinding, type Evidence, type Finding } from './finding.ts';
import type { Threshold } from './threshold.ts';

/** Failures of both arms among the same requests. */
export interface ComparedTally {
  /** Absent: all requests. */
  readonly kind?: string;
  readonly subject: Tally;
  readonly reference: Tally;
}

/** A kind that looks broken at this p keeps the threshold from being met. */
const SUSPECT_LEVEL = 0.05;

export function findErrors(threshold: Threshold, evidence: Evidence): Finding {
  const relative = threshold.against === 'baseline';
  const tallies = tallyFailures(evidence);
  const whole = tallies.find(({ kind }) => kind === threshold.kind);
  const where = threshold.kind === undefined ? '' : ` of kind "${threshold.kind}"`;
  if (relative && !evidence.hasReference) {
    return invalidFinding(threshold, 'there is no baseline to compare with');
  }
  if (whole === undefined || whole.subject.total === 0) {
    return invalidFinding(threshold, `the candidate got no requests${where}`);
  }
  if (evidence.hasReference && whole.reference.total === 0) {
    return invalidFinding(threshold, `the baseline got no requests${where}`);
  }
  // One kind alone is the same as all requests.
  const each = threshold.kind === undefined && tallies.length > 2 ? tallies.slice(1) : [];
  const tested = [whole, ...each];
  const parts = tested.map((tally) => testOne(threshold, tally, evidence));
  const least = (values: readonly number[]): number =>
    Math.min(1, tested.length * Math.min(1, ...values));
  const alone = parts.filter(({ both }) => !both).map(({ p }) => p);
  const both = parts.filter((part) => part.both).map(({ p }) => p);
  const suspect = parts.slice(1).some(({ suspected }) => suspected);
  const kinds = failingMore(tallies, evidence);
  const bounds = (level: number): { low: number; high: number } =>
    relative
      ? shareDifferenceInterval(whole.subject, whole.reference, level)
      : clopperPearson(whole.subject, level);
  const { limit } = frame(threshold);
  const effect = relative ? share(whole.subject) - share(whole.reference) : share(whole.subject);
  return {
    ...frame(threshold),
    effect,
    ...bounds(evidence.reportLevel),
    minimumDetectableEffect: detectable(whole, evidence, limit, relative),
    ...(evidence.hasReference ? { baseline: share(whole.reference) } : {}),
    candidate: share(whole.subject),
    valueUnit: 'share',
    ...(kinds.length > 0 ? { kinds: kinds.map(({ kind }) => kind ?? '') } : {}),
    holds: bounds(evidence.levels.pass).high < limit && !suspect,
    breachP: least(alone),
    ...(both.length > 0 ? { bothP: least(both) } : {}),
    ...(kinds.length > 0 ? { note: describe(kinds) } : {}),
  };
}

interface TestOfOne {
  /** One-sided p of the breach; 1 where the estimate is on the good side. */
  readonly p: number;
  /** The baseline is beyond the limit as well. */
  readonly both: boolean;
  readonly suspected: boolean;
}

function testOne(
  threshold: Threshold,
  { subject, reference }: ComparedTally,
  { levels, hasReference }: Evidence,
): TestOfOne {
  const { limit } = frame(threshold);
  if (subject.total === 0) return { p: 1, both: false, suspected: false };
  const comparable = hasReference && reference.total > 0;
  const more = comparable ? conditionalBinomialP(subject, reference) : 1;
  if (threshold.against === 'baseline') {
    if (!comparable) return { p: 1, both: false, suspected: subject.hits > 0 };
    const beyond = share(subject) - share(reference) >= limit;
    const p = levels.final ? more : pShareDifferenceAbove(subject, reference, limit);
    return { p: beyond ? p : 1, both: false, suspected: beyond && more < SUSPECT_LEVEL };
  }
  const beyond = share(subject) >= limit;
  if (!beyond) return { p: 1, both: false, suspected: false };
  const overLimit = binomialUpperTail(subject.hits, subject.total, limit);
  const both = comparable && share(reference) >= limit;
  // In the end the limit is broken if it is proven to be exceeded, or if the candidate is beyond it
  // and proven worse than the baseline; two tests, so each has half the error.
  const p = levels.final && comparable && !both ? 2 * Math.min(overLimit, more) : overLimit;
  const suspected = comparable ? more < SUSPECT_LEVEL : overLimit < 0.2;
  return { p: Math.min(1, p), both, suspected };
}

/** All requests first, then each kind in alphabetical order. */
export function tallyFailures({ windows }: Pick<Evidence, 'windows'>): ComparedTally[] {
  const counts = new Map<string, { subject: Count; reference: Count }>();
  const add = (tallies: ReadonlyMap<string, Tally>, side: 'subject' | 'reference'): void => {
    for (const [kind, { hits, total }] of tallies) {
      let both = counts.get(kind);
      if (both === undefined) {
        both = { subject: { hits: 0, total: 0 }, reference: { hits: 0, total: 0 } };
        counts.set(kind, both);
      }
      both[side].total += total;
      both[side].hits += hits;
    }
  };
  for (const window of windows) {
    add(window.subject.tallies(), 'subject');
    add(window.reference.tallies(), 'reference');
  }
  const kinds = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  const sum = (side: 'subject' | 'reference'): Tally => ({
    hits: kinds.reduce((total, [, both]) => total + both[side].hits, 0),
    total: kinds.reduce((total, [, both]) => total + both[side].total, 0),
  });
  return [
    { subject: sum('subject'), reference: sum('reference') },
    ...kinds.map(([kind, both]) => ({ kind, ...both })),
  ];
}

interface Count {
  hits: number;
  total: number;
}

/** Kinds that are proven to fail more than in the baseline, most first. */
function failingMore(
  tallies: readonly ComparedTally[],
  { levels, hasReference }: Evidence,
): ComparedTally[] {
  if (!hasReference) return [];
  const kinds = tallies
    .slice(1)
    .filter(({ subject, reference }) => subject.total > 0 && reference.total > 0);
  const proven = holm(
    kinds.map(({ subject, reference }) => conditionalBinomialP(subject, reference)),
    levels.breach,
  );
  return kinds
    .filter((_, index) => proven[index] === true)
    .sort(
      (a, b) => share(b.subject) - share(b.reference) - (share(a.subject) - share(a.reference)),
    );
}

function describe(kinds: readonly ComparedTally[]): string {
  const percent = (tally: Tally): string => `${(share(tally) * 100).toFixed(2)} %`;
  const parts = kinds.map(
    ({ kind, subject, reference }) =>
      `${kind ?? ''} (${percent(subject)} against ${percent(reference)})`,
  );
  return `fails more than in the baseline: ${parts.join(', ')}`;
}

/** Normal approximation; at least half a failure is assumed where none was seen. */
function detectable(
  { subject, reference }: ComparedTally,
  { levels, hasReference }: Evidence,
  limit: number,
  relative: boolean,
): number {
  const z = normalQuantile(1 - levels.breach) + normalQuantile(0.8);
  const compared = hasReference && relative;
  const base = compared ? Math.max(share(reference), 0.5 / reference.total) : limit;
  const variance = (p: number, n: number): number => (p * (1 - p)) / n;
  let shift = 0;
  for (let step = 0; step < 20; step += 1) {
    const p = Math.min(0.5, base + shift);
    shift =
      z * Math.sqrt(variance(p, subject.total) + (compared ? variance(base, reference.total) : 0));
  }
  return relative ? shift : Math.min(1, limit + shift);
}
