/** Configurations around a centre that may be tried next: a few knobs moved, legal, within reach, not beyond a barrier. */
import { drawInteger } from '../statistics/random.ts';
import type { Random } from '../statistics/random.ts';
import { drawFrom } from './actor.ts';
import { changedKnobs, isOrdered, wayAlong } from './encoding.ts';
import { isBeyond, withinReach } from './safety.ts';
import type { Barrier, Reach } from './safety.ts';
import type { BoundSpace, Values } from './space/bound-space.ts';
import type { Knob, KnobValue } from './space/knob.ts';
import { fromUnitInterval, toUnitInterval } from './space/unit-interval.ts';
import type { PolicyState } from './tuner.ts';

export interface Surroundings {
  readonly space: BoundSpace;
  /** Measured, and safe each time. */
  readonly safe: readonly Values[];
  readonly barriers: readonly Barrier[];
  readonly reach: Reach;
}

/** The legal and permitted configuration, or `undefined`. */
export function permitted(
  { space, safe, barriers, reach }: Surroundings,
  values: Values,
): Values | undefined {
  const checked = space.check(values);
  if (!checked.ok) return undefined;
  if (!withinReach(space, safe, checked.values, reach)) return undefined;
  if (barriers.some((barrier) => isBeyond(space, barrier, checked.values))) return undefined;
  return checked.values;
}

/** Moves knobs by these ways on their unit intervals; unordered knobs by so many choices, at least one. */
export function moved(
  space: BoundSpace,
  from: Values,
  ways: Readonly<Record<string, number>>,
): Values {
  const values: Record<string, KnobValue> = { ...from };
  for (const [name, way] of Object.entries(ways)) {
    const knob = space.knobs[name];
    const value = from[name];
    if (knob === undefined || value === undefined || way === 0) continue;
    values[name] = movedValue(knob, value, way);
  }
  return values;
}

function movedValue(knob: Knob, value: KnobValue, way: number): KnobValue {
  switch (knob.kind) {
    case 'boolean':
      return value !== true;
    case 'categorical': {
      const { categories } = knob;
      const step = Math.abs(way) < 1 ? Math.sign(way) : Math.round(way);
      const at = categories.indexOf(String(value)) + step;
      return (
        categories[((at % categories.length) + categories.length) % categories.length] ?? value
      );
    }
    case 'real':
      return fromUnitInterval(knob, toUnitInterval(knob, value) + way);
    case 'integer': {
      const place = toUnitInterval(knob, value) + way;
      const to = fromUnitInterval(knob, place);
      if (to !== value) return to;
      // A whole number has no step shorter than one.
      return Math.min(knob.maximum, Math.max(knob.minimum, Number(value) + Math.sign(way)));
    }
  }
}

/**
 * Draws candidates around `centre`: one to three active knobs moved at random, towards the policy,
 * or on along a way that was good before.
 */
export function drawCandidates(
  surroundings: Surroundings,
  centre: Values,
  options: {
    readonly policy: PolicyState;
    /** Ways that led to improvements, latest last. */
    readonly trends: readonly Readonly<Record<string, number>>[];
    readonly count: number;
    readonly mostKnobs: number;
    readonly random: Random;
  },
): Values[] {
  const { space, reach } = surroundings;
  const { policy, trends, count, mostKnobs, random } = options;
  const active = space.names.filter((name) => space.isActive(name, centre));
  const found = new Map<string, Values>();
  for (let tries = 0; tries < count * 3 && found.size < count; tries += 1) {
    const kind = random.next();
    const trend = trends[trends.length - 1 - drawInteger(random, Math.max(1, trends.length))];
    let ways: Record<string, number> = {};
    if (kind < 0.2 && trend !== undefined) {
      const factor = 0.5 + 1.5 * random.next();
      ways = Object.fromEntries(
        Object.entries(trend).map(([name, way]) => [name, capped(factor * way, reach.radius)]),
      );
    }
    const knobs = 1 + drawInteger(random, mostKnobs);
    const wanted = Object.keys(ways).length > 0 ? drawInteger(random, 2) : knobs;
    for (let i = 0; i < wanted; i += 1) {
      const name = active[drawInteger(random, active.length)];
      if (name === undefined) break;
      ways[name] = wayFor(space, policy, name, centre, kind > 0.8, reach.radius, random);
    }
    const values = permitted(surroundings, moved(space, centre, ways));
    if (values === undefined || changedKnobs(space, centre, values).length === 0) continue;
    found.set(JSON.stringify(values), values);
  }
  return [...found.values()];
}

function wayFor(
  space: BoundSpace,
  policy: PolicyState,
  name: string,
  centre: Values,
  byPolicy: boolean,
  radius: number,
  random: Random,
): number {
  const knob = space.knobs[name];
  const value = centre[name];
  if (knob === undefined || value === undefined) return 0;
  if (!isOrdered(knob)) {
    if (byPolicy) return wayToChoice(knob, value, String(drawFrom(policy, name, random)));
    return random.next() < 0.5 ? -1 : 1;
  }
  if (byPolicy) {
    const drawn = drawFrom(policy, name, random);
    if (typeof drawn === 'number') return capped(drawn - toUnitInterval(knob, value), radius);
  }
  const size = radius * (0.4 + 0.6 * random.next());
  return random.next() < 0.5 ? -size : size;
}

function wayToChoice(knob: Knob, value: KnobValue, choice: string): number {
  if (knob.kind !== 'categorical') return String(value) === choice ? 0 : 1;
  return knob.categories.indexOf(choice) - knob.categories.indexOf(String(value));
}

function capped(way: number, radius: number): number {
  return Math.min(radius, Math.max(-radius, way));
}

/** The ways along numbers that changed between two configurations; a switch has no "further". */
export function waysBetween(space: BoundSpace, from: Values, to: Values): Record<string, number> {
  return Object.fromEntries(
    changedKnobs(space, from, to)
      .filter((name) => isOrdered(space.knobs[name]))
      .map((name) => [name, wayAlong(space, name, from, to)]),
  );
}
