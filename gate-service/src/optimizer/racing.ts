/**
 * Racing: a promising challenger is measured in turns with the incumbent (C I C I C …), so that slow
 * drift cancels, and decided on the difference of the interleaved means. Winner's curse is kept out:
 * only evaluations made after the challenger was chosen count.
 */
import { studentUpperQuantile } from '../statistics/distributions.ts';
import { LEAST_COMPARISONS } from './adoption.ts';

export type Lane = 'challenger' | 'incumbent';

/** One evaluation of a race; `y` on the scale of comparison (log of the value where that is positive). */
export interface Lap {
  readonly lane: Lane;
  readonly y: number;
}

/** Sum of squares around means of repeated measurements, and its degrees of freedom. */
export interface NoisePool {
  readonly squares: number;
  readonly degreesOfFreedom: number;
}

export const EMPTY_POOL: NoisePool = { squares: 0, degreesOfFreedom: 0 };

export interface RaceResult {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  /** Laps of the challenger: each is one comparison with its neighbours of the incumbent's. */
  readonly comparisons: number;
}

/** Fewest laps that a race can be decided on. */
export const LEAST_LAPS = 2 * LEAST_COMPARISONS - 1;

/** Smallest budget that anything can be adopted with: the start, a challenger, and a race between them. */
export const LEAST_BUDGET = 2 + LEAST_LAPS;

/**
 * No evaluation is taken to be surer than half a per cent: values that repeat exactly come from a
 * simulation or were rounded.
 */
const LEAST_SD = 0.005;

/** Chance that a session adopts anything although nothing is better. */
export const SESSION_ERROR = 0.05;

/** Whose turn it is after so many laps. */
export function nextLane(laps: number): Lane {
  return laps % 2 === 0 ? 'challenger' : 'incumbent';
}

/**
 * Races that a budget has room for, which share {@link SESSION_ERROR}: fixed beforehand, so that
 * looking more often makes no lucky adoption likelier.
 */
export function racesIn(budget: number): number {
  return budget < 40 ? 1 : 2;
}

/**
 * Shares of an expected gain that half the width of the interval should not exceed: wanted, and where
 * even the most laps reach only that.
 */
const WIDTH = { wanted: 0.45, tolerated: 0.8 } as const;
/** Most of a budget that one race may take, but so many laps where half of a budget allows them; most at all. */
const MOST = { share: 0.4, small: 7, laps: 15 } as const;
/** Of a budget, for a gain that even the most laps would hardly show: exploring is worth more then. */
const HOPELESS_SHARE = 1 / 3;

/**
 * Laps that a race needs to show a gain, decided before it begins: odd, more where the expected gain
 * is small against the noise of one evaluation.
 * @param gain expected, in standard deviations of one evaluation
 */
export function lapsPlanned(budget: number, gain: number): number {
  const small = Math.min(MOST.small, Math.floor(budget / 2));
  const most = oddBelow(Math.min(MOST.laps, Math.max(small, Math.floor(budget * MOST.share))));
  const width = (laps: number): number =>
    studentUpperQuantile(errorOf(budget), laps - 2) * Math.sqrt(2 / (laps + 1) + 2 / (laps - 1));
  for (let laps = LEAST_LAPS; laps <= most; laps += 2) {
    if (width(laps) <= WIDTH.wanted * gain) return laps;
  }
  if (most >= LEAST_LAPS && width(most) <= WIDTH.tolerated * gain) return most;
  return Math.max(LEAST_LAPS, oddBelow(Math.min(MOST.laps, Math.floor(budget * HOPELESS_SHARE))));
}

function oddBelow(laps: number): number {
  return laps % 2 === 0 ? laps - 1 : laps;
}

/** One-sided error of one race. */
export function errorOf(budget: number): number {
  return SESSION_ERROR / racesIn(budget);
}

/** Spread between repeated measurements of the same configuration within one race. */
export function noiseOf(laps: readonly Lap[]): NoisePool {
  return (['challenger', 'incumbent'] as const)
    .map((lane) => valuesOf(laps, lane))
    .filter((values) => values.length > 1)
    .map((values) => ({
      squares: squaresAround(values),
      degreesOfFreedom: values.length - 1,
    }))
    .reduce(addPools, EMPTY_POOL);
}

export function addPools(one: NoisePool, other: NoisePool): NoisePool {
  return {
    squares: one.squares + other.squares,
    degreesOfFreedom: one.degreesOfFreedom + other.degreesOfFreedom,
  };
}

/**
 * Challenger − incumbent with a two-sided interval. The noise is the larger of the races' own and of
 * the one pooled over the session's races: pooling lends degrees of freedom, and never makes the
 * noise seen in these races smaller.
 * @param chain one race, or several of which each one's incumbent is the challenger of the one before: then
 *   the last one's challenger against the first one's incumbent. Laps: challenger first and last, in turns,
 *   at least {@link LEAST_LAPS}
 * @param pool of the other races of the session
 * @param confidence two-sided, 0–1
 * @returns `undefined` with too few laps
 */
export function raceResult(
  chain: readonly (readonly Lap[])[],
  pool: NoisePool,
  confidence: number,
): RaceResult | undefined {
  const links = chain.map((laps) => ({
    challenger: valuesOf(laps, 'challenger'),
    incumbent: valuesOf(laps, 'incumbent'),
  }));
  const comparisons = Math.min(...links.map(({ challenger }) => challenger.length));
  const returns = Math.min(...links.map(({ incumbent }) => incumbent.length));
  if (comparisons < LEAST_COMPARISONS || returns < LEAST_COMPARISONS - 1) return undefined;
  const own = chain.map(noiseOf).reduce(addPools, EMPTY_POOL);
  const all = addPools(own, pool);
  const variance = Math.max(varianceOf(own), varianceOf(all), LEAST_SD ** 2);
  const estimate = sumOf(
    links.map(({ challenger, incumbent }) => meanOf(challenger) - meanOf(incumbent)),
  );
  const inverses = links.map(
    ({ challenger, incumbent }) => 1 / challenger.length + 1 / incumbent.length,
  );
  const error = Math.sqrt(variance * sumOf(inverses));
  const half = error * studentUpperQuantile((1 - confidence) / 2, all.degreesOfFreedom);
  return { estimate, low: estimate - half, high: estimate + half, comparisons };
}

function varianceOf({ squares, degreesOfFreedom }: NoisePool): number {
  return squares / degreesOfFreedom;
}

function valuesOf(laps: readonly Lap[], lane: Lane): number[] {
  return laps.filter((lap) => lap.lane === lane).map(({ y }) => y);
}

function squaresAround(values: readonly number[]): number {
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function meanOf(values: readonly number[]): number {
  return sumOf(values) / values.length;
}
