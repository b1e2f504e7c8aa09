/**
 * How requests come, from their counts by second: the index of dispersion (variance over mean; Cox & Lewis
 * 1966) is 1 for a Poisson process, 0 for a clock, above 1 where the rate itself changes. Pure.
 */
import type { ArrivalKind } from '../arrivals.ts';
import type { Phases } from '../phases.ts';

/** Fewer seconds do not tell: with 30 the index of a Poisson process is 0.5 to 1.6 in 19 of 20 cases. */
export const MIN_SECONDS = 30;
const CONSTANT_BELOW = 0.4;
/** Above it the rate is not constant, were the bounds of chance narrower still. */
const BURSTS_ABOVE = 1.5;
/** A cycle must fit into a measurement several times. */
const MAX_HIGH_SECONDS = 10;
const MAX_CYCLE_SECONDS = 60;
/** The low step keeps this much of the rate, so that no window is empty. */
const LOWEST_FACTOR = 0.1;

export interface Burstiness {
  /** NaN when there are too few seconds or requests to tell. */
  readonly indexOfDispersion: number;
  readonly arrivals: ArrivalKind;
  /** Two steps with the mean 1, whose rate varies as much as the log's; absent without bursts. */
  readonly phases?: Phases;
}

/**
 * @param counts requests of each second
 * @param highestFactor of a step; at least 1
 */
export function burstinessOf(counts: readonly number[], highestFactor: number): Burstiness {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  if (counts.length < MIN_SECONDS || !(mean > 0)) {
    return { indexOfDispersion: Number.NaN, arrivals: 'poisson' };
  }
  const squares = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0);
  const index = squares / (counts.length - 1) / mean;
  // Below a request per second, counts are 0 or 1 and look regular whatever they are.
  if (index < CONSTANT_BELOW && mean >= 1)
    return { indexOfDispersion: index, arrivals: 'constant' };
  // So many seconds leave an index of 1 this much room: its standard error is the root of 2/(n - 1).
  const chance = 1 + 3 * Math.sqrt(2 / (counts.length - 1));
  if (index < Math.max(BURSTS_ABOVE, chance)) {
    return { indexOfDispersion: index, arrivals: 'poisson' };
  }
  const phases = twoSteps(counts, mean, (index - 1) / mean, highestFactor);
  return {
    indexOfDispersion: index,
    arrivals: 'poisson',
    ...(phases === undefined ? {} : { phases }),
  };
}

/**
 * @param variance of the rate, over its mean squared: what the counts vary beyond a Poisson process
 */
function twoSteps(
  counts: readonly number[],
  mean: number,
  variance: number,
  highestFactor: number,
): Phases | undefined {
  const limit = mean + Math.sqrt(mean * (1 + variance * mean)) / 2;
  const high = counts.map((count) => count > limit);
  const runs = high.filter((is, i) => is && high[i - 1] !== true).length;
  const highSeconds = high.filter((is) => is).length;
  if (runs === 0) return undefined;
  const seconds = Math.min(MAX_HIGH_SECONDS, Math.max(1, Math.round(highSeconds / runs)));
  // The low factor is 1 - sqrt(variance * share / (1 - share)): a smaller share keeps it up.
  const room = (1 - LOWEST_FACTOR) ** 2;
  const largestShare = room / (variance + room);
  const wanted = Math.min(highSeconds / counts.length, largestShare);
  const cycle = Math.min(MAX_CYCLE_SECONDS, Math.max(seconds + 1, Math.ceil(seconds / wanted)));
  const share = seconds / cycle;
  const highFactor = Math.min(highestFactor, 1 + Math.sqrt((variance * (1 - share)) / share));
  // Rounded first, so that the mean is 1 with the factors as they are written.
  const rounded = Math.min(round(highFactor), (1 - LOWEST_FACTOR * (1 - share)) / share);
  const lowFactor = (1 - share * rounded) / (1 - share);
  if (rounded <= 1.01) return undefined;
  return {
    apply: 'cyclic',
    steps: [
      { seconds: cycle - seconds, factor: lowFactor },
      { seconds, factor: rounded },
    ],
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
