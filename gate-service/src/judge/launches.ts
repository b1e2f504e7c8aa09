/**
 * What each launch of an arm shows. Two launches of one build differ (memory layout, order of
 * compilation: measured 2–3 % in p50), and more requests to the same launches do not wash that out:
 * the effect has to be repeated where it varies (Kalibera & Jones 2013). So from six launches an arm
 * on, launch means are compared, by Welch's t; test/bench/judge shows the false alarms with and
 * without.
 *
 * A launch's value in a block of adjacent windows is its quantile against the level that all launches
 * of both arms have in common in that block, so that whatever disturbs a block cancels; its mean is
 * the 20 % trimmed mean over blocks. Blocks are as long as a quantile of one launch needs.
 */
import {
  differenceOfMeans,
  estimateLocation,
  meanAndVariance,
  type LocationEstimate,
} from '../statistics/location.ts';
import { valueAtPosition } from '../statistics/quantile.ts';
import type { ComparedWindow } from './windows.ts';

/** From so many launches of each arm on, launch means decide. */
export const LEAST_LAUNCHES = 6;
/** Requests beyond the quantile that a launch must have in a block. */
const BEYOND = 5;
/** A launch with less than this part of an arm's mean number of requests is none. */
const LEAST_PART = 0.25;
/** So much of an arm may belong to such launches, or (of what was answered) to none. */
const MOST_UNNAMED = 0.05;

export interface Launch {
  readonly name: string;
  /** Against the common level, one value per block: of logarithms or milliseconds; may be +∞. */
  readonly values: readonly number[];
}

export interface Launches {
  readonly reference: readonly Launch[];
  readonly subject: readonly Launch[];
}

export interface LaunchQuestion {
  /** Of the quantile, 0–1. */
  readonly q: number;
  readonly kind?: string;
  readonly form: 'log' | 'ms';
}

/**
 * The launches of both arms, in an order that their names do not matter for; `undefined` when they
 * cannot be told apart, hold too few requests for a quantile, or are fewer than `fewest` in an arm.
 */
export function findLaunches(
  windows: readonly ComparedWindow[],
  { q, kind, form }: LaunchQuestion,
  fewest = 1,
): Launches | undefined {
  const { reference, subject } = requestsOf(windows, kind);
  if (reference === undefined || subject === undefined) return undefined;
  if (Math.min(reference.names.length, subject.names.length) < fewest) return undefined;
  const least = Math.min(reference.leastPerWindow, subject.leastPerWindow);
  const length = Math.ceil(BEYOND / (1 - q) / least);
  const blocks = Math.floor(windows.length / length);
  if (!(blocks >= 1)) return undefined;
  const inForm = form === 'log' ? Math.log : (value: number): number => value;
  const raw = (arm: ArmLaunches): Launch[] =>
    arm.names
      .map((name) => ({ name, values: blockQuantiles(arm, name, blocks, length, q).map(inForm) }))
      .sort((a, b) => compareLists(a.values, b.values));
  const [references, subjects] = [raw(reference), raw(subject)];
  const common = Array.from({ length: blocks }, (_, block) => {
    const level = (launches: readonly Launch[]): number =>
      meanAndVariance(finiteOf(launches.map(({ values }) => values[block] ?? NaN))).mean;
    // Each arm weighs alike, however many launches it has; one without any finite quantile has no say.
    return meanAndVariance(finiteOf([level(references), level(subjects)])).mean;
  });
  const centred = (launches: readonly Launch[]): Launch[] =>
    launches.map(({ name, values }) => ({
      name,
      values: values.map((value, block) => value - (common[block] ?? NaN)),
    }));
  return { reference: centred(references), subject: centred(subjects) };
}

/** Whether each arm has launches enough for launch means to decide. */
export function launchesDecide({ reference, subject }: Launches): boolean {
  return Math.min(reference.length, subject.length) >= LEAST_LAUNCHES;
}

/** Difference of the arms' launch means; `undefined` where one of them is not finite. */
export function compareLaunches({ reference, subject }: Launches): LocationEstimate | undefined {
  return differenceOfMeans(subject.map(launchMean), reference.map(launchMean));
}

