import { describe, expect, it } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { nextScreening, planScreening } from './screening.ts';
import { bindSpace } from './space/bound-space.ts';
import { categoricalKnob, realKnob } from './space/knob.ts';
import { createKnobSpace } from './space/knob-space.ts';
import { RADIUS } from './tuner-state.ts';
import type { Screening } from './tuner-state.ts';

const NUMBERS = ['a', 'b', 'c', 'd', 'e'];
const number = realKnob({ description: '', unit: '', scale: 'linear', minimum: 0, maximum: 1 });
const SPACE = bindSpace(
  createKnobSpace({
    knobs: {
      ...Object.fromEntries(NUMBERS.map((name) => [name, number])),
      choice: categoricalKnob({ description: '', categories: ['one', 'other'] }),
    },
    constraints: [],
  }),
  undefined,
);
const START = { ...Object.fromEntries(NUMBERS.map((name) => [name, 0.5])), choice: 'one' };
const ELSEWHERE = { ...START, a: 0.9 };

const plan = (radius: number, seed = 1): Screening =>
  planScreening(SPACE, START, radius, createRandom(seed, 'screening'));

/** All steps, with a leader that has moved away in the meantime. */
function stepsOf(first: Screening) {
  const steps = [];
  for (let next = nextScreening(first, ELSEWHERE); next !== undefined;) {
    steps.push(next);
    next = nextScreening(next.then, ELSEWHERE);
  }
  return steps;
}

describe('screening', () => {
  it('goes there and back along two numbers at a time where limits are near', () => {
    const steps = stepsOf(plan(RADIUS.first));
    expect(steps).toHaveLength(6);
    steps.forEach(({ from, ways, reason }, at) => {
      expect(from).toBe(ELSEWHERE);
      expect(reason.includes('the other way')).toBe(at % 2 === 1);
      if (at % 2 === 0) return;
      for (const [name, way] of Object.entries(ways)) {
        expect(way).toBeCloseTo(-(steps[at - 1]!.ways[name] ?? 0));
      }
    });
    expect(new Set(steps.flatMap(({ ways }) => Object.keys(ways)))).toEqual(new Set(NUMBERS));
  });

  it('moves three numbers at once around the start where there is room, all of them equally often', () => {
    const steps = stepsOf(plan(RADIUS.most));
    expect(steps).toHaveLength(NUMBERS.length);
    const used = NUMBERS.map((name) => steps.filter(({ ways }) => name in ways).length);
    expect(used).toEqual(NUMBERS.map(() => 3));
    for (const { from, ways } of steps) {
      expect(from).toBe(START);
      for (const way of Object.values(ways)) expect(Math.abs(way)).toBeLessThan(RADIUS.most);
    }
  });

  it('chooses signs so that the effects of knobs do not look alike', () => {
    // The share of pairs of rows that are as orthogonal as their overlap allows, over many plans.
    let orthogonal = 0;
    let pairs = 0;
    for (let seed = 1; seed <= 20; seed += 1) {
      const rows = stepsOf(plan(RADIUS.most, seed)).map(({ ways }) =>
        NUMBERS.map((name) => Math.sign(ways[name] ?? 0)),
      );
      rows.forEach((row, i) => {
        for (const other of rows.slice(0, i)) {
          const products = row.map((sign, at) => sign * other[at]!);
          const shared = products.filter((product) => product !== 0).length;
          const sum = Math.abs(products.reduce((one, more) => one + more, 0));
          pairs += 1;
          if (sum <= shared % 2) orthogonal += 1;
        }
      });
    }
    expect(orthogonal / pairs).toBeGreaterThan(0.85);
  });
});
