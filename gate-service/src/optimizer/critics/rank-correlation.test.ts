import { expect, it } from 'vitest';
import { rankCorrelation } from './rank-correlation.ts';

it('is what scipy 1.17 spearmanr says', () => {
  expect(rankCorrelation([1, 2, 2, 5, 3, 9], [2, 1, 4, 4, 4, 8])).toBeCloseTo(0.80085343472, 10);
  expect(rankCorrelation([1, 2, 3, 4], [4, 3, 1, 2])).toBeCloseTo(-0.8, 12);
});

it('is 0 where nothing can be ordered', () => {
  expect(rankCorrelation([], [])).toBe(0);
  expect(rankCorrelation([1, 1, 1], [1, 2, 3])).toBe(0);
});
