import { describe, expect, test, vi } from 'vitest';
import { estimateLocation, pAbove, upperBound } from '../statistics/location.ts';
import { createRandom } from '../statistics/random.ts';
import { levelsAt } from './looks.ts';
import { pastWindows, type PastWindows } from './past-windows.ts';
import {
  errorProspect,
  leastEffect,
  leastWindows,
  poolSpreads,
  spreadProspect,
  type Prospect,
} from './planning.ts';
import { makeMeasurement, normal } from './test-measurement.ts';
import { parseThreshold } from './threshold.ts';

// Many cases, or processes of their own: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000 });

const p99 = parseThreshold('p99 <= baseline + 5%');

function prospect(deviation: number, threshold = p99, level = 0): Prospect {
  const spread = { deviation, low: deviation, high: deviation, degreesOfFreedom: 99, level };
  return spreadProspect(threshold, spread, deviation);
}

const past = (effects: readonly number[]): PastWindows => ({
  effects,
  failures: { hits: 0, total: 1 },
  windows: effects.length,
  windowSeconds: 2,
  requestsPerWindow: 100,
  secondsBeside: 0,
});

const draws = (seed: number, count: number, deviation: number): number[] => {
  const random = createRandom(seed, 'planning');
  return Array.from({ length: count }, () => deviation * normal(random));
};

describe('how many windows', () => {
  // measuring.md §10: (2.49·SD/0.0488)², with the normal distribution and one look.
  test.each([
    [0.05, 7],
    [0.1, 26],
    [0.28, 204],
  ])('a spread of %d takes about %d for p99 + 5 %% at 80 %%', (deviation, windows) => {
    const own = leastWindows((count) => prospect(deviation).meets(count), 0.8)!;
    expect(own).toBeGreaterThanOrEqual(windows);
    expect(own).toBeLessThanOrEqual(1.7 * windows + 4);
  });

  test('more chance, a smaller margin, a wider spread and a smaller effect take longer', () => {
    const windows = (deviation: number, power: number, text = 'p99 <= baseline + 5%'): number =>
      leastWindows((count) => prospect(deviation, parseThreshold(text)).meets(count), power)!;
    expect(windows(0.1, 0.95)).toBeGreaterThan(windows(0.1, 0.8));
    expect(windows(0.2, 0.8)).toBeGreaterThan(windows(0.1, 0.8));
    expect(windows(0.1, 0.8, 'p99 <= baseline + 2%')).toBeGreaterThan(windows(0.1, 0.8));
    const finds = (effect: number): number =>
      leastWindows((count) => prospect(0.1).finds(count, effect), 0.8)!;
    expect(finds(0.07)).toBeGreaterThan(finds(0.1));
  });

  test('an effect within the margin is never found, and a limit that the baseline breaks never met', () => {
    expect(leastWindows((count) => prospect(0.1).finds(count, 0.04), 0.8)).toBeUndefined();
    const limit = parseThreshold('p95 < 50ms');
    expect(
      leastWindows((count) => prospect(0.1, limit, Math.log(60)).meets(count), 0.8),
    ).toBeUndefined();
    expect(
      leastWindows((count) => prospect(0.1, limit, Math.log(40)).meets(count), 0.8),
    ).toBeLessThan(30);
  });

  test('the effect that a time finds is the one that takes this time', () => {
    const own = prospect(0.1);
    const effect = leastEffect((size) => own.finds(24, size), 0.8, 0, 0.05)!;
    expect(leastWindows((count) => own.finds(count, effect), 0.8)).toBe(24);
  });
});

