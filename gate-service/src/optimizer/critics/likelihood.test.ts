import { describe, expect, it } from 'vitest';
import { createRandom } from '../../statistics/random.ts';
import { gatherSites, type Sites } from './sites.ts';
import { logMarginalLikelihood, pairsOf } from './likelihood.ts';

const random = createRandom(5);
const x = Array.from({ length: 8 }, () => [random.next(), random.next(), random.next()]);
const y = x.map(([a, b]) => Math.sin(3 * a!) + b! + 0.1 * random.next());
const logs = Float64Array.from([0.4, 0.8, 1.5, 1.3 ** 2, 0.2 ** 2], Math.log);

function valueOf(sites: Sites, at: Float64Array = logs): number {
  return logMarginalLikelihood(pairsOf(sites.x), sites, at).value;
}

describe('logMarginalLikelihood', () => {
  it('has the gradient that differences show, with repeats and weights', () => {
    const sites = gatherSites({
      x: [...x, x[0]!, x[0]!, x[3]!],
      y: [...y, y[0]! + 0.2, y[0]! - 0.1, y[3]! + 0.3],
      weight: [1, 2, 0.5, 1, 1, 3, 1, 1, 0.4, 1, 2],
    });
    const { gradient } = logMarginalLikelihood(pairsOf(sites.x), sites, logs);
    gradient.forEach((slope, i) => {
      const step = 1e-5;
      const shifted = (by: number): Float64Array =>
        logs.map((value, j) => (j === i ? value + by : value));
      const difference =
        (valueOf(sites, shifted(step)) - valueOf(sites, shifted(-step))) / 2 / step;
      expect(slope).toBeCloseTo(difference, 5);
    });
  });

  it('is the same whether repeats are drawn together or not', () => {
    const repeated = { x: [...x, x[2]!, x[2]!], y: [...y, y[2]! + 0.3, y[2]! - 0.4] };
    const weight = [1, 1, 2, 1, 1, 1, 1, 1, 0.5, 1];
    const together = gatherSites({ ...repeated, weight });
    // Too near for the covariance to tell, too far to be drawn together.
    const apart = gatherSites({
      y: repeated.y,
      weight,
      x: repeated.x.map(([a, ...others], i) => [a! + i * 1e-12, ...others]),
    });
    expect([together.x.length, apart.x.length]).toEqual([8, 10]);
    expect(valueOf(together)).toBeCloseTo(valueOf(apart), 6);
  });
});
