import { describe, expect, test } from 'vitest';
import { createRandom, type Random } from './random.ts';
import { detectableShift, estimateLocation, lowerBound, pAbove, upperBound } from './location.ts';

/** Box & Muller. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

describe('estimateLocation', () => {
  // Dana 1990, as in Wilcox, "Introduction to Robust Estimation", §3.3 and §4.3: 20 % trimmed mean 282.7,
  // its standard error 56.1 by trimse(), which divides by 0.6·√n where Yuen divides by √(h(h−1)/(n−1)).
  test('agrees with the published example of a trimmed mean', () => {
    const times = [
      77, 87, 88, 114, 151, 210, 219, 246, 253, 262, 296, 299, 306, 376, 428, 515, 666, 1310, 2611,
    ];
    const location = estimateLocation(times)!;
    expect(location.estimate).toBeCloseTo(282.7, 1);
    expect(location.degreesOfFreedom).toBe(12);
    const yuenToWilcox = Math.sqrt((13 * 12) / 18) / (0.6 * Math.sqrt(19));
    expect(location.standardError * yuenToWilcox).toBeCloseTo(56.1, 1);
  });

  // First nine of Student's sleep data: mean 0.6111, SD 1.8395; t(0.975, 8) = 2.306 from the tables.
  test('is the mean with t below ten values', () => {
    const location = estimateLocation([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0])!;
    expect(location).toMatchObject({ method: 'mean', degreesOfFreedom: 8 });
    expect(location.estimate).toBeCloseTo(0.6111, 4);
    expect(lowerBound(location, 0.025)).toBeCloseTo(0.6111 - 2.306 * (1.8395 / 3), 2);
  });

  test('trims infinite values away, and gives up when there are more of them', () => {
    const values = [1, 2, 3, 4, 5, 6, 7, 8, Infinity, -Infinity];
    expect(estimateLocation(values)?.estimate).toBeCloseTo(4.5);
    expect(estimateLocation([1, 2, 3, 4, 5, 6, 7, Infinity, Infinity, Infinity])).toBeUndefined();
  });

  test.each([
    ['too few', [1, 2]],
    ['NaN', [1, 2, 3, NaN]],
    ['a million ties', new Array<number>(1000).fill(0.1)],
  ])('says nothing of %s', (_, values) => {
    expect(estimateLocation(values)).toBeUndefined();
  });

  test('p and bounds say the same', () => {
    const location = estimateLocation([1.2, 0.4, 2.2, 1.9, 0.3, 1.1, 2.8, 0.1])!;
    expect(pAbove(location, lowerBound(location, 0.013))).toBeCloseTo(0.013, 6);
    expect(pAbove(location, upperBound(location, 0.013))).toBeCloseTo(1 - 0.013, 6);
  });

  test.each([8, 12, 24])('its 95 %% interval covers the truth of %i noisy windows', (count) => {
    const random = createRandom(11, `coverage ${count}`);
    const repetitions = 4000;
    let covered = 0;
    for (let i = 0; i < repetitions; i += 1) {
      // One window in ten is spoilt by something ten times as noisy.
      const values = Array.from(
        { length: count },
        () => normal(random) * (random.next() < 0.1 ? 10 : 1),
      );
      const location = estimateLocation(values)!;
      if (lowerBound(location, 0.025) < 0 && upperBound(location, 0.025) > 0) covered += 1;
    }
    expect(covered / repetitions).toBeGreaterThan(0.94);
    expect(covered / repetitions).toBeLessThan(0.985);
  });

  test('finds the detectable shift with the power it promises', () => {
    const random = createRandom(12, 'power');
    let shift = 0;
    for (let i = 0; i < 200; i += 1) {
      shift +=
        detectableShift(
          estimateLocation(Array.from({ length: 24 }, () => normal(random)))!,
          0.025,
        ) / 200;
    }
    let found = 0;
    for (let i = 0; i < 1500; i += 1) {
      const values = Array.from({ length: 24 }, () => normal(random) + shift);
      if (pAbove(estimateLocation(values)!, 0) < 0.025) found += 1;
    }
    expect(found / 1500).toBeGreaterThan(0.74);
    expect(found / 1500).toBeLessThan(0.86);
  });
});
