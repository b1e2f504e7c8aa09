import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { growth, wasScraped } from './counters.ts';
import type { Series } from './prometheus-api.ts';

const MAX_AGE = 3000;
const series = (...samples: readonly (readonly [atMs: number, value: number])[]): Series => ({
  labels: {},
  samples: samples.map(([atMs, value]) => ({ atMs, value })),
});
const span = (fromMs: number, toMs: number) => ({ fromMs, toMs });

describe('growth of a counter', () => {
  test('is the difference between the scrapes in force at both ends', () => {
    const counter = series([0, 10], [1000, 15], [2000, 40], [3000, 41]);
    expect(growth(counter, span(1000, 3000), MAX_AGE)).toBe(26);
    expect(growth(counter, span(1999, 2999), MAX_AGE)).toBe(25);
  });

  test('adds what was counted after a restart', () => {
    const counter = series([0, 100], [1000, 130], [2000, 4], [3000, 9]);
    expect(growth(counter, span(0, 3000), MAX_AGE)).toBe(39);
  });

  test('of a series that begins in the span starts at zero', () => {
    expect(growth(series([1500, 7], [2500, 9]), span(1000, 3000), MAX_AGE)).toBe(9);
  });

  test('is unknown without samples, with a stale end, or with an odd value', () => {
    expect(growth(series(), span(0, 1000), MAX_AGE)).toBeUndefined();
    expect(growth(series([0, 1], [1000, 2]), span(0, 10_000), MAX_AGE)).toBeUndefined();
    expect(growth(series([0, 1], [1000, NaN]), span(0, 1000), MAX_AGE)).toBeUndefined();
  });

  test('over two adjoining spans adds up to that over both, restarts or not', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1000), { minLength: 3, maxLength: 30 }),
        fc.nat(100),
        (values, cut) => {
          const counter = series(...values.map((value, i) => [i * 1000, value] as const));
          const end = (values.length - 1) * 1000;
          const middle = Math.round((end * cut) / 100);
          const whole = growth(counter, span(0, end), Infinity);
          const parts = [span(0, middle), span(middle, end)].map((part) =>
            growth(counter, part, Infinity)!,
          );
          expect(parts[0]! + parts[1]!).toBe(whole);
        },
      ),
    );
  });
});

describe('a target was scraped throughout', () => {
  const up = series([0, 1], [1000, 1], [2000, 1], [3000, 1], [4000, 1], [5000, 1]);

  test('when there are scrapes at both ends and no long pause', () => {
    expect(wasScraped(up, span(1500, 5400), MAX_AGE)).toBe(true);
  });

  test('not when it begins later, ends earlier, or paused', () => {
    expect(wasScraped(up, span(-1, 5000), MAX_AGE)).toBe(false);
    expect(wasScraped(up, span(0, 8001), MAX_AGE)).toBe(false);
    expect(wasScraped(series([0, 1], [4000, 1], [5000, 1]), span(0, 5000), MAX_AGE)).toBe(false);
    expect(wasScraped(series([-9000, 1], [5000, 1]), span(0, 5000), MAX_AGE)).toBe(false);
    expect(wasScraped(series(), span(0, 5000), MAX_AGE)).toBe(false);
  });

  test('a scrape that failed is none', () => {
    const failed = series([0, 1], [1000, 0], [2000, 0], [3000, 0], [4000, 1]);
    expect(wasScraped(failed, span(0, 4000), MAX_AGE)).toBe(false);
    expect(wasScraped(failed, span(0, 4000), 4000)).toBe(true);
  });
});
