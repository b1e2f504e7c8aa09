import { describe, expect, it } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { createArrivals, type ArrivalKind } from './arrivals.ts';

const take = (kind: ArrivalKind, perSecond: number, count: number, seed = 1): number[] => {
  const arrivals = createArrivals(kind, perSecond, createRandom(seed));
  return Array.from({ length: count }, () => arrivals.next());
};

describe('createArrivals', () => {
  it('is reproducible from the seed', () => {
    expect(take('poisson', 300, 100)).toEqual(take('poisson', 300, 100));
    expect(take('poisson', 300, 100)).not.toEqual(take('poisson', 300, 100, 2));
  });

  it.each([3, 300, 7000])('poisson at %d/s has exponential gaps of the right mean', (rate) => {
    const times = take('poisson', rate, 20_000);
    const gaps = times.map((time, i) => time - (times[i - 1] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    expect(mean * rate).toBeGreaterThan(0.97e6);
    expect(mean * rate).toBeLessThan(1.03e6);
    // Exponential: standard deviation equals the mean, and e^-1 of the gaps are longer than it.
    expect(Math.sqrt(variance) / mean).toBeGreaterThan(0.95);
    expect(Math.sqrt(variance) / mean).toBeLessThan(1.05);
    const longer = gaps.filter((gap) => gap > mean).length / gaps.length;
    expect(Math.abs(longer - Math.exp(-1))).toBeLessThan(0.015);
  });

  it('constant keeps its rate exactly, however long it runs', () => {
    const times = take('constant', 3, 300_000);
    expect(times.at(-1)).toBeCloseTo((299_999.5 / 3) * 1e6, 0);
  });

  it.each(['poisson', 'constant'] as const)('%s never goes back in time', (kind) => {
    const times = take(kind, 500, 5000);
    expect(times.every((time, i) => time >= (times[i - 1] ?? 0))).toBe(true);
  });

  it.each([0, -1, Number.NaN, Infinity])('refuses a rate of %d', (rate) => {
    expect(() => createArrivals('poisson', rate, createRandom(1))).toThrow(/positive number/);
  });
});
