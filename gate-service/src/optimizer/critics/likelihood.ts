/** Matérn-5/2 covariance with one length per input, and the marginal likelihood with its gradient. */
import { at, dot, factorise, inverse, logDeterminant, solve, type Factor } from './dense.ts';
import type { LogHyperparameters } from './hyperparameters.ts';
import type { Evaluated } from './minimise.ts';
import type { Sites } from './sites.ts';

/** The level around which the function varies is not known either; of standardised values. */
export const CONSTANT_VARIANCE = 1;

const ROOT_FIVE = Math.sqrt(5);

/** Correlation at a scaled distance (Rasmussen & Williams 2006, eq. 4.17). */
export function matern(distance: number): number {
  const scaled = ROOT_FIVE * distance;
  return (1 + scaled + (scaled * scaled) / 3) * Math.exp(-scaled);
}

/** What a fit looks up again and again: squared differences of all pairs of sites, input by input. */
export interface Pairs {
  readonly size: number;
  readonly inputs: number;
  /** Row i holds pairs (i, 0) … (i, i − 1); one stretch of all pairs per input. */
  readonly squares: Float64Array;
}

export function pairsOf(x: readonly (readonly number[])[]): Pairs {
  const size = x.length;
  const inputs = x[0]?.length ?? 0;
  const count = (size * (size - 1)) / 2;
  const squares = new Float64Array(inputs * count);
  for (let input = 0; input < inputs; input += 1) {
    const column = Float64Array.from(x, (row) => at(row, input));
    let pair = input * count;
    for (let i = 0; i < size; i += 1) {
      for (let j = 0; j < i; j += 1) {
        squares[pair] = (at(column, i) - at(column, j)) ** 2;
        pair += 1;
      }
    }
  }
  return { size, inputs, squares };
}

/** Squared scaled distances of all pairs. */
function distances({ size, inputs, squares }: Pairs, logs: LogHyperparameters): Float64Array {
  const count = (size * (size - 1)) / 2;
  const sum = new Float64Array(count);
  for (let input = 0; input < inputs; input += 1) {
    const scale = Math.exp(-2 * at(logs, input));
    const from = input * count;
    for (let pair = 0; pair < count; pair += 1) {
      sum[pair] = at(sum, pair) + scale * at(squares, from + pair);
    }
  }
  return sum;
}

/** Lower triangle of the covariance of site means, noise included. */
function covariance(
  squared: Float64Array,
  precision: Float64Array,
  signal2: number,
  noise2: number,
): Float64Array {
  const size = precision.length;
  const matrix = new Float64Array(size * size);
  let pair = 0;
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j < i; j += 1) {
      matrix[i * size + j] = CONSTANT_VARIANCE + signal2 * matern(Math.sqrt(at(squared, pair)));
      pair += 1;
    }
    matrix[i * size + i] = CONSTANT_VARIANCE + signal2 + noise2 / at(precision, i);
  }
  return matrix;
}

export interface Conditioned {
  readonly factor: Factor;
  /** Covariance⁻¹ · site means. */
  readonly alpha: Float64Array;
}

/** The process given the sites; site means are of zero prior mean. */
export function condition(pairs: Pairs, sites: Sites, logs: LogHyperparameters): Conditioned {
  const { signal2, noise2 } = variances(logs);
  const matrix = covariance(distances(pairs, logs), sites.precision, signal2, noise2);
  const factor = factorise(matrix, pairs.size);
  return { factor, alpha: solve(factor, sites.mean) };
}

function variances(logs: LogHyperparameters): { signal2: number; noise2: number } {
  return {
    signal2: Math.exp(at(logs, logs.length - 2)),
    noise2: Math.exp(at(logs, logs.length - 1)),
  };
}

/**
 * ln p(y | hyper-parameters) of all observations, repeats included, with its gradient by the
 * logarithms (Rasmussen & Williams 2006, eq. 5.8–5.9).
 */
export function logMarginalLikelihood(
  pairs: Pairs,
  sites: Sites,
  logs: LogHyperparameters,
): Evaluated {
  const { size, inputs, squares } = pairs;
  const { signal2, noise2 } = variances(logs);
  const squared = distances(pairs, logs);
  const factor = factorise(covariance(squared, sites.precision, signal2, noise2), size);
  const alpha = solve(factor, sites.mean);
  const repeats = sites.observations - size;
  const value =
    -0.5 *
    (dot(sites.mean, alpha) +
      logDeterminant(factor) +
      sites.observations * Math.log(2 * Math.PI) +
      repeats * Math.log(noise2) +
      sites.logWeights +
      sites.scatter / noise2);

  // ½ tr((ααᵀ − K⁻¹) ∂K): off the diagonal both triangles, so without the ½.
  const inverted = inverse(factor);
  const gradient = new Float64Array(inputs + 2);
  const slopes = new Float64Array((size * (size - 1)) / 2);
  let bySignal = 0;
  let byNoise = -0.5 * (repeats - sites.scatter / noise2);
  let pair = 0;
  for (let i = 0; i < size; i += 1) {
    const row = i * size;
    const alphaI = at(alpha, i);
    for (let j = 0; j < i; j += 1) {
      const pull = alphaI * at(alpha, j) - at(inverted, row + j);
      const scaled = ROOT_FIVE * Math.sqrt(at(squared, pair));
      const decay = pull * signal2 * Math.exp(-scaled);
      bySignal += decay * (1 + scaled + (scaled * scaled) / 3);
      slopes[pair] = (decay * (1 + scaled) * 5) / 3;
      pair += 1;
    }
    const pull = (alphaI * alphaI - at(inverted, row + i)) / 2;
    bySignal += pull * signal2;
    byNoise += (pull * noise2) / at(sites.precision, i);
  }
  for (let input = 0; input < inputs; input += 1) {
    const from = input * slopes.length;
    let sum = 0;
    for (pair = 0; pair < slopes.length; pair += 1) {
      sum += at(slopes, pair) * at(squares, from + pair);
    }
    gradient[input] = sum * Math.exp(-2 * at(logs, input));
  }
  gradient[inputs] = bySignal;
  gradient[inputs + 1] = byNoise;
  return { value, gradient };
}
