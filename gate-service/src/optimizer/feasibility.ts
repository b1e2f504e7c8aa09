/**
 * Where the configuration in force breaks its limits: what holds them is better, whatever its values
 * are (the rule of Deb 2000 for constrained search: feasible before infeasible). It needs as many
 * comparisons as a gain does, since a limit that is broken now and then is held now and then, too.
 */
import { LEAST_COMPARISONS } from './adoption.ts';
import { sameEffect } from './encoding.ts';
import type { Limits } from './session-facts.ts';
import type { Race, TunerState } from './tuner-state.ts';
import { incumbentOf } from './tuner-state.ts';
import type { Trial } from './tuner.ts';

/** Whether the configuration in force broke its limits when it was measured last. */
export function isBroken({ space }: Limits, trials: readonly Trial[], state: TunerState): boolean {
  const incumbent = incumbentOf(state);
  return trials.findLast(({ values }) => sameEffect(space, values, incumbent))?.unsafe === true;
}

/**
 * Whether a race showed that the challenger holds the limits and the configuration in force does not:
 * each lap of the one held, each of the other broke, and so did what was measured of it before. With
 * three and three that has a chance of at most 1 in 64 where both break as often: below the error of a race.
 * @param race finished; a lap of the challenger that broke a limit has ended it before
 * @param before all trials before its last lap
 */
export function relieves({ space }: Limits, race: Race, before: readonly Trial[]): boolean {
  const challenger = race.laps.filter(({ lane }) => lane === 'challenger');
  const own = before.filter(({ values }) => sameEffect(space, values, race.incumbent));
  return (
    challenger.length >= LEAST_COMPARISONS &&
    own.length >= LEAST_COMPARISONS &&
    challenger.every(({ broken }) => broken !== true) &&
    own.every(({ unsafe }) => unsafe)
  );
}
