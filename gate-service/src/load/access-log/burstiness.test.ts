import { describe, expect, it } from 'vitest';
import { createRandom } from '../../statistics/random.ts';
import { createArrivals, type ArrivalKind } from '../arrivals.ts';
import { meanFactor, type Phases } from '../phases.ts';
import { burstinessOf } from './burstiness.ts';

function counted(
  kind: ArrivalKind,
  rate: number,
  seconds: number,
  phases?: Phases,
  seed = 1,
): number[] {
  const counts = Array.from({ length: seconds }, () => 0);
  const arrivals = createArrivals(kind, rate, createRandom(seed), phases);
  for (let at = arrivals.next(); at < seconds * 1e6; at = arrivals.next()) {
    const second = Math.floor(at / 1e6);
    counts[second] = (counts[second] ?? 0) + 1;
  }
  return counts;
}

const bursts = (high: number, seconds: number, every: number): Phases => ({
  apply: 'cyclic',
  steps: [
    { seconds: every - seconds, factor: (every - high * seconds) / (every - seconds) },
    { seconds, factor: high },
  ],
});

describe('burstinessOf', () => {
  it.each([3, 40, 400])('knows a Poisson process of %d/s from a clock', (rate) => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const poisson = burstinessOf(counted('poisson', rate, 600, undefined, seed), 10);
      expect(poisson).toMatchObject({ arrivals: 'poisson' });
      expect(poisson.phases).toBeUndefined();
    }
    expect(burstinessOf(counted('constant', rate, 600), 10).arrivals).toBe('constant');
  });

  it.each([
    [40, bursts(3, 2, 20)],
    [100, bursts(2, 5, 30)],
    [500, bursts(6, 1, 10)],
    [20, bursts(1.5, 30, 60)],
  ])('gives phases that burst as the log does: %d/s', (rate, phases) => {
    const seen = burstinessOf(counted('poisson', rate, 1800, phases), 10);
    expect(seen.phases).toBeDefined();
    expect(meanFactor(seen.phases)).toBeCloseTo(1, 6);
    const again = burstinessOf(counted('poisson', rate, 1800, seen.phases, 2), 10);
    expect(again.indexOfDispersion / seen.indexOfDispersion).toBeGreaterThan(0.7);
    expect(again.indexOfDispersion / seen.indexOfDispersion).toBeLessThan(1.4);
  });

  it('does not tell from a few seconds, or from nothing', () => {
    expect(burstinessOf([9, 0, 9, 0], 10).indexOfDispersion).toBeNaN();
    expect(burstinessOf([], 10).arrivals).toBe('poisson');
    expect(
      burstinessOf(
        Array.from({ length: 100 }, () => 0),
        10,
      ).arrivals,
    ).toBe('poisson');
  });

  it('stays within what a workload may have, however wild the log', () => {
    for (const high of [10, 1000, 1e6]) {
      for (const every of [2, 10, 500]) {
        const counts = Array.from({ length: 3600 }, (_, i) => (i % every === 0 ? high : 0));
        const { phases } = burstinessOf(counts, 10);
        for (const { factor, seconds } of phases?.steps ?? []) {
          expect(factor).toBeGreaterThanOrEqual(0.05);
          expect(factor).toBeLessThanOrEqual(10);
          expect(seconds).toBeGreaterThanOrEqual(1);
        }
        expect(meanFactor(phases)).toBeCloseTo(1, 6);
      }
    }
  });
});
