import { describe, expect, test } from 'vitest';
import { createRandom } from './random.ts';
import {
  clopperPearson,
  conditionalBinomialP,
  fisherExactP,
  pShareDifferenceAbove,
  rateRatioInterval,
  shareDifferenceInterval,
} from './proportions.ts';

describe('clopperPearson', () => {
  test.each([
    // R: binom.test(7, 20)$conf.int
    [7, 20, 0.025, 0.1539092, 0.5921885],
    // closed form: 1 − 0.025^(1/10)
    [0, 10, 0.025, 0, 1 - 0.025 ** (1 / 10)],
    [10, 10, 0.025, 0.025 ** (1 / 10), 1],
  ])('%i of %i', (hits, total, level, low, high) => {
    const bounds = clopperPearson({ hits, total }, level);
    expect(bounds.low).toBeCloseTo(low, 6);
    expect(bounds.high).toBeCloseTo(high, 6);
  });

  // measuring.md §8: so many requests show "below 0.1 %" with so many failures.
  test.each([
    [0, 3000],
    [1, 4750],
    [2, 6300],
  ])('%i failures in %i requests are just below 0.1 %% at 95 %%', (hits, total) => {
    expect(clopperPearson({ hits, total }, 0.05).high).toBeLessThan(0.001);
    expect(clopperPearson({ hits, total: total * 0.98 }, 0.05).high).toBeGreaterThan(0.001);
  });

  test('without requests everything is possible', () => {
    expect(clopperPearson({ hits: 0, total: 0 }, 0.025)).toEqual({ low: 0, high: 1 });
  });
});

describe('two shares', () => {
  // R's example: poisson.test(c(11, 6+8+7), c(800, 1083+1050+878))
  test('the interval of a ratio of rates is the exact one', () => {
    const ratio = rateRatioInterval({ hits: 11, total: 800 }, { hits: 21, total: 3011 }, 0.025);
    expect(ratio.low).toBeCloseTo(0.8584264, 5);
    expect(ratio.high).toBeCloseTo(4.2772659, 5);
  });

  // Fisher's tea tasting; R: fisher.test(TeaTasting, alternative = "greater")$p.value = 0.2428571
  test('Fisher tastes tea', () => {
    expect(fisherExactP({ hits: 3, total: 4 }, { hits: 1, total: 4 })).toBeCloseTo(0.2428571, 6);
  });

  test('equal exposures halve each failure', () => {
    const p = conditionalBinomialP({ hits: 5, total: 100 }, { hits: 0, total: 100 });
    expect(p).toBeCloseTo(1 / 32, 10);
    expect(conditionalBinomialP({ hits: 0, total: 100 }, { hits: 0, total: 100 })).toBe(1);
    expect(conditionalBinomialP({ hits: 0, total: 0 }, { hits: 0, total: 0 })).toBe(1);
  });

  test('p of a difference belongs to its interval', () => {
    const subject = { hits: 60, total: 2000 };
    const reference = { hits: 12, total: 2000 };
    const p = pShareDifferenceAbove(subject, reference, 0.01);
    expect(p).toBeLessThan(0.01);
    expect(shareDifferenceInterval(subject, reference, p).low).toBeCloseTo(0.01, 6);
    expect(pShareDifferenceAbove(reference, subject, 0.01)).toBe(1);
  });

  test('the interval of a difference covers the truth at least as often as it says', () => {
    const random = createRandom(5, 'difference');
    const draw = (share: number, total: number): { hits: number; total: number } => {
      let hits = 0;
      for (let i = 0; i < total; i += 1) if (random.next() < share) hits += 1;
      return { hits, total };
    };
    let missed = 0;
    const repetitions = 1500;
    for (let i = 0; i < repetitions; i += 1) {
      const { low, high } = shareDifferenceInterval(draw(0.02, 500), draw(0.01, 500), 0.05);
      if (low > 0.01 || high < 0.01) missed += 1;
    }
    expect(missed / repetitions).toBeLessThan(0.1);
  });
});
