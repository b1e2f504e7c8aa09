import { describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../statistics/random.ts';
import { isSteady, type WarmUpWindow } from './warm-up.ts';

/** Sum of uniforms: close enough to a normal with standard deviation 1. */
const normal = (random: Random): number =>
  Array.from({ length: 12 }, () => random.next()).reduce((sum, u) => sum + u, -6);

/** A window whose medians have this log-ratio, with one latency each. */
const windowOf = (logRatio: number): WarmUpWindow => ({
  latenciesUs: [[1000], [1000 * Math.exp(logRatio)]],
});

const shareSteady = (trend: number, sd: number): number => {
  const random = createRandom(11);
  const trials = 1000;
  let steady = 0;
  for (let i = 0; i < trials; i += 1) {
    const windows = [0, 1, 2, 3, 4].map((x) => windowOf(trend * x + sd * normal(random)));
    if (isSteady(windows)) steady += 1;
  }
  return steady / trials;
};

describe('isSteady', () => {
  it('needs five windows', () => {
    expect(isSteady([0, 0, 0, 0].map(windowOf))).toBe(false);
    expect(isSteady([0, 0, 0, 0, 0].map(windowOf))).toBe(true);
  });

  it('sees a candidate that is still getting faster', () => {
    expect(isSteady([0.8, 0.62, 0.41, 0.2, 0.01].map(windowOf))).toBe(false);
  });

  it('forgets how it began', () => {
    expect(isSteady([3, 2, 1, 0.1, 0.11, 0.09, 0.1, 0.1].map(windowOf))).toBe(true);
  });

  it('does not wait for a constant difference to vanish: that is what is measured', () => {
    expect(isSteady([0.5, 0.51, 0.5, 0.49, 0.5].map(windowOf))).toBe(true);
  });

  it('lets a drift pass that is too small to matter, however regular', () => {
    expect(isSteady([0, 0.001, 0.002, 0.003, 0.004].map(windowOf))).toBe(true);
  });

  it('takes noise of the measured size for a trend at times, and a real trend for noise hardly ever', () => {
    // Standard deviation of the log-ratio of medians per window: 0.05. At least 60 % pass at each look.
    expect(shareSteady(0, 0.05)).toBeGreaterThan(0.6);
    expect(shareSteady(0.1, 0.05)).toBeLessThan(0.02);
    // Noise may not hide a trend: with much of both, it is not steady.
    expect(shareSteady(0.2, 0.2)).toBeLessThan(0.1);
  });

  it('is not steady while an arm does not answer', () => {
    const silent: WarmUpWindow = { latenciesUs: [[1000], []] };
    expect(isSteady([windowOf(0), windowOf(0), silent, windowOf(0), windowOf(0)])).toBe(false);
  });
});

describe('a backlog', () => {
  const window = (a: number, b = a, more: object = {}): WarmUpWindow => ({
    latenciesUs: [[a * 1000], [b * 1000]],
    ...more,
  });

  it('is not steady: latencies that double in both arms', () => {
    expect(isSteady([50, 100, 200, 400, 800, 1600].map((ms) => window(ms)))).toBe(false);
  });

  it('is not steady: the avalanche that cold nodes made, measured', () => {
    const medians = [
      [905, 533],
      [1861, 1456],
      [1980, 1671],
      [2335, 1592],
      [2252, 1794],
      [2263, 2000],
    ] as const;
    expect(isSteady(medians.map(([a, b]) => window(a, b)))).toBe(false);
  });

  it('may be a slow window between others, or a machine that became slower for good', () => {
    expect(isSteady([50, 50, 52, 200, 51].map((ms) => window(ms)))).toBe(true);
    expect(isSteady([50, 51, 49, 50, 200].map((ms) => window(ms)))).toBe(true);
    const slower = [...Array<number>(5).fill(50), ...Array<number>(10).fill(90)];
    expect(isSteady(slower.slice(0, 12).map((ms) => window(ms)))).toBe(false);
    expect(isSteady(slower.map((ms) => window(ms)))).toBe(true);
  });

  it('is not mistaken for nodes that still get faster together', () => {
    expect(isSteady([400, 200, 120, 90, 80, 70].map((ms) => window(ms)))).toBe(true);
  });

  it('shows in requests that wait for a connection', () => {
    const waiting = (waited: number) =>
      [0, 0, waited, 0, 0].map((own) => window(50, 50, { waited: own }));
    expect(isSteady(waiting(0))).toBe(true);
    expect(isSteady(waiting(1))).toBe(false);
  });

  it('shows in requests under way', () => {
    const growing = (...counts: readonly number[]) =>
      counts.map((inFlight) => window(50, 50, { inFlight }));
    expect(isSteady(growing(10, 9, 20, 14, 12))).toBe(true);
    expect(isSteady(growing(0, 1, 0, 2, 5))).toBe(true);
    expect(isSteady(growing(10, 12, 25, 40, 60))).toBe(false);
    // What falls is being worked off.
    expect(isSteady(growing(60, 40, 25, 12, 10))).toBe(true);
  });
});
