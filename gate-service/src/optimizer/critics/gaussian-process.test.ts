import { describe, expect, it } from 'vitest';
import { createRandom } from '../../statistics/random.ts';
import type { CriticData } from './critic.ts';
import { fitGaussianProcess } from './gaussian-process.ts';
import { logMarginalLikelihood, pairsOf } from './likelihood.ts';
import { drawNormal } from './normal.ts';
import { gatherSites } from './sites.ts';

const x = Array.from({ length: 12 }, (_, i) => [
  ((i * 7) % 12) / 11,
  ((i * 5 + 3) % 12) / 11,
  ((i * i) % 7) / 6,
]);
const y = [
  -0.07562, 1.157043, 0.389766, -0.049905, 1.676584, -0.807904, 1.45515, 0.338733, 0.402038,
  0.703714, -0.384885, 1.579336,
];
const fixed = { lengths: [0.4, 0.8, 1.5], signal: 1.3, noise: 0.2 };

/** Smooth, of four inputs of which the last means nothing. */
function smooth([a = 0, b = 0, c = 0]: readonly number[]): number {
  return Math.sin(4 * a) + 1.5 * (b - 0.4) ** 2 + 0.5 * a * c;
}

function observe(count: number, seed: number, noise: number): CriticData {
  const random = createRandom(seed, 'observations');
  const points = Array.from({ length: count }, () =>
    Array.from({ length: 4 }, () => random.next()),
  );
  return { x: points, y: points.map((point) => smooth(point) + noise * drawNormal(random)) };
}

describe('a Gaussian process beside scikit-learn 1.9.1', () => {
  // GaussianProcessRegressor(ConstantKernel(1.69) * Matern([0.4, 0.8, 1.5], nu=2.5)
  //   + ConstantKernel(1, 'fixed') + WhiteKernel(0.04), alpha=0, optimizer=None)
  // fitted to z = (y - mean(y)) / std(y, ddof=1); predictions scaled back, white noise taken out.
  it('predicts the same', () => {
    const process = fitGaussianProcess({ x, y }, createRandom(1), { fixed });
    const reference: [number[], number, number][] = [
      [[0.1, 0.2, 0.3], 0.265409647, 0.17293428],
      [[0.5, 0.5, 0.5], 1.161855327, 0.433862404],
      [[2, 2, 2], 0.310325999, 1.16660566],
      [[0.9, 0.1, 0.4], -0.449473416, 0.500865617],
    ];
    for (const [point, mean, sd] of reference) {
      expect(process.predict(point).mean).toBeCloseTo(mean, 8);
      // Widened on purpose, for hyper-parameters that are only estimated.
      expect(process.predict(point).sd).toBeCloseTo(sd * Math.sqrt(1 + 6 / 12), 8);
    }
  });

  it('has the same marginal likelihood and gradient', () => {
    const mean = y.reduce((sum, value) => sum + value) / y.length;
    const sd = Math.sqrt(y.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (y.length - 1));
    const sites = gatherSites({ x, y: y.map((value) => (value - mean) / sd) });
    const logs = Float64Array.from([0.4, 0.8, 1.5, 1.3 ** 2, 0.2 ** 2], Math.log);
    const { value, gradient } = logMarginalLikelihood(pairsOf(x), sites, logs);
    expect(value).toBeCloseTo(-8.318210362179734, 10);
    const reference = [
      1.2072533453258325, 1.0391023231000234, 1.131983280823228, -1.1381385165157738,
      -1.2251085594809128,
    ];
    reference.forEach((slope, i) => {
      expect(gradient[i]).toBeCloseTo(slope, 10);
    });
  });
});

