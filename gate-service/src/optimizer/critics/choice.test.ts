import { describe, expect, it } from 'vitest';
import { createRandom } from '../../statistics/random.ts';
import { chooseCritic } from './choice.ts';
import type { CriticData } from './critic.ts';
import { fitGaussianProcess } from './gaussian-process.ts';
import { drawNormal } from './normal.ts';

type Target = (x: readonly number[]) => number;

function observe(of: Target, count: number, inputs: number, seed: number): CriticData {
  const random = createRandom(seed, 'observations');
  const x = Array.from({ length: count }, () =>
    Array.from({ length: inputs }, () => random.next()),
  );
  return { x, y: x.map((point) => of(point) + 0.05 * drawNormal(random)) };
}

const slope: Target = ([a = 0, b = 0, c = 0]) => 2 * a - b + Math.sin(3 * c);
/** A gentle slope that ends at an abyss of changing depth, among inputs that mean nothing. */
const abyss: Target = ([a = 0, b = 0]) => (a < 0.9 ? a : 60 * b);

describe('chooseCritic', () => {
  it('takes the process where the function is smooth', () => {
    const data = observe(slope, 30, 3, 1);
    const chosen = chooseCritic(data, createRandom(1));
    expect(chosen.kind).toBe('gaussian-process');
    expect(chosen.rankCorrelation).toBeGreaterThan(0.8);
    expect(chosen.rankCorrelation).toBe(chosen.rankCorrelations['gaussian-process']);
    const alone = fitGaussianProcess(data, createRandom(1));
    expect(chosen.predict([0.5, 0.5, 0.5])).toEqual(alone.predict([0.5, 0.5, 0.5]));
  });

  it('takes trees where they order better by more than luck', () => {
    const all = [1, 2, 3, 4, 5, 6].map((seed) =>
      chooseCritic(observe(abyss, 30, 12, seed), createRandom(seed), { restarts: 0 }),
    );
    for (const { kind, rankCorrelations, rankCorrelation } of all) {
      const lead = rankCorrelations.trees - rankCorrelations['gaussian-process'];
      expect(kind).toBe(lead > 0.5 / Math.sqrt(30) ? 'trees' : 'gaussian-process');
      expect(rankCorrelation).toBe(rankCorrelations[kind]);
    }
    expect(all.map(({ kind }) => kind)).toContain('trees');
  });

  it('stays with the process as long as there is too little to compare', () => {
    const chosen = chooseCritic(observe(abyss, 7, 2, 3), createRandom(1));
    expect(chosen.kind).toBe('gaussian-process');
    expect(chosen.rankCorrelation).toBe(0);
  });

  it('compares on the latest configurations only, and says when it left some out', () => {
    const fixed = { lengths: [0.5, 0.5], signal: 1, noise: 0.1 };
    const noise: Target = ([, b = 0]) => Math.sin(1e6 * b);
    const old = observe(noise, 80, 2, 4);
    const recent = observe((x) => 5 * slope(x), 40, 2, 5);
    const { thinned, rankCorrelation } = chooseCritic(
      { x: [...old.x, ...recent.x], y: [...old.y, ...recent.y] },
      createRandom(1),
      { fixed },
    );
    expect(thinned).toEqual({ kept: 100, of: 120 });
    expect(rankCorrelation).toBeGreaterThan(0.8);
  });
});