/** How sure the level of one arm is, judged by its launches: standard error around `estimate`. */
export function levelOfLaunches(
  launches: readonly Launch[],
  estimate: number,
): LocationEstimate | undefined {
  const { count, variance } = meanAndVariance(launches.map(launchMean));
  const standardError = Math.sqrt(variance / count);
  if (!(standardError > 0) || !Number.isFinite(standardError)) return undefined;
  return { estimate, standardError, degreesOfFreedom: count - 1, count, method: 'mean' };
}

function launchMean({ values }: Launch): number {
  return estimateLocation(values)?.estimate ?? meanAndVariance(values).mean;
}

interface ArmLaunches {
  readonly names: readonly string[];
  /** Latencies of each window by launch; `-` are requests that no launch answered. */
  readonly windows: readonly ReadonlyMap<string, Float64Array>[];
  /** Requests of the smallest launch in a window, on average. */
  readonly leastPerWindow: number;
}

interface BothArms {
  readonly reference: ArmLaunches | undefined;
  readonly subject: ArmLaunches | undefined;
}

/** Several thresholds and the control ask for the same windows of a look. */
const requestsKnown = new WeakMap<readonly ComparedWindow[], Map<string | undefined, BothArms>>();

function requestsOf(windows: readonly ComparedWindow[], kind: string | undefined): BothArms {
  const known = requestsKnown.get(windows) ?? new Map<string | undefined, BothArms>();
  requestsKnown.set(windows, known);
  const before = known.get(kind);
  if (before !== undefined) return before;
  const both = {
    reference: requestsByLaunch(windows, 'reference', kind),
    subject: requestsByLaunch(windows, 'subject', kind),
  };
  known.set(kind, both);
  return both;
}

function requestsByLaunch(
  windows: readonly ComparedWindow[],
  side: 'reference' | 'subject',
  kind: string | undefined,
): ArmLaunches | undefined {
  const lists = windows.map((window) => window[side].byLaunch(kind));
  const totals = new Map<string, number>();
  let answeredByNobody = 0;
  for (const list of lists) {
    for (const [name, latencies] of list) {
      if (name === NOBODY) answeredByNobody += latencies.length - failuresIn(latencies);
      else totals.set(name, (totals.get(name) ?? 0) + latencies.length);
    }
  }
  const all = [...totals.values()].reduce((sum, total) => sum + total, 0);
  const names = [...totals]
    .filter(([, total]) => total >= (LEAST_PART * all) / totals.size)
    .map(([name]) => name);
  const named = names.reduce((sum, name) => sum + (totals.get(name) ?? 0), 0);
  if (names.length === 0 || all - named + answeredByNobody > MOST_UNNAMED * all) return undefined;
  const least = Math.min(...names.map((name) => totals.get(name) ?? 0));
  return { names, windows: lists, leastPerWindow: least / windows.length };
}

const NOBODY = '-';

function blockQuantiles(
  { windows, names }: ArmLaunches,
  name: string,
  blocks: number,
  length: number,
  q: number,
): number[] {
  return Array.from({ length: blocks }, (_, block) => {
    // What is left over goes to the last block.
    const until = block === blocks - 1 ? windows.length : (block + 1) * length;
    const own: Float64Array[] = [];
    let failed = 0;
    for (const window of windows.slice(block * length, until)) {
      const latencies = window.get(name);
      if (latencies !== undefined) own.push(latencies);
      failed += failuresIn(window.get(NOBODY) ?? new Float64Array());
    }
    // A request that nobody answered failed: each launch bears its share of them.
    return medianUnbiased(own, failed / names.length, q);
  });
}

/** Of ascending latencies. */
function failuresIn(latencies: Float64Array): number {
  const first = latencies.indexOf(Infinity);
  return first < 0 ? 0 : latencies.length - first;
}

/**
 * Quantile of type 8 (Hyndman & Fan 1996): about median-unbiased, so that launches with unequal
 * numbers of requests compare. `lost` further values are +∞.
 */
function medianUnbiased(runs: readonly Float64Array[], lost: number, q: number): number {
  const count = runs.reduce((sum, run) => sum + run.length, 0);
  const position = Math.max(0, (count + lost + 1 / 3) * q - 2 / 3);
  if (count === 0 || (position > count - 1 && lost > 0)) return Infinity;
  return valueAtPosition(runs, Math.min(position, count - 1));
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) < (b[at] ?? 0) ? -1 : 1;
}

function finiteOf(values: readonly number[]): number[] {
  return values.filter(Number.isFinite);
}