describe('fitGaussianProcess', () => {
  it('goes through observations without noise, and is less sure the farther away', () => {
    const data = observe(25, 1, 0);
    const process = fitGaussianProcess(data, createRandom(1));
    data.x.forEach((point, i) => {
      expect(Math.abs(process.predict(point).mean - data.y[i]!)).toBeLessThan(0.01);
    });
    const from = data.x[0]!;
    const sds = [0, 0.5, 1, 2, 4].map((far) => process.predict(from.map((v) => v + far)).sd);
    expect(sds).toEqual([...sds].sort((a, b) => a - b));
    expect(sds[0]).toBeLessThan(0.1 * sds[4]!);
    expect(sds[4]).toBeLessThanOrEqual(process.priorSd);
  });

  it('learns noise, and which inputs count', () => {
    const process = fitGaussianProcess(observe(60, 2, 0.1), createRandom(1));
    expect(process.noise).toBeGreaterThan(0.07);
    expect(process.noise).toBeLessThan(0.14);
    const [first, , , idle] = process.hyperparameters.lengths;
    expect(idle).toBeGreaterThan(2 * first!);
  });

  it('is as sure as it may be: 90 % intervals hold about 90 % of true values', () => {
    let held = 0;
    let all = 0;
    for (let seed = 0; seed < 12; seed += 1) {
      const process = fitGaussianProcess(observe(25, 100 + seed, 0.1), createRandom(seed));
      for (const point of observe(40, 200 + seed, 0).x) {
        const { mean, sd } = process.predict(point);
        if (Math.abs(smooth(point) - mean) < 1.645 * sd) held += 1;
        all += 1;
      }
    }
    expect(held / all).toBeGreaterThan(0.84);
    expect(held / all).toBeLessThan(0.98);
  });

  it('does not go mad on one to three observations', () => {
    const points = [
      [0.5, 0.5],
      [0.55, 0.5],
      [0.5, 0.6],
    ];
    const values = [3, 3.1, 2.9];
    for (let count = 1; count <= 3; count += 1) {
      const process = fitGaussianProcess(
        { x: points.slice(0, count), y: values.slice(0, count) },
        createRandom(1),
        { spread: 0.3 },
      );
      const [near, far] = [process.predict([0.5, 0.5]), process.predict([0, 1])];
      expect(Math.abs(near.mean - 3)).toBeLessThan(0.1);
      expect(Math.abs(far.mean - 3)).toBeLessThan(0.3);
      expect(far.sd).toBeGreaterThan(0.15);
      expect(far.sd).toBeLessThan(3);
      expect(process.noise).toBeGreaterThan(0.001);
    }
  });

  it('takes values that do not differ for what they are', () => {
    const process = fitGaussianProcess(
      { x: [[0.1], [0.5], [0.5]], y: [0, 0, 0] },
      createRandom(1),
      { spread: 0.01 },
    );
    expect(process.predict([0.9]).mean).toBe(0);
    expect(process.predict([0.9]).sd).toBeGreaterThan(0);
    expect(process.predict([0.9]).sd).toBeLessThan(0.05);
  });

  it('falls back on what was expected where nothing was measured', () => {
    const expected = ([a = 0]: readonly number[]): number => 10 * a;
    const data = { x: [[0.1], [0.2], [0.3]], y: [6.1, 6.9, 8.0] };
    const process = fitGaussianProcess(data, createRandom(1), { mean: expected });
    // The constant between them, 5, is learned.
    expect(process.predict([0.9]).mean).toBeCloseTo(14, 0);
    expect(fitGaussianProcess(data, createRandom(1)).predict([0.9]).mean).toBeLessThan(11);
  });

  it('takes hyper-parameters of a former fit as start and ends as probable', () => {
    const data = observe(40, 3, 0.1);
    const cold = fitGaussianProcess(data, createRandom(1));
    const start = fitGaussianProcess(
      { x: data.x.slice(0, 39), y: data.y.slice(0, 39) },
      createRandom(1),
    ).hyperparameters;
    const warm = fitGaussianProcess(data, createRandom(1), { start });
    expect(warm.logMarginalLikelihood).toBeGreaterThan(cold.logMarginalLikelihood - 0.5);
  });

  it('foretells each configuration from the others', () => {
    const data = observe(12, 4, 0.1);
    const options = { fixed: { ...fixed, lengths: [0.4, 0.8, 1.5, 2] } };
    const left = fitGaussianProcess(data, createRandom(1), options).leaveOneOut();
    const others = { x: data.x.slice(1), y: data.y.slice(1) };
    const without = fitGaussianProcess(others, createRandom(1), options).predict(data.x[0]!);
    // Not the same to the last digit: middle and scale were taken with it.
    expect(left[0]!.mean).toBeCloseTo(without.mean, 1);
    expect(left[0]!.sd).toBeCloseTo(without.sd, 1);
  });

  it('rests on 100 configurations of more, and says so', () => {
    const data = observe(130, 5, 0.1);
    const process = fitGaussianProcess(data, createRandom(1), {
      fixed: { ...fixed, lengths: [0.4, 0.8, 1.5, 2] },
    });
    expect(process.thinned).toEqual({ kept: 100, of: 130 });
    expect(process.leaveOneOut()).toHaveLength(100);
  });

  it('gives the same for the same seed', () => {
    const data = observe(15, 6, 0.1);
    const [one, other] = [7, 7].map((seed) => fitGaussianProcess(data, createRandom(seed)));
    expect(one!.hyperparameters).toEqual(other!.hyperparameters);
  });

  it('refuses what it cannot learn from, and says which', () => {
    const fit =
      (data: CriticData, options = {}) =>
      () =>
        fitGaussianProcess(data, createRandom(1), options);
    expect(fit({ x: [], y: [] })).toThrow('at least one observation');
    expect(fit({ x: [[1]], y: [1, 2] })).toThrow('1 configurations, 2 values');
    expect(fit({ x: [[1], [1, 2]], y: [1, 2] })).toThrow('configuration 1 has 2 inputs');
    expect(fit({ x: [[1], [NaN]], y: [1, 2] })).toThrow('configuration 1 has NaN as input 0');
    expect(fit({ x: [[1], [2]], y: [1, Infinity] })).toThrow('value 1 is Infinity');
    expect(fit({ x: [[1]], y: [1], weight: [0] })).toThrow('weight 0 is 0');
    expect(fit({ x: [[1]], y: [1] }, { spread: 0 })).toThrow('spread is 0');
    expect(fit({ x: [[1]], y: [1] }, { mean: () => NaN })).toThrow(
      'configuration 0 is not a number',
    );
    expect(fit({ x: [[1]], y: [1] }, { start: fixed })).toThrow('of 3 inputs do not fit 1');
    expect(() => fit({ x: [[1]], y: [1] })().predict([NaN])).toThrow('NaN as input 0');
  });
});
