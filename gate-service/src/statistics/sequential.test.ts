import { describe, expect, test } from 'vitest';
import { calibratedLevels } from './calibration.ts';
import { holm } from './holm.ts';
import { estimateLocation, pAbove } from './location.ts';
import { mix } from './mix.ts';
import { quantileOfSorted } from './quantile.ts';
import { createRandom } from './random.ts';
import { sequentialLevels } from './sequential.ts';

const looks = [8, 12, 16, 20, 24];
const fractions = looks.map((count) => count / 24);

describe('sequentialLevels', () => {
  test('one look spends everything', () => {
    expect(sequentialLevels([1], 0.05, true)[0]).toBeCloseTo(0.05, 10);
  });

  // measuring.md §5, from simulated t paths of 24 windows.
  test.each([
    [0.025, [0.0027, 0.0042, 0.0072, 0.0105, 0.0148]],
    [0.05, [0.006, 0.0089, 0.0153, 0.023, 0.034]],
  ])('is near the simulated table for %d', (alpha, table) => {
    for (const [index, level] of sequentialLevels(fractions, alpha, true).entries()) {
      expect(level / table[index]!).toBeGreaterThan(0.88);
      expect(level / table[index]!).toBeLessThan(1.15);
    }
  });

  test('a look that is not the last keeps error back', () => {
    const [first] = sequentialLevels([0.5], 0.05, false);
    expect(first).toBeCloseTo(0.0125, 10);
    expect(sequentialLevels([0.5], 0.05, true)[0]).toBeCloseTo(0.05, 10);
  });
});

describe('calibratedLevels', () => {
  test.each([10, 12, 24, 30])('errs no more often than promised over %i windows', (planned) => {
    const schedule = [1 / 3, 1 / 2, 2 / 3, 5 / 6, 1]
      .map((fraction) => Math.ceil(planned * fraction))
      .filter((count) => count >= 6);
    const levels = calibratedLevels(
      schedule.map((count) => count / planned),
      planned,
      0.05,
      true,
    );
    const random = createRandom(planned, 'paths');
    const repetitions = 5000;
    let crossed = 0;
    for (let i = 0; i < repetitions; i += 1) {
      const path = Array.from(
        { length: planned },
        () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next()),
      );
      const crosses = schedule.some(
        (count, look) => pAbove(estimateLocation(path.slice(0, count))!, 0) < levels[look]!,
      );
      if (crosses) crossed += 1;
    }
    // 0.05 and three standard errors of the simulation.
    expect(crossed / repetitions).toBeLessThan(0.05 + 3 * 0.0031);
    expect(crossed / repetitions).toBeGreaterThan(0.03);
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

  test('of nothing is nothing', () => {
    expect(quantileOfSorted([], 0.5)).toBeUndefined();
  });
});

test('mix is even, and every key counts', () => {
  const draws = Array.from({ length: 20_000 }, (_, i) => mix(7, i, 3));
  expect(draws.reduce((sum, value) => sum + value, 0) / draws.length).toBeCloseTo(0.5, 2);
  expect(draws.filter((value) => value < 0.1).length / draws.length).toBeCloseTo(0.1, 1);
  expect(
    new Set([mix(1, 2, 3), mix(1, 3, 2), mix(2, 2, 3), mix(1, 2), mix(1, 2 + 2 ** 32, 3)]).size,
  ).toBe(5);
});
