/**
 * Bagged extremely randomised trees (Geurts, Ernst & Wehenkel 2006): follow a cliff that a smooth
 * process blurs. Spread by the law of total variance, between trees and within leaves (Hutter, Xu,
 * Hoos & Leyton-Brown 2014, §4.3.2), then widened until it covers the errors on observations that a
 * tree has not seen. Away from data trees go on as at the border, and so does their spread.
 */
import { drawInteger, type Random } from '../../statistics/random.ts';
import {
  checkCriticData,
  checkInput,
  type Critic,
  type CriticData,
  type Prediction,
} from './critic.ts';
import { at } from './dense.ts';
import { gatherSites } from './sites.ts';
import { growTree, leafOf, type Tree } from './tree.ts';

export interface ExtraTreesOptions {
  /** What is expected of a configuration before anything is measured, in units of y. */
  readonly mean?: (x: readonly number[]) => number;
  /** Standard deviation of y that is expected beforehand; it counts as much as two observations. */
  readonly spread?: number;
  /** Default 100. */
  readonly trees?: number;
  /** Fewest observations in a leaf. Default 2. */
  readonly leaf?: number;
}

export interface ExtraTrees extends Critic {
  /** What the spread of the trees was multiplied by to cover errors out of the bag, 1–3. */
  readonly widened: number;
}

interface Spread {
  readonly mean: number;
  /** Between trees. */
  readonly between: number;
  /** Mean of the variance in leaves. */
  readonly within: number;
}

const SPREAD_COUNTS = 2;
/** Scatter in leaves counts as this many repeats when noise is estimated: function is in it, too. */
const LEAVES_COUNT = 2;
const MOST_WIDENED = 3;

/** @throws RangeError without data, or with data that nothing can be learned from */
export function fitExtraTrees(
  data: CriticData,
  random: Random,
  options: ExtraTreesOptions = {},
): ExtraTrees {
  checkCriticData(data);
  const size = data.x.length;
  if (size === 0) throw new RangeError('a critic learns from at least one observation');
  const { mean: expected = () => 0, spread = 0, trees: count = 100, leaf = 2 } = options;
  const width = data.x[0]?.length ?? 0;
  const y = Float64Array.from(data.y, (value, i) => value - expected(data.x[i] ?? []));
  const columns = Array.from({ length: width }, (_, input) =>
    Float64Array.from(data.x, (row) => at(row, input)),
  );
  const unknown = (spread ** 2 * SPREAD_COUNTS) / (size + SPREAD_COUNTS);

  const outOfBag: Tree[][] = data.x.map(() => []);
  const trees = Array.from({ length: count }, () => {
    const counts = new Float64Array(size);
    for (let i = 0; i < size; i += 1) {
      const row = drawInteger(random, size);
      counts[row] = at(counts, row) + 1 / (data.weight?.[row] ?? 1);
    }
    const tree = growTree({ columns, y, counts }, leaf, random);
    counts.forEach((drawn, row) => {
      if (drawn === 0) outOfBag[row]?.push(tree);
    });
    return tree;
  });

  const unseen = data.x.map((row, i) => spreadOf(outOfBag[i] ?? [], row));
  const noise2 = noiseVariance(data, y, unseen);
  const latent = ({ between, within }: Spread): number => between + Math.max(0, within - noise2);
  const widened = widening(
    data,
    y,
    unseen.map((one) => ({ ...one, latent: latent(one) })),
    noise2,
  );

  return {
    noise: Math.sqrt(noise2),
    widened,
    predict(x: readonly number[]): Prediction {
      checkInput(x, width);
      const spreadHere = spreadOf(trees, x);
      return {
        mean: expected(x) + spreadHere.mean,
        sd: Math.sqrt(latent(spreadHere) * widened ** 2 + unknown),
      };
    },
  };
}

function spreadOf(trees: readonly Tree[], x: readonly number[]): Spread {
  let sum = 0;
  let squares = 0;
  let within = 0;
  for (const tree of trees) {
    const leaf = leafOf(tree, x);
    const mean = at(tree.mean, leaf);
    sum += mean;
    squares += mean * mean;
    within += at(tree.variance, leaf);
  }
  const count = trees.length;
  const mean = sum / count;
  return { mean, between: Math.max(0, squares / count - mean * mean), within: within / count };
}

/** From repeats of the same configuration; what these do not tell, from the scatter in leaves. */
function noiseVariance(data: CriticData, y: Float64Array, unseen: readonly Spread[]): number {
  const sites = gatherSites({ ...data, y: [...y] });
  const repeats = sites.observations - sites.x.length;
  const leaves = unseen.filter(({ within }) => Number.isFinite(within));
  const inLeaves = leaves.reduce((sum, { within }) => sum + within, 0) / Math.max(1, leaves.length);
  return (sites.scatter + LEAVES_COUNT * inLeaves) / (repeats + LEAVES_COUNT);
}

/** So that squared errors out of the bag are, in the mean, what spread and noise foretell. */
function widening(
  { weight }: CriticData,
  y: Float64Array,
  unseen: readonly { mean: number; latent: number }[],
  noise2: number,
): number {
  let missed = 0;
  let foretold = 0;
  unseen.forEach(({ mean, latent }, i) => {
    if (!Number.isFinite(mean)) return;
    missed += (at(y, i) - mean) ** 2 - noise2 * (weight?.[i] ?? 1);
    foretold += latent;
  });
  if (!(foretold > 0)) return 1;
  return Math.min(Math.max(1, Math.sqrt(Math.max(0, missed) / foretold)), MOST_WIDENED);
}
