import { describe, expect, it } from 'vitest';
import { createRandom, drawInteger, shuffled } from './random.ts';

const draw = (seed: number, purpose: string, count: number): number[] => {
  const random = createRandom(seed, purpose);
  return Array.from({ length: count }, () => random.next());
};

describe('createRandom', () => {
  it('gives the same numbers for the same seed and purpose', () => {
    expect(draw(7, 'arrivals', 50)).toEqual(draw(7, 'arrivals', 50));
  });

  it('gives different streams for neighbouring seeds and other purposes', () => {
    const first = draw(7, 'arrivals', 1);
    for (const other of [draw(8, 'arrivals', 1), draw(7, 'pairing', 1), draw(-7, 'arrivals', 1)]) {
      expect(Math.abs(other[0]! - first[0]!)).toBeGreaterThan(1e-6);
    }
  });

  it('is uniform in [0, 1) and without correlation between streams of neighbouring seeds', () => {
    const n = 20_000;
    const a = draw(1, 'x', n);
    const b = draw(2, 'x', n);
    expect(Math.min(...a)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...a)).toBeLessThan(1);
    const bins = new Array<number>(20).fill(0);
    for (const value of a) bins[Math.floor(value * 20)]! += 1;
    const chiSquare = bins.reduce((sum, count) => sum + (count - n / 20) ** 2 / (n / 20), 0);
    // 99.99 % point of chi-square with 19 degrees of freedom.
    expect(chiSquare).toBeLessThan(50.8);
    const correlation =
      (a.reduce((sum, value, i) => sum + (value - 0.5) * (b[i]! - 0.5), 0) / n) * 12;
    expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(n));
  });

  it('refuses a seed that is not an integer', () => {
    expect(() => createRandom(Number.NaN)).toThrow('a seed is an integer, got NaN');
    expect(() => createRandom(0.5)).toThrow(RangeError);
  });
});

describe('drawInteger and shuffled', () => {
  it('reach every value and every order', () => {
    const random = createRandom(3);
    const values = new Set<number>();
    const orders = new Map<string, number>();
    for (let i = 0; i < 6000; i += 1) {
      values.add(drawInteger(random, 3));
      const order = shuffled(['a', 'b', 'c'], random).join('');
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    expect([...values].sort()).toEqual([0, 1, 2]);
    expect(orders.size).toBe(6);
    for (const count of orders.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('leaves its argument as it was', () => {
    const items = [1, 2, 3, 4, 5];
    shuffled(items, createRandom(1));
    expect(items).toEqual([1, 2, 3, 4, 5]);
  });
});
