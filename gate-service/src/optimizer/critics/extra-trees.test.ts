import { describe, expect, it } from 'vitest';
import { createRandom } from '../../statistics/random.ts';
import type { CriticData } from './critic.ts';
import { fitExtraTrees } from './extra-trees.ts';
import { drawNormal } from './normal.ts';
import { rankCorrelation } from './rank-correlation.ts';

/** Two cliffs of three inputs, flat between them. */
function cliffs([a = 0, b = 0]: readonly number[]): number {
  return (a > 0.6 ? 2 : 0) + (b < 0.3 ? 1 : 0);
}

function observe(count: number, seed: number, noise: number): CriticData {
  const random = createRandom(seed, 'observations');
  const x = Array.from({ length: count }, () => Array.from({ length: 3 }, () => random.next()));
  return { x, y: x.map((point) => cliffs(point) + noise * drawNormal(random)) };
}

describe('fitExtraTrees', () => {
  it('orders a function with cliffs far better than chance', () => {
    const fresh = observe(200, 2, 0);
    const trees = fitExtraTrees(observe(40, 1, 0.1), createRandom(1));
    const foretold = fresh.x.map((point) => trees.predict(point).mean);
    expect(rankCorrelation(foretold, fresh.y)).toBeGreaterThan(0.7);
  });

  it('is sure on a plateau and in doubt at a cliff', () => {
    const trees = fitExtraTrees(observe(60, 3, 0.05), createRandom(1));
    expect(trees.predict([0.61, 0.7, 0.5]).sd).toBeGreaterThan(
      2 * trees.predict([0.2, 0.7, 0.5]).sd,
    );
  });

  it('has 90 % intervals that hold about as many true values', () => {
    let held = 0;
    let all = 0;
    for (let seed = 0; seed < 10; seed += 1) {
      const trees = fitExtraTrees(observe(30, 10 + seed, 0.1), createRandom(seed));
      for (const point of observe(40, 30 + seed, 0).x) {
        const { mean, sd } = trees.predict(point);
        if (Math.abs(cliffs(point) - mean) < 1.645 * sd) held += 1;
        all += 1;
      }
    }
    expect(held / all).toBeGreaterThan(0.8);
  });

  it('widens its spread until it covers what it got wrong unseen', () => {
    // Up and down from point to point: what is left out is always foretold from its opposites.
    const x = Array.from({ length: 16 }, (_, i) => [i / 15]);
    const y = x.map((_, i) => (i % 2 === 0 ? 1 : -1));
    const trees = fitExtraTrees({ x, y }, createRandom(1), { leaf: 1 });
    expect(trees.widened).toBeGreaterThan(1.1);
    const left = trees.leaveOneOut();
    const missed = left.reduce((sum, { mean }, i) => sum + (y[i]! - mean) ** 2, 0);
    const foretold = left.reduce((sum, { sd }) => sum + sd ** 2 + trees.noise ** 2, 0);
    expect(foretold).toBeGreaterThan(0.95 * missed);
  });

  it('does not give a single observation a leaf of its own', () => {
    const x = Array.from({ length: 12 }, (_, i) => [i / 11]);
    const y = x.map((_, i) => (i === 11 ? 10 : 0));
    const at = (leaf: number): number =>
      fitExtraTrees({ x, y }, createRandom(1), { leaf }).predict([1]).mean;
    expect(at(1)).toBeGreaterThan(5.5);
    expect(at(2)).toBeLessThan(3);
  });

  it('tells noise by repeats', () => {
    const random = createRandom(4);
    const x = Array.from({ length: 40 }, (_, i) => [(i % 5) / 4]);
    const y = x.map(([a]) => 5 * a! + 0.2 * drawNormal(random));
    expect(fitExtraTrees({ x, y }, createRandom(1)).noise).toBeGreaterThan(0.13);
    expect(fitExtraTrees({ x, y }, createRandom(1)).noise).toBeLessThan(0.4);
  });

  it('foretells a configuration without its own repeats', () => {
    const x = [...Array.from({ length: 12 }, (_, i) => [i / 11]), [0.5], [0.5], [0.5]];
    const y = x.map(([a]) => (a === 0.5 ? 100 : 0));
    const trees = fitExtraTrees({ x, y }, createRandom(1));
    expect(trees.leaveOneOut()[12]!.mean).toBe(0);
    expect(trees.predict([0.5]).mean).toBeGreaterThan(20);
  });

  it('is in doubt where little was measured, also of one value', () => {
    const { mean, sd } = fitExtraTrees({ x: [[0.5]], y: [3] }, createRandom(1)).predict([0.5]);
    expect(mean).toBe(3);
    expect(sd).toBeGreaterThan(0.5);
    const expected = fitExtraTrees({ x: [[0.5]], y: [3] }, createRandom(1), { spread: 0.1 });
    expect(expected.predict([0.5]).sd).toBeLessThan(0.2);
  });

  it('gives the same for the same seed, and refuses what it cannot learn from', () => {
    const data = observe(20, 5, 0.1);
    const [one, other] = [7, 7].map((seed) => fitExtraTrees(data, createRandom(seed)));
    expect(one!.predict([0.5, 0.5, 0.5])).toEqual(other!.predict([0.5, 0.5, 0.5]));
    expect(() => fitExtraTrees({ x: [], y: [] }, createRandom(1))).toThrow('at least one');
    expect(() => one!.predict([0.5])).toThrow('1 inputs');
  });
});
