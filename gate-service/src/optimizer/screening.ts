/**
 * The first steps of a session without memory, before the critics know anything. Where limits are
 * near, a few knobs a step, there and back: the sign of a slope costs less than its shape (SPSA,
 * Spall 1992). Where there is room, a design in which each step moves several knobs at once, with
 * signs as orthogonal as they can be: every evaluation then tells of all of them (the rows of a
 * definitive screening design, Jones & Nachtsheim 2011, with no more knobs a step than are allowed).
 */
import { drawInteger, shuffled } from '../statistics/random.ts';
import type { Random } from '../statistics/random.ts';
import { isOrdered } from './encoding.ts';
import type { BoundSpace, Values } from './space/bound-space.ts';
import { RADIUS } from './tuner-state.ts';
import type { Screening } from './tuner-state.ts';

type Ways = Readonly<Record<string, number>>;

/** Way of a step along each of its knobs as a share of the step cap. */
const WAY = 0.75;
const MOST_GROUPS = 5;
const KNOBS = { step: 2, design: 3 } as const;
/** Step cap, in usual ones, from which there is room for a design. */
const ROOMY = 1.2;
/** Rows drawn to find the most orthogonal next one. */
const DRAWS = 60;

export interface ScreeningStep {
  readonly from: Values;
  readonly ways: Ways;
  readonly reason: string;
  /** The screening when this step was taken, or could not be. */
  readonly then: Screening;
}

/** Steps along numbers only: a switch has no other way back, and waits for the critics. */
export function planScreening(
  space: BoundSpace,
  start: Values,
  radius: number,
  random: Random,
): Screening {
  const knobs = shuffled(
    space.names.filter((name) => isOrdered(space.knobs[name]) && space.isActive(name, start)),
    random,
  );
  const way = WAY * radius;
  if (radius >= ROOMY * RADIUS.first) {
    return { groups: design(knobs, way, random), at: 0, around: start };
  }
  const count = Math.min(MOST_GROUPS, Math.ceil(knobs.length / KNOBS.step));
  const groups = Array.from({ length: count }, (_, group) =>
    signed(knobs.slice(group * KNOBS.step, (group + 1) * KNOBS.step), way, random),
  );
  return { groups, at: 0 };
}

/** The step that is next, or `undefined` when all were taken. */
export function nextScreening(screening: Screening, leader: Values): ScreeningStep | undefined {
  const { groups, at, from, around } = screening;
  const ways = groups[at];
  if (ways === undefined) return undefined;
  const names = Object.keys(ways).join(', ');
  if (around !== undefined) {
    const then = { groups, at: at + 1, around };
    return { from: around, ways, reason: `a step along ${names}, to learn what they do`, then };
  }
  if (from !== undefined) {
    const reason = `a small step the other way along ${names}, to learn what they do`;
    return { from, ways: scaled(ways, -1), reason, then: { groups, at: at + 1 } };
  }
  const reason = `a small step along ${names}, to learn what they do`;
  return { from: leader, ways, reason, then: { groups, at, from: leader } };
}

export function scaled(ways: Ways, factor: number): Ways {
  return Object.fromEntries(Object.entries(ways).map(([name, way]) => [name, factor * way]));
}

/** As many rows as knobs, each with signs that were least seen together, the knobs used equally often. */
function design(knobs: readonly string[], way: number, random: Random): Ways[] {
  const rows: Ways[] = [];
  const used = new Map<string, number>();
  for (let row = 0; row < Math.min(MOST_GROUPS, knobs.length); row += 1) {
    const drawn = Array.from({ length: DRAWS }, () => {
      const order = shuffled(knobs, random).sort(
        (one, other) => (used.get(one) ?? 0) - (used.get(other) ?? 0),
      );
      return signed(order.slice(0, KNOBS.design), way, random);
    });
    const next = drawn.reduce((best, one) =>
      overlap(one, rows) < overlap(best, rows) ? one : best,
    );
    for (const name of Object.keys(next)) used.set(name, (used.get(name) ?? 0) + 1);
    rows.push(next);
  }
  return rows;
}

/** How much a row repeats the others: the sum of squared products. */
function overlap(row: Ways, others: readonly Ways[]): number {
  return others.reduce((sum, other) => {
    const product = Object.entries(row).reduce((p, [name, way]) => p + way * (other[name] ?? 0), 0);
    return sum + product ** 2;
  }, 0);
}

function signed(names: readonly string[], way: number, random: Random): Ways {
  return Object.fromEntries(names.map((name) => [name, drawInteger(random, 2) === 0 ? -way : way]));
}
