/**
 * What may be tried at all: within reach of a configuration that was measured to be safe, and never
 * beyond one that broke a limit. These are rules, not predictions: a critic's threshold alone does
 * not keep a service safe (Berkenkamp et al. 2016, SafeOpt; OnlineTune, SIGMOD 2022, combine both).
 */
import type { BoundSpace, Values } from './space/bound-space.ts';
import { changedKnobs, sameEffect, wayAlong } from './encoding.ts';

/** A configuration that broke a limit, and the nearest safe one that it was entered from. */
export interface Barrier {
  readonly safe: Values;
  readonly violator: Values;
}

/** Largest way per knob, on its unit interval, and most knobs that may differ. */
export interface Reach {
  readonly radius: number;
  readonly knobs: number;
}

/**
 * Whether values lie at or beyond the violator as seen from the safe side: every knob that led from
 * safe to violator went at least as far in the same direction.
 */
export function isBeyond(space: BoundSpace, { safe, violator }: Barrier, values: Values): boolean {
  if (sameEffect(space, violator, values)) return true;
  const led = changedKnobs(space, safe, violator);
  return (
    led.length > 0 &&
    led.every((name) => {
      if (values[name] === violator[name]) return true;
      const way = wayAlong(space, name, safe, violator);
      const further = wayAlong(space, name, violator, values);
      return typeof violator[name] === 'number' && way * further > 0;
    })
  );
}

/**
 * 0–1: how likely a configuration breaks what the violator broke. Any of the knobs that led from
 * safe to violator may carry the blame, equally likely, and its cliff lies anywhere on its way; a
 * safe measurement farther along a knob moves the cliff beyond it. A small Bayesian bookkeeping
 * instead of a smooth critic, because cliffs are not smooth.
 */
export function blame(
  space: BoundSpace,
  barrier: Barrier,
  held: readonly Values[],
  values: Values,
): number {
  const suspects = suspectsOf(space, barrier, held);
  if (suspects.length === 0) return 0;
  let total = 0;
  let weights = 0;
  for (const { cleared, name, weight } of suspects) {
    weights += weight;
    const at = Math.min(1, shareOfWay(space, name, barrier.safe, barrier.violator, values));
    total += weight * (cleared < 1 ? Math.max(0, (at - cleared) / (1 - cleared)) : at);
  }
  return total / weights;
}

interface Suspect {
  readonly name: string;
  /** 0–1: share of the way that was seen to be safe. */
  readonly cleared: number;
  readonly weight: number;
}

/** Asked for hundreds of candidates at a time, of the same barriers and the same safe configurations. */
const known = new WeakMap<readonly Values[], Map<Barrier, readonly Suspect[]>>();

function suspectsOf(
  space: BoundSpace,
  barrier: Barrier,
  held: readonly Values[],
): readonly Suspect[] {
  const of = known.get(held) ?? new Map<Barrier, readonly Suspect[]>();
  known.set(held, of);
  const former = of.get(barrier);
  if (former !== undefined) return former;
  const { safe, violator } = barrier;
  const suspects = changedKnobs(space, safe, violator).map((name) => {
    const share = (to: Values): number => shareOfWay(space, name, safe, violator, to);
    const cleared = Math.min(1, Math.max(0, ...held.map(share)));
    // Fully cleared: this knob alone was not it; it may still have had its part.
    return { name, cleared, weight: 1 - 0.9 * cleared };
  });
  of.set(barrier, suspects);
  return suspects;
}

/** How far along a knob's way from safe to violator a configuration lies: 0 at or before the start, 1 at the violator. */
function shareOfWay(
  space: BoundSpace,
  name: string,
  safe: Values,
  violator: Values,
  to: Values,
): number {
  if (to[name] === violator[name]) return 1;
  if (typeof violator[name] !== 'number') return 0;
  return Math.max(0, wayAlong(space, name, safe, to) / wayAlong(space, name, safe, violator));
}

/** The rule that a barrier is drawn from the safe configuration with the fewest and shortest changes. */
export function barrierOf(
  space: BoundSpace,
  safe: readonly Values[],
  violator: Values,
): Barrier | undefined {
  const sorted = safe
    .map((values) => ({ values, distance: distanceBetween(space, values, violator) }))
    .sort((one, other) => one.distance - other.distance);
  const [nearest] = sorted;
  return nearest === undefined ? undefined : { safe: nearest.values, violator };
}

export function withinReach(
  space: BoundSpace,
  safe: readonly Values[],
  values: Values,
  { radius, knobs }: Reach,
): boolean {
  const rounding = 1e-9;
  return safe.some((from) => {
    const changed = changedKnobs(space, from, values);
    return (
      changed.length <= knobs &&
      changed.every(
        (name) =>
          typeof values[name] !== 'number' ||
          isOneStep(space, name, from, values) ||
          Math.abs(wayAlong(space, name, from, values)) <= radius + rounding,
      )
    );
  });
}

/** A whole number has no shorter step than one, however long that is on its interval. */
function isOneStep(space: BoundSpace, name: string, from: Values, to: Values): boolean {
  const difference = Math.abs(Number(to[name]) - Number(from[name]));
  return space.knobs[name]?.kind === 'integer' && difference <= 1;
}

/** Sum of the ways along all knobs that differ. */
export function distanceBetween(space: BoundSpace, one: Values, other: Values): number {
  return changedKnobs(space, one, other).reduce(
    (sum, name) => sum + Math.abs(wayAlong(space, name, one, other)),
    0,
  );
}

/**
 * Whether a configuration has a place in the space: a value of the right kind for each knob, above 0 on
 * logarithmic scales. It need not be legal, as what was remembered may not be under the rules of now.
 */
export function hasPlace(space: BoundSpace, values: Values): boolean {
  return space.names.every((name) => {
    const [knob, value] = [space.knobs[name], values[name]];
    switch (knob?.kind) {
      case 'integer':
      case 'real':
        return typeof value === 'number' && (knob.scale !== 'log' || value > 0);
      case 'boolean':
        return typeof value === 'boolean';
      case 'categorical':
        return typeof value === 'string';
      case undefined:
        return false;
    }
  });
}
