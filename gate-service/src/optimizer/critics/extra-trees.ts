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
  checkSpread,
  type Critic,
  type CriticData,
  type Prediction,
} from './critic.ts';
import { at } from './dense.ts';
import { gatherSites, levelOf, subtract, type Sites } from './sites.ts';
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
  /**
   * For each distinct configuration, in order of its first observation: foretold by the trees whose
   * sample it is not in (about a third of them).
   */
  leaveOneOut(): readonly Prediction[];
}

interface Spread {
  readonly mean: number;
  /** Between trees. */
  readonly between: number;
  /** Mean of the variance in leaves. */
  readonly within: number;
}

/** Configurations that the spread of all of them counts for at each. */
const UNSEEN = 2;
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
  if (data.x.length === 0) throw new RangeError('a critic learns from at least one observation');
  const { mean: expected = () => 0, spread, trees: count = 100, leaf = 2 } = options;
  checkSpread(spread);
  const width = data.x[0]?.length ?? 0;
  // Samples are drawn of configurations: one that was measured twice would never be unseen else.
  const sites = gatherSites(subtract(data, expected));
  const size = sites.x.length;
  const columns = Array.from({ length: width }, (_, input) =>
    Float64Array.from(sites.x, (row) => at(row, input)),
  );
  // What no tree can know: that few configurations do not show how much there is to see.
  const unknown = (UNSEEN * levelOf(sites, spread).spread ** 2) / (size + UNSEEN);

  const outOfBag: Tree[][] = sites.x.map(() => []);
  const trees = Array.from({ length: count }, () => {
    const counts = new Float64Array(size);
    for (let i = 0; i < size; i += 1) {
      const row = drawInteger(random, size);
      counts[row] = at(counts, row) + at(sites.precision, row);
    }
    const tree = growTree({ columns, y: sites.mean, counts }, leaf, random);
    counts.forEach((drawn, row) => {
      if (drawn === 0) outOfBag[row]?.push(tree);
    });
    return tree;
  });

  // A single configuration is in every sample: then there is nobody else to ask.
  const unseen = sites.x.map((row, i) => {
    const others = outOfBag[i] ?? [];
    return spreadOf(others.length > 0 ? others : trees, row);
  });
  const noise2 = noiseVariance(sites, unseen);
  const widened = widening(sites, unseen, noise2);
  const predictionOf = (x: readonly number[], found: Spread): Prediction => ({
    mean: expected(x) + found.mean,
    sd: Math.sqrt(latent(found, noise2) * widened ** 2 + unknown),
  });

  return {
    noise: Math.sqrt(noise2),
    widened,
    predict(x) {
      checkInput(x, width);
      return predictionOf(x, spreadOf(trees, x));
    },
    leaveOneOut: () => unseen.map((found, i) => predictionOf(sites.x[i] ?? [], found)),
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

/** What is left of the variance at a configuration without the noise of observations. */
function latent({ between, within }: Spread, noise2: number): number {
  return between + Math.max(0, within - noise2);
}

/**
 * From repeats of the same configuration; what these do not tell, from the scatter in leaves. Pooled
 * as logarithms, or the height of a cliff in a leaf would outweigh any number of repeats.
 */
function noiseVariance(sites: Sites, unseen: readonly Spread[]): number {
  const repeats = sites.observations - sites.x.length;
  const inLeaves = unseen.reduce((sum, { within }) => sum + within, 0) / unseen.length;
  if (repeats === 0 || !(sites.scatter > 0)) return inLeaves;
  const fromRepeats = sites.scatter / repeats;
  if (!(inLeaves > 0)) return fromRepeats;
  const pooled = repeats * Math.log(fromRepeats) + LEAVES_COUNT * Math.log(inLeaves);
  return Math.exp(pooled / (repeats + LEAVES_COUNT));
}

/** So that squared errors out of the bag are, in the mean, what spread and noise foretell. */
function widening(sites: Sites, unseen: readonly Spread[], noise2: number): number {
  let missed = 0;
  let foretold = 0;
  unseen.forEach((found, i) => {
    missed += (at(sites.mean, i) - found.mean) ** 2 - noise2 / at(sites.precision, i);
    foretold += latent(found, noise2);
  });
  if (!(foretold > 0)) return 1;
  return Math.min(Math.max(1, Math.sqrt(Math.max(0, missed) / foretold)), MOST_WIDENED);
}
