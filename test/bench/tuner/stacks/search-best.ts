/**
 * How the best known configurations were found: `node test/bench/tuner/stacks/search-best.ts` prints them for
 * best-known.json. Several rounds of random search and then of local search on the true values, which no
 * tuner sees: changes of one to three knobs that shrink, each round from the start or from the best of many
 * random configurations. Seeded, so the same numbers everywhere.
 */
import {
  fromUnitInterval,
  toUnitInterval,
} from '../../../../gate-service/src/optimizer/space/unit-interval.ts';
import type { Values } from '../../../../gate-service/src/optimizer/space/bound-space.ts';
import { createRandom, drawInteger } from '../../../../gate-service/src/statistics/random.ts';
import type { Random } from '../../../../gate-service/src/statistics/random.ts';
import { simulatedStack, STACK_NAMES } from './catalogue.ts';
import type { SimulatedStack } from './stack.ts';

export interface Effort {
  readonly rounds: number;
  /** Evaluations of a round: at random, then locally. */
  readonly random: number;
  readonly local: number;
}

export interface Found {
  readonly value: number;
  readonly values: Values;
}

const FIRST_STEP = 0.25;
const LAST_STEP = 0.002;

/** The best safe configuration that the effort finds, never worse than the start. */
export function searchBest(stack: SimulatedStack, effort: Effort, seed: number): Found {
  const random = createRandom(seed, `best of ${stack.name}`);
  const start: Found = { value: stack.truth(stack.start).value, values: stack.start };
  let best = start;
  for (let round = 0; round < effort.rounds; round += 1) {
    let current = start;
    for (let i = 0; i < effort.random && round > 0; i += 1) {
      current = better(stack, current, drawValues(stack, random));
    }
    for (let i = 0; i < effort.local; i += 1) {
      const step = FIRST_STEP * (LAST_STEP / FIRST_STEP) ** (i / effort.local);
      current = better(stack, current, moved(stack, current.values, step, random));
    }
    if (current.value < best.value) best = current;
  }
  return best;
}

/** Any values within the ranges, uniform on each knob's scale; constraints may be broken. */
export function drawValues({ space }: SimulatedStack, random: Random): Values {
  return valuesAt(space, () => random.next());
}

function moved({ space }: SimulatedStack, from: Values, step: number, random: Random): Values {
  const changed = new Set(
    Array.from({ length: 1 + drawInteger(random, 3) }, () =>
      drawInteger(random, space.names.length),
    ),
  );
  return valuesAt(space, (name, index) => {
    const knob = space.knobs[name]!;
    const place = toUnitInterval(knob, from[name]!);
    if (!changed.has(index)) return place;
    const whole = knob.kind === 'boolean' || knob.kind === 'categorical';
    return whole ? random.next() : place + step * (2 * random.next() - 1);
  });
}

function valuesAt(
  space: SimulatedStack['space'],
  place: (name: string, index: number) => number,
): Values {
  return Object.fromEntries(
    space.names.map((name, index) => [
      name,
      fromUnitInterval(space.knobs[name]!, place(name, index)),
    ]),
  );
}

function better(stack: SimulatedStack, current: Found, values: Values): Found {
  if (!stack.space.check(values).ok) return current;
  const { value, unsafe } = stack.truth(values);
  return !unsafe && value < current.value ? { value, values } : current;
}

if (import.meta.main) {
  const found = STACK_NAMES.map((name) => {
    const best = searchBest(simulatedStack(name), { rounds: 8, random: 1500, local: 2500 }, 1);
    console.error(`${name}: ${best.value.toFixed(3)}`);
    return [name, best] as const;
  });
  console.log(JSON.stringify(Object.fromEntries(found), undefined, 2));
}
