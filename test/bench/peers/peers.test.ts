import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalCdf } from '../../../gate-service/src/statistics/distributions.ts';
import { kayenta } from './kayenta.ts';
import { mannWhitneyShift } from './mann-whitney.ts';
import { pointThreshold } from './point-threshold.ts';

// New York's ozone in August and May 1973 (R's `airquality`), the example of R's wilcox.test: ties in both.
const august = [
  39, 9, 16, 78, 35, 66, 122, 89, 110, 44, 28, 65, 22, 59, 23, 31, 44, 21, 9, 45, 168, 73, 76, 118,
  84, 85,
];
const may = [
  41, 36, 12, 18, 28, 23, 19, 8, 7, 16, 11, 14, 18, 14, 34, 6, 30, 11, 1, 11, 4, 32, 23, 45, 115,
  37,
];
// R's help of wilcox.test: permeability of the amniochorion (Hollander & Wolfe 1973).
const atTerm = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
const early = [1.15, 0.88, 0.9, 0.74, 1.21];

describe('Mann–Whitney interval', () => {
  // Expected: scipy 1.17.1, mannwhitneyu(method='asymptotic', use_continuity=True) inverted over all shifts.
  it.each([
    { name: 'ozone, 95 %', x: august, y: may, confidence: 0.95, low: 15, high: 53, estimate: 32 },
    { name: 'ozone, 98 %', x: august, y: may, confidence: 0.98, low: 12, high: 55, estimate: 32 },
    {
      name: 'permeability',
      x: atTerm,
      y: early,
      confidence: 0.95,
      low: -0.15,
      high: 0.76,
      estimate: 0.305,
    },
    {
      name: 'mostly ties',
      x: [5, 5, 5, 6, 6, 7, 5, 6],
      y: [4, 5, 5, 4, 6, 5, 4, 4],
      confidence: 0.98,
      low: 0,
      high: 2,
      estimate: 1,
    },
    {
      name: 'ties that narrow the interval',
      x: [6, 5, 5, 5, 5, 5, 5, 7, 5, 5, 5, 6],
      y: [4, 4, 4, 4, 4, 4, 5, 4, 5, 4, 4, 4],
      confidence: 0.98,
      low: 1,
      high: 1,
      estimate: 1,
    },
    {
      name: 'too few for the level: all differences',
      x: [3, 4, 5],
      y: [1, 2, 2.5],
      confidence: 0.98,
      low: 0.5,
      high: 4,
      estimate: 2,
    },
  ])('$name', ({ x, y, confidence, low, high, estimate }) => {
    const shift = mannWhitneyShift(x, y, confidence);
    expect(shift.low).toBeCloseTo(low, 9);
    expect(shift.high).toBeCloseTo(high, 9);
    expect(shift.estimate).toBeCloseTo(estimate, 9);
  });

  it('rests on the test as R and scipy know it: p = 0.0001208 for the ozone', () => {
    expect(2 * pGreater(august, may, 0)).toBeCloseTo(0.00012080783076877434, 12);
    expect(mannWhitneyShift(august, may, 0.9998).low).toBeGreaterThan(0);
    expect(mannWhitneyShift(august, may, 0.9999).low).toBeLessThanOrEqual(0);
  });

  it('mirrors when the samples are swapped, and moves and scales with them', () => {
    const sample = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 2, maxLength: 25 });
    fc.assert(
      fc.property(sample, sample, fc.integer({ min: -50, max: 50 }), (x, y, moved) => {
        const shift = mannWhitneyShift(x, y, 0.98);
        const mirrored = mannWhitneyShift(y, x, 0.98);
        expect(shift.low).toBeLessThanOrEqual(shift.estimate);
        expect(shift.high).toBeGreaterThanOrEqual(shift.estimate);
        expect(mirrored.low).toBeCloseTo(-shift.high, 9);
        expect(mirrored.estimate).toBeCloseTo(-shift.estimate, 9);
        const other = mannWhitneyShift(
          x.map((value) => 8 * (value + moved)),
          y.map((value) => 8 * value),
          0.98,
        );
        expect(other.low).toBeCloseTo(8 * (shift.low + moved), 9);
        expect(other.high).toBeCloseTo(8 * (shift.high + moved), 9);
      }),
    );
  });

  it('is the set of shifts that the test does not reject', () => {
    const value = fc.integer({ min: 1, max: 2000 }).map((whole) => whole / 16);
    const sample = fc.array(value, { minLength: 8, maxLength: 20 });
    fc.assert(
      fc.property(sample, sample, (x, y) => {
        const { low, high } = mannWhitneyShift(x, y, 0.98);
        const step = 1e-3;
        // Where all differences are inside at this level, the bound is the end of what there is.
        const least = Math.min(...x) - Math.max(...y);
        const greatest = Math.max(...x) - Math.min(...y);
        if (low > least) expect(pGreater(x, y, low - step)).toBeLessThan(0.01 + 1e-9);
        expect(pGreater(x, y, low + step)).toBeGreaterThan(0.01 - 1e-9);
        if (high < greatest) expect(pGreater(y, x, -high - step)).toBeLessThan(0.01 + 1e-9);
      }),
    );
  });

  it.each([
    ['an empty sample', [], [1]],
    ['an infinite value', [Infinity], [1, 2]],
    ['NaN', [1, 2], [NaN]],
  ])('refuses %s', (_, x, y) => {
    expect(() => mannWhitneyShift(x, y, 0.98)).toThrow(RangeError);
  });
});

