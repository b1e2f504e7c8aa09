/** When requests are meant to leave: open loop, known before anything is sent. Pure. */
import type { Random } from '../statistics/random.ts';
import { createRateProfile, type Phases } from './phases.ts';

export type ArrivalKind = 'poisson' | 'constant';

/** An endless schedule. */
export interface Arrivals {
  /** Intended send time of the next request in microseconds since the start; never falls. */
  next(): number;
}

/**
 * @param perSecond requests per second, above 0; with phases at factor 1
 * @param random used by `poisson` only
 * @param phases change the rate over time: the schedule of the unchanged rate, rescaled
 * @param fromSeconds where in the phases the schedule begins
 * @param offset of `constant` only: where in the gap a request stands, 0 to 1, so that several workers'
 *   requests can stand evenly between each other
 * @throws RangeError when the rate is not a positive number
 */
export function createArrivals(
  kind: ArrivalKind,
  perSecond: number,
  random: Random,
  phases?: Phases,
  fromSeconds = 0,
  offset = 0.5,
): Arrivals {
  const steady = createSteadyArrivals(kind, perSecond, random, offset);
  if (phases === undefined) return steady;
  const { secondsAt, workAt } = createRateProfile(phases);
  const before = workAt(fromSeconds);
  return {
    // Rounding must not bring a request of a later block before its beginning.
    next: () => Math.max(0, (secondsAt(before + steady.next() / 1e6) - fromSeconds) * 1e6),
  };
}

function createSteadyArrivals(
  kind: ArrivalKind,
  perSecond: number,
  random: Random,
  offset: number,
): Arrivals {
  if (!(perSecond > 0) || !Number.isFinite(perSecond)) {
    throw new RangeError(`a rate is a positive number of requests per second, got ${perSecond}`);
  }
  const meanGapUs = 1_000_000 / perSecond;
  switch (kind) {
    case 'poisson': {
      // Gaps of a Poisson process are exponential; 1 - u is in (0, 1], so that the logarithm is finite.
      let at = 0;
      return { next: () => (at += -Math.log(1 - random.next()) * meanGapUs) };
    }
    case 'constant': {
      // By number, not by adding gaps: rounding errors do not gather.
      let count = 0;
      return { next: () => (count++ + offset) * meanGapUs };
    }
  }
}
