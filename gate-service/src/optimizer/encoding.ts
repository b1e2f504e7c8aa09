/**
 * Configurations as vectors for critics, and how far apart two of them are. Numbers and switches
 * take one column on the unit interval of their scale, categories one column each; a knob without
 * effect is masked, so that critics cannot learn from what does nothing.
 */
import type { BoundSpace, Values } from './space/bound-space.ts';
import type { Knob } from './space/knob.ts';
import { toUnitInterval } from './space/unit-interval.ts';

/** What an inactive knob shows to the critics. */
const MASKED = 0.5;
/**
 * How far apart the two sides of a switch are, and any two categories: as half the range of a number.
 * A whole range would leave the critics unsure of every switch for so long that most evaluations
 * went into switching.
 */
const SWITCH = 0.2;
const CHOICE = SWITCH / Math.SQRT2;

/** One row of numbers within 0–1, of equal length for all configurations of the space. */
export function encode(space: BoundSpace, values: Values): number[] {
  return space.names.flatMap((name) => {
    const knob = space.knobs[name];
    const value = values[name];
    if (knob === undefined || value === undefined) return [];
    const active = space.isActive(name, values);
    if (knob.kind === 'categorical') {
      return knob.categories.map((category) => (active && category === value ? CHOICE : 0));
    }
    const place = active ? toUnitInterval(knob, value) : MASKED;
    return [knob.kind === 'boolean' ? MASKED + SWITCH * (place - MASKED) : place];
  });
}

/** Whether a knob has an order, so that one can go on in a direction. */
export function isOrdered(knob: Knob | undefined): boolean {
  return knob?.kind === 'integer' || knob?.kind === 'real';
}

/** Signed way from one configuration to another along a knob; unordered knobs: 0 or 1. */
export function wayAlong(space: BoundSpace, name: string, from: Values, to: Values): number {
  const knob = space.knobs[name];
  const [one, other] = [from[name], to[name]];
  if (knob === undefined || one === undefined || other === undefined || one === other) return 0;
  return isOrdered(knob) ? toUnitInterval(knob, other) - toUnitInterval(knob, one) : 1;
}

/** Knobs that differ and have an effect in at least one of the two. */
export function changedKnobs(space: BoundSpace, from: Values, to: Values): string[] {
  return space.names.filter(
    (name) => from[name] !== to[name] && (space.isActive(name, from) || space.isActive(name, to)),
  );
}

export function sameValues(space: BoundSpace, one: Values, other: Values): boolean {
  return space.names.every((name) => one[name] === other[name]);
}

/** Whether nothing that has an effect differs. */
export function sameEffect(space: BoundSpace, one: Values, other: Values): boolean {
  return changedKnobs(space, one, other).length === 0;
}
