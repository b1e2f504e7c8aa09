/**
 * One step of a promotion: the canary against what is in force, over the same span of time.
 *
 * Traffic at a step is scarce, so this is no proof of equality (the gate gave that): it calls a
 * breach only when the canary is proven worse *and* by an amount that matters. Several steps and
 * several tests per step share one small error (Bonferroni).
 */
import {
  clopperPearson,
  conditionalBinomialP,
  fisherExactP,
  share,
  type Tally,
} from '../statistics/proportions.ts';
import { milliseconds, percent } from './numbers.ts';

/** One arm's traffic over a span, as the telemetry counts it (its `ArmTraffic` has all of this). */
export interface StepTraffic {
  readonly requests: number;
  /** Answers >= 500 and resets. */
  readonly failures: number;
  readonly latency: LatencyCounts;
}

/** Cumulative: requests at or below each bound. */
export interface LatencyCounts {
  readonly bounds: readonly { readonly leMs: number; readonly count: number }[];
}

export interface PromotionStepOptions {
  /** Steps (or looks at steps) of the whole promotion: they share the error. At least 1. */
  readonly steps: number;
  /** With fewer requests on either side nothing can be told. Default 50. */
  readonly minimumRequests?: number;
  /** Requests that the canary's weight should have brought; far fewer are no data, not few. */
  readonly expectedRequests?: number;
  /** Chance of a false breach over the whole promotion. Default 0.01. */
  readonly alpha?: number;
}

export interface PromotionStepFinding {
  readonly outcome: 'held' | 'breached' | 'too-few' | 'no-data';
  readonly sentence: string;
}

/** Errors, tail, and failing outright. */
const TESTS_PER_STEP = 3;
/** A share of failures that is higher by less than this does not matter. */
const RELEVANT_FAILURES = 0.005;
/** The tail matters when so many times more requests are beyond the bound, and 2 points more. */
const RELEVANT_TAIL = { factor: 1.5, points: 0.02 };
const TAIL = 0.05;
/** Failing outright: proven above this share, it breaches whatever the others do. */
const OUTRIGHT = 0.5;

/**
 * @param canary what the new nodes got; `undefined` when the telemetry is missing
 * @param current what the nodes in force got over the same span
 */
export function judgePromotionStep(
  canary: StepTraffic | undefined,
  current: StepTraffic | undefined,
  options: PromotionStepOptions,
): PromotionStepFinding {
  const missing = missingData(canary, 'the canary') ?? missingData(current, 'the nodes in force');
  if (missing !== undefined || canary === undefined || current === undefined) {
    return { outcome: 'no-data', sentence: missing ?? 'telemetry is missing' };
  }
  const level = (options.alpha ?? 0.01) / (Math.max(1, options.steps) * TESTS_PER_STEP);
  const breach =
    failsOutright(canary, level) ??
    failsMore(canary, current, level) ??
    isSlower(canary, current, level);
  if (breach !== undefined) return { outcome: 'breached', sentence: breach };
  const unknown = incomparable(canary, current);
  if (unknown !== undefined) return { outcome: 'no-data', sentence: unknown };

  const { expectedRequests = 0, minimumRequests = 50 } = options;
  if (expectedRequests >= minimumRequests && canary.requests < expectedRequests / 4) {
    return {
      outcome: 'no-data',
      sentence: `the canary got ${canary.requests} requests where its weight should bring about ${Math.round(expectedRequests)}`,
    };
  }
  const fewest = Math.min(canary.requests, current.requests);
  if (fewest < minimumRequests) {
    return {
      outcome: 'too-few',
      sentence: `${canary.requests} requests to the canary and ${current.requests} to the nodes in force are too few to tell anything, at least ${minimumRequests} each are needed`,
    };
  }
  return { outcome: 'held', sentence: describeHeld(canary, current) };
}

function missingData(traffic: StepTraffic | undefined, who: string): string | undefined {
  if (traffic === undefined) return `telemetry of ${who} is missing`;
  const { requests, failures, latency } = traffic;
  const counts = [requests, failures, ...latency.bounds.map(({ count }) => count)];
  if (!counts.every((count) => Number.isFinite(count) && count >= 0) || failures > requests) {
    return `telemetry of ${who} contradicts itself: ${requests} requests, ${failures} failures`;
  }
  const bounds = sortedBounds(latency);
  const falls = bounds.some(({ count }, index) => count < (bounds[index - 1]?.count ?? 0));
  if (falls || bounds.some(({ leMs }) => Number.isNaN(leMs))) {
    return `the latency histogram of ${who} contradicts itself`;
  }
  if (requests > 0 && answered(latency) === 0 && failures < requests) {
    return `the latency histogram of ${who} is empty although there were ${requests} requests`;
  }
  return undefined;
}

