import { describe, expect, it, vi } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { drawNormal } from './actor.ts';
import { EMPTY_POOL, LEAST_LAPS, nextLane, noiseOf, raceResult } from './racing.ts';
import type { Lap } from './racing.ts';

// A thousand races take a second of computing, more on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const CONFIDENCE = 0.9;
const run = (y: (lap: number) => number, laps = LEAST_LAPS): Lap[] =>
  Array.from({ length: laps }, (_, lap) => ({ lane: nextLane(lap), y: y(lap) }));

describe('a race', () => {
  it('cancels a steady drift', () => {
    const drifting = run((lap) => 0.1 * lap + (lap % 2 === 0 ? -0.3 : 0));
    expect(raceResult([drifting], EMPTY_POOL, CONFIDENCE)?.estimate).toBeCloseTo(-0.3, 12);
  });

  it('needs three comparisons, and takes none of them to be exact', () => {
    expect(raceResult([run((lap) => lap, 4)], EMPTY_POOL, CONFIDENCE)).toBeUndefined();
    const exact = run((lap) => (lap % 2 === 0 ? -0.1 : 0));
    const { low, high } = raceResult([exact], EMPTY_POOL, CONFIDENCE)!;
    expect([low < -0.1, high > -0.1, high < 0]).toEqual([true, true, true]);
    expect(raceResult([run((lap) => lap)], EMPTY_POOL, CONFIDENCE)?.comparisons).toBe(3);
  });

  it('lets the noise of other races widen its interval, never see less noise than its own', () => {
    const laps = run((lap) => 0.01 * (lap % 3));
    const width = (pool = EMPTY_POOL) => {
      const { low, high } = raceResult([laps], pool, CONFIDENCE)!;
      return high - low;
    };
    expect(width({ squares: 4, degreesOfFreedom: 4 })).toBeGreaterThan(width());
    // A pool without any noise lends degrees of freedom, but no smaller noise.
    const own = noiseOf(laps);
    const se = Math.sqrt((own.squares / own.degreesOfFreedom) * (1 / 3 + 1 / 2));
    expect(width({ squares: 0, degreesOfFreedom: 1000 })).toBeGreaterThan(2 * 1.64 * se);
  });

  it('adds the differences of races that follow each other, and their noise', () => {
    const first = run((lap) => (lap % 2 === 0 ? -0.3 : 0) + 0.01 * (lap % 3));
    const then = run((lap) => (lap % 2 === 0 ? -0.4 : -0.3) + 0.01 * (lap % 3), 9);
    const one = raceResult([first], noiseOf(then), CONFIDENCE)!;
    const other = raceResult([then], noiseOf(first), CONFIDENCE)!;
    const both = raceResult([first, then], EMPTY_POOL, CONFIDENCE)!;
    expect(both.estimate).toBeCloseTo(one.estimate + other.estimate, 12);
    expect(both.high - both.low).toBeGreaterThan(one.high - one.low);
    expect(both.comparisons).toBe(3);
    expect(raceResult([first, then.slice(0, 3)], EMPTY_POOL, CONFIDENCE)).toBeUndefined();
  });

  it('shows a gain between equals no more often than its confidence says', () => {
    const random = createRandom(11, 'race');
    const repetitions = 1000;
    let shown = 0;
    for (let i = 0; i < repetitions; i += 1) {
      const { high } = raceResult([run(() => 0.1 * drawNormal(random))], EMPTY_POOL, CONFIDENCE)!;
      if (high < 0) shown += 1;
    }
    const error = (1 - CONFIDENCE) / 2;
    expect(shown / repetitions).toBeLessThan(error + 3 * Math.sqrt(error / repetitions));
    expect(shown / repetitions).toBeGreaterThan(error / 2);
  });
});
