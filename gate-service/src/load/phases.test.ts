import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { createArrivals, type ArrivalKind } from './arrivals.ts';
import { createRateProfile, meanFactor, type Phases } from './phases.ts';

const bursts: Phases = {
  apply: 'cyclic',
  steps: [
    { seconds: 4, factor: 0.5 },
    { seconds: 1, factor: 3 },
  ],
};
const ramp: Phases = { ...bursts, apply: 'once' };

const anyPhases: fc.Arbitrary<Phases> = fc.record({
  apply: fc.constantFrom('cyclic' as const, 'once' as const),
  steps: fc.array(
    fc.record({
      seconds: fc.double({ min: 0.1, max: 50, noNaN: true }),
      factor: fc.double({ min: 0.01, max: 20, noNaN: true }),
    }),
    { minLength: 1, maxLength: 6 },
  ),
});

describe('createRateProfile', () => {
  it.each([
    [bursts, [0, 3.9, 4, 4.9, 5, 9.5, 5_000_004.5], [0.5, 0.5, 3, 3, 0.5, 3, 3]],
    [ramp, [0, 4.5, 5, 100], [0.5, 3, 1, 1]],
    [undefined, [0, 100], [1, 1]],
  ])('has the factor of the step in progress', (phases, moments, factors) => {
    expect(moments.map(createRateProfile(phases).rateFactorAt)).toEqual(factors);
  });

  it('sends in a stretch of time what the factors of its steps say', () => {
    const { workAt, secondsAt } = createRateProfile(bursts);
    expect(workAt(12)).toBeCloseTo(2 * 5 + 2 * 0.5, 9);
    expect(secondsAt(11)).toBeCloseTo(12, 9);
    expect(createRateProfile(ramp).secondsAt(7)).toBeCloseTo(7, 9);
    expect(createRateProfile(ramp).secondsAt(6)).toBeCloseTo(6, 9);
  });

  it('has an order and an inverse, whatever the steps', () => {
    fc.assert(
      fc.property(
        anyPhases,
        fc.array(fc.double({ min: 0, max: 1e5, noNaN: true }), { minLength: 2 }),
        (phases, works) => {
          const { secondsAt, workAt } = createRateProfile(phases);
          const sorted = works.toSorted((a, b) => a - b);
          const times = sorted.map(secondsAt);
          times.forEach((time, i) => {
            expect(time).toBeGreaterThanOrEqual((times[i - 1] ?? 0) - 1e-6);
            expect(Math.abs(workAt(time) - (sorted[i] ?? 0))).toBeLessThan(1e-3);
          });
        },
      ),
    );
  });
});

describe('arrivals with phases', () => {
  const counts = (kind: ArrivalKind, seconds: number, phases?: Phases): number[] => {
    const arrivals = createArrivals(kind, 200, createRandom(7), phases);
    const perSecond = Array.from({ length: seconds }, () => 0);
    for (let at = arrivals.next(); at < seconds * 1e6; at = arrivals.next()) {
      const second = Math.floor(at / 1e6);
      perSecond[second] = (perSecond[second] ?? 0) + 1;
    }
    return perSecond;
  };
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;

  it('constant: each second has the rate of its step', () => {
    const expected = Array.from({ length: 20 }, (_, i) => (i % 5 === 4 ? 600 : 100));
    counts('constant', 20, bursts).forEach((count, i) => {
      expect(Math.abs(count - (expected[i] ?? 0))).toBeLessThanOrEqual(1);
    });
  });

  it('poisson: each step has its rate and the spread of a Poisson process', () => {
    const perSecond = counts('poisson', 1000, bursts);
    const high = perSecond.filter((_, i) => i % 5 === 4);
    const low = perSecond.filter((_, i) => i % 5 !== 4);
    expect(mean(high) / 600).toBeCloseTo(1, 1);
    expect(mean(low) / 100).toBeCloseTo(1, 1);
    const variance = mean(low.map((count) => (count - mean(low)) ** 2));
    expect(variance / mean(low)).toBeGreaterThan(0.8);
    expect(variance / mean(low)).toBeLessThan(1.2);
    expect(mean(perSecond) / 200).toBeCloseTo(meanFactor(bursts), 1);
  });

  it('a schedule that begins later goes on where the phases are then', () => {
    const whole = createArrivals('constant', 10, createRandom(1), bursts);
    const later = createArrivals('constant', 10, createRandom(1), bursts, 4);
    expect(whole.next()).toBeCloseTo(100_000, 3);
    expect(later.next()).toBeCloseTo(0.05e6 / 3, 3);
  });
});
