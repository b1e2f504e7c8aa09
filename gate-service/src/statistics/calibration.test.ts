import { describe, expect, test } from 'vitest';
import { BREACH_ERROR, calibratedLevels, PASS_ERROR } from './calibration.ts';
import { holm } from './holm.ts';
import { estimateLocation, pAbove } from './location.ts';
import { lookSchedule } from './look-schedule.ts';
import { quantileOfRuns, quantileOfSorted, sortedCopy } from './quantile.ts';
import { createRandom, type Random } from './random.ts';

/** Box & Muller. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

describe('lookSchedule', () => {
  test('looks at a third and at every further twelfth, never at fewer than six', () => {
    expect(lookSchedule(24)).toEqual([8, 10, 12, 14, 16, 18, 20, 22, 24]);
    expect(lookSchedule(57)).toEqual([19, 24, 29, 34, 38, 43, 48, 53, 57]);
    expect(lookSchedule(8)).toEqual([6, 7, 8]);
    expect(lookSchedule(6)).toEqual([6]);
    expect(lookSchedule(5)).toEqual([]);
  });
});

describe('calibratedLevels', () => {
  // measuring.md §5 has .0027 and .006 from simulated paths of 24 windows: the first look is the same one.
  test('spend at the first look what power-2 spending gives it', () => {
    const { breach, pass } = calibratedLevels(8, 24, false);
    expect(Math.abs(breach / 0.0027 - 1)).toBeLessThan(0.2);
    expect(Math.abs(pass / 0.006 - 1)).toBeLessThan(0.2);
  });

  // A little stricter than with five looks (.0148 and .034), which is the price of four more.
  test('ask for little more at the end than fewer looks would', () => {
    const { breach, pass } = calibratedLevels(24, 24, true);
    expect(breach).toBeGreaterThan(0.75 * 0.0148);
    expect(breach).toBeLessThan(0.0148);
    expect(pass).toBeGreaterThan(0.75 * 0.034);
    expect(pass).toBeLessThan(0.034);
  });

  test('know every plan, and ask for less only at later looks', () => {
    for (let planned = 6; planned <= 240; planned += 1) {
      for (const count of lookSchedule(planned)) {
        const { pass, breach } = calibratedLevels(count, planned, count === planned);
        expect(pass).toBeGreaterThan(breach);
        expect(breach).toBeGreaterThan(0);
        expect(pass).toBeLessThanOrEqual(PASS_ERROR * 1.05);
        expect(breach).toBeLessThanOrEqual(BREACH_ERROR * 1.05);
      }
    }
  });

  // Paths of estimateLocation() and pAbove() themselves; check-calibration.ts does this for every plan.
  test.each([6, 10, 24, 33, 60, 96])(
    'err no more often than promised over %i windows',
    (planned) => {
      const random = createRandom(planned, 'paths');
      const repetitions = 4000;
      const crossed = { pass: 0, breach: 0 };
      for (let i = 0; i < repetitions; i += 1) {
        const path = Array.from({ length: planned }, () => normal(random));
        const tests = lookSchedule(planned).map((count) => ({
          p: pAbove(estimateLocation(path.slice(0, count))!, 0),
          levels: calibratedLevels(count, planned, count === planned),
        }));
        if (tests.some(({ p, levels }) => p < levels.pass)) crossed.pass += 1;
        if (tests.some(({ p, levels }) => p < levels.breach)) crossed.breach += 1;
      }
      // Three standard errors of the simulation.
      expect(crossed.pass / repetitions).toBeLessThan(PASS_ERROR + 3 * 0.0034);
      expect(crossed.pass / repetitions).toBeGreaterThan(PASS_ERROR - 3 * 0.0034);
      expect(crossed.breach / repetitions).toBeLessThan(BREACH_ERROR + 3 * 0.0025);
      expect(crossed.breach / repetitions).toBeGreaterThan(BREACH_ERROR - 3 * 0.0025);
    },
  );

  test('a last look that comes early, and looks that hang together, err no more often', () => {
    const random = createRandom(7, 'early');
    const repetitions = 4000;
    let early = 0;
    let together = 0;
    for (let i = 0; i < repetitions; i += 1) {
      const path = Array.from({ length: 24 }, () => normal(random));
      const crosses = (counts: readonly number[], values: readonly number[]): boolean =>
        counts.some((count, look) => {
          const levels = calibratedLevels(count, 24, look === counts.length - 1);
          return pAbove(estimateLocation(values.slice(0, count))!, 0) < levels.pass;
        });
      if (crosses([8, 12, 16, 18], path)) early += 1;
      // Launch means: the same few values again and again, a little clearer each time.
      const launches = Array.from({ length: 10 }, () => normal(random));
      const noisy = (noise: number): number[] => launches.map((v) => v + noise * normal(random));
      const crossesLaunches = [8, 12, 16, 20, 24].some((count) => {
        const levels = calibratedLevels(count, 24, count === 24);
        return pAbove(estimateLocation(noisy(1 / Math.sqrt(count)))!, 0) < levels.pass;
      });
      if (crossesLaunches) together += 1;
    }
    expect(early / repetitions).toBeLessThan(PASS_ERROR + 3 * 0.0034);
    expect(together / repetitions).toBeLessThan(PASS_ERROR + 3 * 0.0034);
  });
});

test('Holm rejects step by step', () => {
  expect(holm([0.01, 0.04, 0.03, 0.005], 0.05)).toEqual([true, false, false, true]);
  expect(holm([0.04, 0.01], 0.05)).toEqual([true, true]);
  expect(holm([NaN, 0.001], 0.05)).toEqual([false, true]);
  expect(holm([], 0.05)).toEqual([]);
});

describe('quantileOfSorted', () => {
  // R: quantile(c(1, 2, 3, 4, 10), c(.5, .9)) gives 3.0 and 7.6
  test.each([
    [[1, 2, 3, 4, 10], 0.5, 3],
    [[1, 2, 3, 4, 10], 0.9, 7.6],
    [[1, 2], 1, 2],
    [[1, 2, Infinity], 0.5, 2],
    [[1, 2, Infinity], 0.51, Infinity],
    [[1, Infinity, Infinity], 0.9, Infinity],
    [[5], 0.99, 5],
  ])('%j at %d is %d', (values, q, expected) => {
    expect(quantileOfSorted(values, q)).toBeCloseTo(expected, 12);
  });

  test('of several sorted runs is that of all values together', () => {
    const random = createRandom(5, 'runs');
    for (let i = 0; i < 300; i += 1) {
      const values = Array.from({ length: 1 + Math.floor(random.next() * 40) }, () =>
        random.next() < 0.1 ? Infinity : Math.round(random.next() * 30) / 3,
      );
      const q = Math.round(random.next() * 20) / 20;
      const runs = [0, 1, 2].map((run) => sortedCopy(values.filter((_, at) => at % 3 === run)));
      const expected = quantileOfSorted(sortedCopy(values), q)!;
      const seen = quantileOfRuns(runs, q)!;
      if (expected === Infinity) expect(seen).toBe(Infinity);
      else expect(seen).toBeCloseTo(expected, 12);
    }
    expect(quantileOfRuns([new Float64Array()], 0.5)).toBeUndefined();
  });

  test('of nothing is nothing', () => {
    expect(quantileOfSorted([], 0.5)).toBeUndefined();
  });
});