describe('Kayenta’s rule', () => {
  const points = (median: number): number[] =>
    Array.from({ length: 12 }, (_, index) => median + ((index * 7) % 12) - 5.5);

  it('fails a metric that is surely and by enough higher', () => {
    expect(kayenta(points(100), points(110), { allowedIncrease: 1.05 })).toBe('breached');
  });

  it('passes what is surely higher, but by less than allowed', () => {
    expect(kayenta(points(100), points(110), { allowedIncrease: 1.11 })).toBe('pass');
  });

  it('passes what is higher by enough, but not surely', () => {
    const few = { a: [100, 90, 110], b: [115, 105, 125] };
    expect(kayenta(few.a, few.b, { allowedIncrease: 1.05 })).toBe('pass');
    expect(kayenta(few.a, few.b, { allowedIncrease: 1.05, confidence: 0.5 })).toBe('breached');
  });

  it('takes the tolerance relative to the estimate: significance alone is not enough', () => {
    // Shift 3.7, its lower bound 0.7: above 0, but not above a quarter of the shift.
    const a = points(100);
    const b = points(103.7);
    const { low, estimate } = mannWhitneyShift(b, a, 0.95);
    expect(low).toBeGreaterThan(0);
    expect(low).toBeLessThan(0.25 * estimate);
    const options = { allowedIncrease: 1, confidence: 0.95 };
    expect(kayenta(a, b, options)).toBe('pass');
    expect(kayenta(a, b, { ...options, tolerance: 0 })).toBe('breached');
  });

  it('passes a faster build and equal data', () => {
    expect(kayenta(points(100), points(80), { allowedIncrease: 1 })).toBe('pass');
    expect(kayenta(points(100), points(100).reverse(), { allowedIncrease: 1 })).toBe('pass');
    expect(kayenta([5, 5, 5], [5, 5], { allowedIncrease: 1 })).toBe('pass');
  });

  it('fails constant arms that differ, and an arm without data', () => {
    expect(kayenta([5, 5, 5, 5], [6, 6, 6, 6], { allowedIncrease: 1.05 })).toBe('breached');
    expect(kayenta([], [6], { allowedIncrease: 1.05 })).toBe('breached');
    expect(kayenta([5], [], { allowedIncrease: 1.05 })).toBe('breached');
  });

  it('ignores the effect size when a mean is 0', () => {
    const a = [0, 0, 0, 0, 0, 0, 0, 0];
    expect(kayenta(a, points(10), { allowedIncrease: 5 })).toBe('breached');
  });

  it('refuses a margin where it wants a factor', () => {
    expect(() => kayenta(points(100), points(100), { allowedIncrease: 0.05 })).toThrow(/1\.05/);
  });
});

describe('threshold on point estimates', () => {
  const a = [1, 2, 3, 4, 100];
  it.each([
    { name: 'above by more than the margin', b: [1, 2, 3.31, 4, 5], expected: 'breached' },
    { name: 'exactly at the margin', b: [1, 2, 3.75, 4, 5], expected: 'pass', margin: 0.25 },
    { name: 'faster', b: [1, 1, 1, 1, 1], expected: 'pass' },
    { name: 'a failed request in the tail only', b: [1, 2, 3, 4, Infinity], expected: 'pass' },
    { name: 'most failed', b: [1, Infinity, Infinity, Infinity, Infinity], expected: 'breached' },
  ])('p50 $name', ({ b, expected, margin = 0.1 }) => {
    expect(pointThreshold(a, b, { quantile: 0.5, margin })).toBe(expected);
  });

  it('does not take the order of the latencies for their size', () => {
    expect(pointThreshold([9, 1, 10, 2], [10, 9, 2, 1], { quantile: 0.5, margin: 0 })).toBe('pass');
  });

  it('does not pass on nothing', () => {
    expect(() => pointThreshold([], [1], { quantile: 0.5, margin: 0.1 })).toThrow(RangeError);
    expect(() => pointThreshold([1], [NaN], { quantile: 0.5, margin: 0.1 })).toThrow(RangeError);
  });
});

/** One-sided p of "x − shift is not above y", straight from the ranks' definition. */
function pGreater(x: readonly number[], y: readonly number[], shift: number): number {
  const moved = x.map((value) => value - shift);
  let u = 0;
  for (const one of moved) for (const other of y) u += one > other ? 1 : one === other ? 0.5 : 0;
  const all = [...moved, ...y];
  const groups = new Map<number, number>();
  for (const value of all) groups.set(value, (groups.get(value) ?? 0) + 1);
  const ties = [...groups.values()].reduce((sum, t) => sum + t ** 3 - t, 0);
  const n = x.length * y.length;
  const sigma = Math.sqrt((n / 12) * (all.length + 1 - ties / (all.length * (all.length - 1))));
  return 1 - normalCdf((u - n / 2 - 0.5) / sigma);
}
