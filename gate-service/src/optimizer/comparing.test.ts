import { describe, expect, it } from 'vitest';
import { raceDue, settle } from './comparing.ts';
import type { Known } from './exploring.ts';
import { recall } from './memory.ts';
import { lapsPlanned, LEAST_LAPS, nextLane, racesIn, SESSION_ERROR } from './racing.ts';
import type { Values } from './space/bound-space.ts';
import { PROBLEM, STARTED } from './tuner-fixture.ts';
import { initialState } from './tuner-state.ts';
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
    const { adopted, effect } = settle(PROBLEM.space, raced([80, 82, 79], [101, 99]), [], 15);
    expect(adopted).toBe(true);
    expect(effect?.change).toBeCloseTo(Math.exp(Math.log(80 * 82 * 79) / 3) / 100 - 1, 3);
    expect(effect?.high).toBeLessThan(0);
    expect(effect?.comparisons).toBe(3);
  });

  it('is not adopted when it is worse, or better by less than its noise', () => {
    expect(settle(PROBLEM.space, raced([101, 99, 100], [80, 82]), [], 15).adopted).toBe(false);
    expect(settle(PROBLEM.space, raced([80, 120, 95], [101, 99]), [], 15).adopted).toBe(false);
  });

  it('is nothing with too few laps', () => {
    expect(settle(PROBLEM.space, raced([80, 80], [100]), [], 15)).toEqual({ adopted: false });
  });

  it('shares the error of the session among the races that its budget has room for', () => {
    const race = raced([80, 82, 79], [101, 99]);
    for (const budget of [15, 30, 60]) {
      const error = (1 - (settle(PROBLEM.space, race, [], budget).effect?.confidence ?? 0)) / 2;
      expect(error * racesIn(budget)).toBeCloseTo(SESSION_ERROR);
    }
    expect([racesIn(15), racesIn(60)]).toEqual([1, 2]);
  });

  it('is surer of itself when earlier races showed how little values scatter', () => {
    const race = raced([80, 82, 79], [101, 99]);
    const width = (before: readonly Race[]): number => {
      const { effect } = settle(PROBLEM.space, race, before, 60);
      return (effect?.high ?? NaN) - (effect?.low ?? NaN);
    };
    expect(width([raced([100, 102, 99], [101, 99])])).toBeLessThan(width([]));
  });
});

describe('a challenger of what the same session adopted', () => {
  const { space } = PROBLEM;
  const leads = raced([80, 82, 79], [101, 99]);
  /** 4 % better than what was adopted, in noise that hides it. */
  const leaning = {
    ...raced([75, 79, 76], [78, 82]),
    incumbent: CHALLENGER,
    challenger: { workers: 90 },
  };

  it('is adopted when it leans to be better, and is shown better than what the session began with', () => {
    expect(settle(space, leads, [], 60).adopted).toBe(true);
    const { adopted, effect, whole } = settle(space, leaning, [leads], 60);
    expect(adopted).toBe(true);
    expect(effect?.high).toBeGreaterThan(0);
    expect(whole?.high).toBeLessThan(0);
    expect(whole?.change).toBeCloseTo((1 + effect!.change) * 0.803 - 1, 2);
  });

  it('is not when it does not lean', () => {
    const flat = { ...leaning, laps: raced([79, 81, 80], [78, 82]).laps };
    expect(settle(space, flat, [leads], 60).adopted).toBe(false);
  });

  it('is not when it is what the session began with', () => {
    const back = { ...leaning, challenger: INCUMBENT };
    expect(settle(space, back, [leads], 60)).toMatchObject({ adopted: false });
  });

  it('is not when what it is compared with was not raced in this session', () => {
    const elsewhere = { ...leads, challenger: { workers: 120 } };
    expect(settle(space, leaning, [elsewhere], 60).adopted).toBe(false);
    expect(settle(space, leaning, [], 60).adopted).toBe(false);
  });

  it('is not when both together do not show a gain over what the session began with', () => {
    // Adopted because what was in force broke its limits, not for its speed.
    const slower = raced([120, 122, 119], [101, 99]);
    expect(settle(space, leaning, [slower], 60).adopted).toBe(false);
  });
});

describe('what is raced', () => {
  const better = { ...PROBLEM.start, share: 0.5 };
  const surer = { ...PROBLEM.start, share: 0.45 };
  /** What the critics say of a share; the start's is 0. */
  const outlooks = new Map([
    [0.3, { mean: 0, sd: 0.02, safe: 1 }],
    [0.5, { mean: -0.5, sd: 0.02, safe: 0.9 }],
    [0.45, { mean: -0.45, sd: 0.02, safe: 1 }],
  ]);
  const due = (safe: readonly Values[], left: number) => {
    const trial = { values: PROBLEM.start, value: 100, metrics: { errors: 0 }, unsafe: false };
    const options = { budget: 15, seed: 1 };
    const memory = recall(PROBLEM, undefined, 1);
    const known: Known = {
      facts: { problem: PROBLEM, options, memory },
      steps: Array.from({ length: 15 - left }, () => STARTED),
      trials: [trial],
      safe: [PROBLEM.start, ...safe],
      landscape: {
        outlook: ({ share }) => outlooks.get(Number(share))!,
        noise: 0.05,
        hyperparameters: {},
        dropped: [],
      },
      leader: PROBLEM.start,
    };
    return raceDue(known, initialState(PROBLEM, memory), false);
  };

  it('is what is expected to be much better and to hold the limits in every lap', () => {
    expect(due([better, surer], 5)?.challenger).toEqual(surer);
    expect(due([better], 5)?.challenger).toEqual(better);
    expect(due([], 5)).toBeUndefined();
  });

  it('begins when no more is left than it takes, earlier where a lap may break a limit', () => {
    expect(due([surer], 6)).toBeUndefined();
    expect(due([surer], 5)?.planned).toBe(5);
    expect(due([better], 7)?.planned).toBe(7);
    expect(due([better], 8)).toBeUndefined();
    expect(due([surer], 4)).toBeUndefined();
  });
});

describe('the laps of a race', () => {
  it('are fewest for a gain far above the noise, and more for a small one', () => {
    expect(lapsPlanned(60, 10)).toBe(LEAST_LAPS);
    expect(lapsPlanned(60, 2)).toBeGreaterThan(LEAST_LAPS);
    expect(lapsPlanned(15, 2)).toBe(7);
  });

  it('are no more than a third of the budget for a gain that they would hardly show', () => {
    expect([15, 30, 60].map((budget) => lapsPlanned(budget, 0.1))).toEqual([5, 9, 15]);
  });
});