describe('the chances are those of the last look on simulated windows', () => {
  const REPETITIONS = 1500;
  test.each([
    [12, 0.06],
    [24, 0.1],
    [48, 0.14],
  ])('%d windows with a spread of %d', (windows, deviation) => {
    const levels = levelsAt(windows, windows, true);
    const margin = Math.log1p(0.05);
    const effect = 0.09;
    let met = 0;
    let found = 0;
    for (let seed = 0; seed < REPETITIONS; seed += 1) {
      const same = draws(seed, windows, deviation);
      const location = estimateLocation(same)!;
      if (upperBound(location, levels.pass) < margin) met += 1;
      const slower = estimateLocation(same.map((value) => value + Math.log1p(effect)))!;
      if (slower.estimate >= margin && pAbove(slower, 0) <= levels.breach) found += 1;
    }
    // Of normal draws the trimmed mean has a spread a little above the plain one.
    const effective = deviation * 1.06;
    expect(Math.abs(met / REPETITIONS - prospect(effective).meets(windows))).toBeLessThan(0.08);
    expect(Math.abs(found / REPETITIONS - prospect(effective).finds(windows, effect))).toBeLessThan(
      0.08,
    );
  });
});

describe('the spread of past windows', () => {
  test('comes back, and the more data the surer', () => {
    const few = poolSpreads([past(draws(1, 6, 0.1))])!;
    const many = poolSpreads([past(draws(2, 200, 0.1)), past(draws(3, 200, 0.1))])!;
    expect(many.deviation).toBeGreaterThan(0.08);
    expect(many.deviation).toBeLessThan(0.13);
    expect(many.low).toBeLessThan(many.deviation);
    expect(many.high).toBeGreaterThan(many.deviation);
    expect(few.high / few.low).toBeGreaterThan(2 * (many.high / many.low));
  });

  test('builds that differ do not widen it', () => {
    const one = draws(4, 50, 0.1);
    const same = poolSpreads([past(one), past(one)])!;
    const other = poolSpreads([past(one), past(one.map((value) => value + 1))])!;
    expect(other.deviation).toBeCloseTo(same.deviation, 10);
  });

  test('nothing to say', () => {
    expect(poolSpreads([])).toBeUndefined();
    expect(poolSpreads([past([0.1, 0.2])])).toBeUndefined();
    expect(poolSpreads([past(Array.from({ length: 9 }, () => 0.1))])).toBeUndefined();
  });
});

describe('past windows', () => {
  test('only windows that count, their length and rate, and what came beside', () => {
    const measurement = makeMeasurement({
      windows: 10,
      pairs: 60,
      plantedWindows: 3,
      fitness: (window) => (window === 4 ? { latenessP99Us: 1e6 } : {}),
    });
    const found = pastWindows(measurement, parseThreshold('p50 <= baseline + 5%'))!;
    expect(found).toMatchObject({
      windows: 9,
      windowSeconds: 2,
      requestsPerWindow: 60,
      secondsBeside: 6,
    });
    expect(found.effects).toHaveLength(9);
    expect(found.failures).toEqual({ hits: 0, total: 1080 });
  });

  test('nothing without both arms', () => {
    const measurement = makeMeasurement({
      windows: 6,
      change: (sample) => (sample.arm === 'baseline' ? undefined : sample),
    });
    expect(pastWindows(measurement, p99)).toBeUndefined();
  });
});

describe('errors', () => {
  const limit = parseThreshold('errors < 0.1%');
  test('as many requests as the exact bound needs', () => {
    const none = errorProspect(limit, { hits: 0, total: 100_000 }, 500);
    // measuring.md §8: 3,000 requests without a failure at 5 %; the last look asks for a little more.
    const windows = leastWindows((count) => none.meets(count), 0.8)!;
    expect(windows * 500).toBeGreaterThanOrEqual(3000);
    expect(windows * 500).toBeLessThan(9000);
  });
  test('failures near the limit take long, beyond it forever', () => {
    const near = errorProspect(limit, { hits: 70, total: 100_000 }, 500);
    expect(leastWindows((count) => near.meets(count), 0.8)).toBeGreaterThan(60);
    const beyond = errorProspect(limit, { hits: 150, total: 100_000 }, 500);
    expect(leastWindows((count) => beyond.meets(count), 0.8)).toBeUndefined();
  });
});