/** Tails are compared at a bound that both histograms have: without one nothing is known of latency. */
function incomparable(canary: StepTraffic, current: StepTraffic): string | undefined {
  const own = finiteBounds(canary.latency);
  const other = finiteBounds(current.latency);
  // Without answers there is no histogram to compare; errors and counts decide.
  if (answered(canary.latency) === 0 || answered(current.latency) === 0) return undefined;
  if (own.length === 0 || other.length === 0) {
    return `the latency histogram of ${own.length === 0 ? 'the canary' : 'the nodes in force'} has no finite bound: nothing is known of its latency`;
  }
  if (own.length === other.length && own.every((leMs, index) => leMs === other[index])) {
    return undefined;
  }
  return 'the latency histograms of the canary and of the nodes in force have different bounds: they cannot be compared';
}

function finiteBounds(latency: LatencyCounts): number[] {
  return sortedBounds(latency)
    .map(({ leMs }) => leMs)
    .filter(Number.isFinite);
}

function failsOutright({ requests, failures }: StepTraffic, level: number): string | undefined {
  const tally = { hits: failures, total: requests };
  if (clopperPearson(tally, level).low <= OUTRIGHT) return undefined;
  return `${failures} of the canary's ${requests} requests failed`;
}

function failsMore(canary: StepTraffic, current: StepTraffic, level: number): string | undefined {
  const subject = { hits: failuresOf(canary), total: countOf(canary) };
  const reference = { hits: failuresOf(current), total: countOf(current) };
  if (subject.total === 0 || reference.total === 0) return undefined;
  const relevant = share(subject) - share(reference) >= RELEVANT_FAILURES;
  if (!relevant || conditionalBinomialP(subject, reference) > level) return undefined;
  return `the canary fails more: ${tell(subject)} against ${tell(reference)} of the nodes in force at the same time`;
}

/** Share of requests beyond the bound that is nearest to the p95 of the nodes in force. */
function isSlower(canary: StepTraffic, current: StepTraffic, level: number): string | undefined {
  const bound = tailBound(current.latency);
  if (bound === undefined) return undefined;
  const subject = beyond(canary.latency, bound);
  const reference = beyond(current.latency, bound);
  if (subject === undefined || reference === undefined) return undefined;
  const relevant =
    share(subject) >= share(reference) * RELEVANT_TAIL.factor &&
    share(subject) - share(reference) >= RELEVANT_TAIL.points;
  if (!relevant || fisherExactP(subject, reference) > level) return undefined;
  return `the canary's tail is slower: ${tell(subject)} take longer than ${milliseconds(bound)} against ${tell(reference)} of the nodes in force at the same time`;
}

function tailBound(latency: LatencyCounts): number | undefined {
  const total = answered(latency);
  if (total === 0) return undefined;
  let best: { leMs: number; distance: number } | undefined;
  for (const { leMs, count } of latency.bounds) {
    if (!Number.isFinite(leMs)) continue;
    const distance = Math.abs(1 - count / total - TAIL);
    if (best === undefined || distance < best.distance) best = { leMs, distance };
  }
  return best?.leMs;
}

function beyond(latency: LatencyCounts, leMs: number): Tally | undefined {
  const total = answered(latency);
  const within = latency.bounds.find((bound) => bound.leMs === leMs)?.count;
  if (within === undefined || total === 0) return undefined;
  return { hits: Math.round(total - within), total: Math.round(total) };
}

/** The last bound holds all answers. */
function answered(latency: LatencyCounts): number {
  return sortedBounds(latency).at(-1)?.count ?? 0;
}

function sortedBounds({ bounds }: LatencyCounts): LatencyCounts['bounds'] {
  return [...bounds].sort((a, b) => a.leMs - b.leMs);
}

function countOf({ requests }: StepTraffic): number {
  return Math.round(requests);
}

function failuresOf({ failures }: StepTraffic): number {
  return Math.round(failures);
}

function describeHeld(canary: StepTraffic, current: StepTraffic): string {
  const failures = `${percent(share({ hits: canary.failures, total: canary.requests }))} of the canary's ${canary.requests} requests failed, ${percent(share({ hits: current.failures, total: current.requests }))} of the ${current.requests} to the nodes in force`;
  const bound = tailBound(current.latency);
  const subject = bound === undefined ? undefined : beyond(canary.latency, bound);
  const reference = bound === undefined ? undefined : beyond(current.latency, bound);
  if (bound === undefined || subject === undefined || reference === undefined) return failures;
  return `${failures}; beyond ${milliseconds(bound)}: ${percent(share(subject))} against ${percent(share(reference))}`;
}

function tell(tally: Tally): string {
  return `${percent(share(tally))} (${tally.hits} of ${tally.total})`;
}
