import { expect, it } from 'vitest';
import { createRandom } from '../../statistics/random.ts';
import { rankingLosses } from './ranking-loss.ts';

const measured = [1, 2, 3, 4, 5, 6];

function meanLosses(predictions: readonly (readonly number[])[], noise: number): number[] {
  const noises = measured.map(() => noise);
  return rankingLosses(predictions, measured, noises, 100, createRandom(1)).map(
    (losses) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
  );
}

it('is 0 for the right order, 1 for the inverted one and for none, a half for a tie', () => {
  const inverted = measured.map((value) => -value);
  const [none, tie] = [NaN, 0].map((value) => measured.map(() => value));
  expect(meanLosses([measured, inverted, none!, tie!], 0)).toEqual([0, 1, 1, 0.5]);
});

it('lets pairs count for nobody that noise alone may have ordered', () => {
  const inverted = measured.map((value) => -value);
  for (const loss of meanLosses([measured, inverted], 100)) expect(loss).toBeCloseTo(0.5, 1);
});

it('calls it a coin where there is no pair', () => {
  expect(rankingLosses([[1]], [1], [0], 3, createRandom(1))).toEqual([[0.5, 0.5, 0.5]]);
});
