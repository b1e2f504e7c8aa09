import { describe, expect, it } from 'vitest';
import { createRandom } from '../../statistics/random.ts';
import type { Critic, CriticData } from './critic.ts';
import { fitGaussianProcess } from './gaussian-process.ts';
import { drawNormal } from './normal.ts';
import { rankCorrelation } from './rank-correlation.ts';
import { transferEnsemble } from './transfer.ts';

type Target = (x: readonly number[]) => number;

const now: Target = ([a = 0, b = 0, c = 0, d = 0, e = 0]) =>
  2 * (a - 0.3) ** 2 + Math.abs(b - 0.6) + 0.5 * c * d - 0.4 * e;
/** The same service under more load: the best lies elsewhere, and all is slower. */
const alike: Target = ([a = 0, ...others]) => 3 + 1.3 * now([a - 0.1, ...others]);
const inverted: Target = (x) => -now(x);

function observe(of: Target, count: number, seed: number): CriticData {
  const random = createRandom(seed, 'observations');
  const x = Array.from({ length: count }, () => Array.from({ length: 5 }, () => random.next()));
  return { x, y: x.map((point) => of(point) + 0.08 * drawNormal(random)) };
}

const restarts = 0;
function critic(of: Target): Critic {
  return fitGaussianProcess(observe(of, 40, 50), createRandom(50), { restarts });
}
const pastNow = critic(now);
const pastAlike = critic(alike);
const pastInverted = critic(inverted);

const fresh = observe(now, 60, 99).x;
function quality({ predict }: Pick<Critic, 'predict'>): number {
  return rankCorrelation(
    fresh.map((x) => predict(x).mean),
    fresh.map(now),
  );
}

describe('transferEnsemble', () => {
  const own = observe(now, 10, 1);
  const alone = quality(transferEnsemble(own, [], createRandom(1)));

  it('orders better with a past that is alike', () => {
    const both = transferEnsemble(own, [{ critic: pastAlike, similarity: 0.8 }], createRandom(1));
    expect(both.dropped).toEqual([]);
    expect(quality(both)).toBeGreaterThan(alone + 0.1);
    expect(both.weights[0]! + both.ownWeight).toBeCloseTo(1, 12);
    // In units of now: the past's constant is learned away.
    expect(both.predict(own.x[0]!).mean).toBeLessThan(2);
  });

  it('drops an inverted past and says why', () => {
    const past = [
      { critic: pastInverted, similarity: 1 },
      { critic: pastAlike, similarity: 0.8 },
    ];
    const both = transferEnsemble(own, past, createRandom(1));
    expect(both.dropped).toEqual([
      {
        index: 0,
        reason: expect.stringMatching(/orders \d+ % of pairs wrongly: worse than chance/) as string,
      },
    ]);
    expect(both.weights[0]).toBe(0);
    expect(both.weights[1]).toBeGreaterThan(0.3);
    const poisoned = transferEnsemble(own, past.slice(0, 1), createRandom(1));
    expect(quality(poisoned)).toBeGreaterThan(alone - 0.1);
  });

  it('drops a past that knows less than what was measured since', () => {
    const much = observe(now, 30, 2);
    const random = createRandom(3);
    const guesses = new Map(much.x.map((x) => [x, random.next()]));
    const guessing: Critic = {
      predict: (x) => ({ mean: guesses.get([...x]) ?? x[4]!, sd: 1 }),
      noise: 1,
    };
    const { dropped } = transferEnsemble(
      much,
      [{ critic: guessing, similarity: 1 }],
      createRandom(1),
    );
    expect(dropped[0]?.reason).toMatch(/wrongly/);
  });

  it('does not listen to another kind of workload', () => {
    const { dropped, ownWeight } = transferEnsemble(
      own,
      [
        { critic: pastAlike, similarity: 0.01 },
        { critic: pastAlike, similarity: NaN },
      ],
      createRandom(1),
    );
    expect(dropped.map(({ reason }) => reason)).toEqual([
      'its workload is too different (similarity 0.01)',
      'its workload is too different (similarity NaN)',
    ]);
    expect(ownWeight).toBe(1);
  });

  it('drops a past that foretells no number', () => {
    const broken: Critic = { predict: () => ({ mean: NaN, sd: 1 }), noise: 1 };
    const two = { x: own.x.slice(0, 2), y: own.y.slice(0, 2) };
    const { dropped } = transferEnsemble(two, [{ critic: broken, similarity: 1 }], createRandom(1));
    expect(dropped).toEqual([{ index: 0, reason: 'what it foretells is no number' }]);
  });

  it('speaks from the past alone before anything is measured', () => {
    const none = { x: [], y: [] };
    const past = [
      { critic: { predict: () => ({ mean: 1, sd: 0.3 }), noise: 0.1 }, similarity: 0.6 },
      { critic: { predict: () => ({ mean: 3, sd: 0.3 }), noise: 0.2 }, similarity: 0.3 },
    ];
    const ensemble = transferEnsemble(none, past, createRandom(1));
    expect(ensemble.weights.map((weight) => weight.toFixed(3))).toEqual(['0.667', '0.333']);
    expect(ensemble.predict([0]).mean).toBeCloseTo(5 / 3, 10);
    // They contradict each other: surer than each alone it may not be.
    expect(ensemble.predict([0]).sd).toBeGreaterThan(0.9);
    expect(() => transferEnsemble(none, [], createRandom(1))).toThrow('neither');
    expect(() =>
      transferEnsemble(none, [{ critic: pastNow, similarity: 0 }], createRandom(1)),
    ).toThrow(/no past critic is of use.*too different/);
  });

  it('is less sure where past and present have not been', () => {
    const ensemble = transferEnsemble(own, [{ critic: pastAlike, similarity: 1 }], createRandom(1));
    const known = ensemble.predict(own.x[0]!).sd;
    expect(ensemble.predict([3, 3, 3, 3, 3]).sd).toBeGreaterThan(2 * known);
  });

  it('is less sure with a past that was not sure', () => {
    const far = [0, 1, 0, 1, 0];
    const sdWith = (sd: number): number => {
      const critic: Critic = { predict: (x) => ({ mean: now(x), sd }), noise: 0.1 };
      return transferEnsemble(own, [{ critic, similarity: 1 }], createRandom(1), {
        spread: 0.3,
      }).predict(far).sd;
    };
    expect(sdWith(1)).toBeGreaterThan(2 * sdWith(0.1));
  });

  it('gives the same for the same seed', () => {
    const past = [{ critic: pastAlike, similarity: 0.8 }];
    const [one, other] = [4, 4].map((seed) => transferEnsemble(own, past, createRandom(seed)));
    expect(one!.weights).toEqual(other!.weights);
    expect(one!.predict(fresh[0]!)).toEqual(other!.predict(fresh[0]!));
  });
});
