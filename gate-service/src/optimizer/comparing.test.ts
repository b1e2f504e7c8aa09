import { describe, expect, it } from 'vitest';
import { settle } from './comparing.ts';
import { lapsPlanned, LEAST_LAPS, nextLane, racesIn, SESSION_ERROR } from './racing.ts';
import type { Race } from './tuner-state.ts';

const CHALLENGER = { workers: 80 };
const INCUMBENT = { workers: 40 };

/** A race of five laps: what the challenger's and the incumbent's measured, in turns. */
function raced(challenger: readonly number[], incumbent: readonly number[]): Race {
  const laps = Array.from({ length: challenger.length + incumbent.length }, (_, lap) => {
    const lane = nextLane(lap);
    const values = lane === 'challenger' ? challenger : incumbent;
    return { lane, value: values[Math.floor(lap / 2)] ?? NaN };
  });
  return { challenger: CHALLENGER, incumbent: INCUMBENT, planned: laps.length, laps };
}

describe('what a race shows', () => {
  it('is adopted when its interval excludes zero on the good side', () => {
    const { adopted, effect } = settle(raced([80, 82, 79], [101, 99]), [], 15);
    expect(adopted).toBe(true);
    expect(effect?.change).toBeCloseTo(Math.exp(Math.log(80 * 82 * 79) / 3) / 100 - 1, 3);
    expect(effect?.high).toBeLessThan(0);
    expect(effect?.comparisons).toBe(3);
  });

  it('is not adopted when it is worse, or better by less than its noise', () => {
    expect(settle(raced([101, 99, 100], [80, 82]), [], 15).adopted).toBe(false);
    expect(settle(raced([80, 120, 95], [101, 99]), [], 15).adopted).toBe(false);
  });

  it('is nothing with too few laps', () => {
    expect(settle(raced([80, 80], [100]), [], 15)).toEqual({ adopted: false });
  });

  it('shares the error of the session among the races that its budget has room for', () => {
    const race = raced([80, 82, 79], [101, 99]);
    for (const budget of [15, 30, 60]) {
      const error = (1 - (settle(race, [], budget).effect?.confidence ?? 0)) / 2;
      expect(error * racesIn(budget)).toBeCloseTo(SESSION_ERROR);
    }
    expect([racesIn(15), racesIn(60)]).toEqual([1, 2]);
  });

  it('is surer of itself when earlier races showed how little values scatter', () => {
    const race = raced([80, 82, 79], [101, 99]);
    const width = (before: readonly Race[]): number => {
      const { effect } = settle(race, before, 60);
      return (effect?.high ?? NaN) - (effect?.low ?? NaN);
    };
    expect(width([raced([100, 102, 99], [101, 99])])).toBeLessThan(width([]));
  });
});

describe('the laps of a race', () => {
  it('are fewest for a gain far above the noise, more for a small one, at most half of the budget', () => {
    expect(lapsPlanned(60, 10)).toBe(LEAST_LAPS);
    expect(lapsPlanned(60, 2)).toBeGreaterThan(LEAST_LAPS);
    expect([15, 30, 60].map((budget) => lapsPlanned(budget, 0.1))).toEqual([7, 15, 15]);
  });
});
