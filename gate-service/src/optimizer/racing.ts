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
  readonly comparisons: number;
}

/** Whose turn it is after these laps. */
export function nextLane(laps: readonly Lap[]): Lane {
  return laps.length % 2 === 0 ? 'challenger' : 'incumbent';
}

/** Challenger's laps so far: each is one comparison with its neighbours of the incumbent's. */
export function comparisonsOf(laps: readonly Lap[]): number {
  return laps.filter(({ lane }) => lane === 'challenger').length;
}

/** Laps until the first moment at which a race may be decided. */
export const LAPS_TO_DECIDE = 2 * LEAST_COMPARISONS - 1;

/** Spread between repeated measurements of the same configuration within one race. */
export function noiseOf(laps: readonly Lap[]): NoisePool {
  return (['challenger', 'incumbent'] as const)
    .map((lane) => laps.filter((lap) => lap.lane === lane).map(({ y }) => y))
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
 * Challenger − incumbent with a two-sided interval. The noise is the larger of the race's own and
 * of the one pooled over the session's repeats: pooling lends degrees of freedom, and never makes
 * the noise seen in this race smaller.
 * @param laps challenger first and last, in turns, at least {@link LAPS_TO_DECIDE}
 * @param pool of earlier races of the session, without this one
 * @param confidence two-sided, 0–1
 * @returns `undefined` before there are enough comparisons, or when nothing varied
 */
export function raceResult(
  laps: readonly Lap[],
  pool: NoisePool,
  confidence: number,
): RaceResult | undefined {
  const of = (lane: Lane): number[] => laps.filter((lap) => lap.lane === lane).map(({ y }) => y);
  const [challenger, incumbent] = [of('challenger'), of('incumbent')];
  if (challenger.length < LEAST_COMPARISONS || incumbent.length < LEAST_COMPARISONS - 1) {
    return undefined;
  }
  const own = noiseOf(laps);
  const all = addPools(own, pool);
  const variance = Math.max(varianceOf(own), varianceOf(all));
  if (!(variance > 0)) return undefined;
  const estimate = meanOf(challenger) - meanOf(incumbent);
  const error = Math.sqrt(variance * (1 / challenger.length + 1 / incumbent.length));
  const half = error * studentUpperQuantile((1 - confidence) / 2, all.degreesOfFreedom);
  return {
    estimate,
    low: estimate - half,
    high: estimate + half,
    comparisons: challenger.length,
  };
}

/** NaN without degrees of freedom. */
export function varianceOf({ squares, degreesOfFreedom }: NoisePool): number {
  return squares / degreesOfFreedom;
}

function squaresAround(values: readonly number[]): number {
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
