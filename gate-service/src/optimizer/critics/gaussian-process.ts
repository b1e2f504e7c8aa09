/**
 * Gaussian process with a Matérn-5/2 covariance and a length per input (Rasmussen & Williams 2006;
 * Snoek, Larochelle & Adams 2012), noise learned, hyper-parameters at their most probable.
 */
import type { Random } from '../../statistics/random.ts';
import {
  checkCriticData,
  checkInput,
  checkSpread,
  type Critic,
  type CriticData,
  type Prediction,
} from './critic.ts';
import { at, dot, inverse, solveLower } from './dense.ts';
import {
  beliefs,
  drawLogs,
  fromLogs,
  toLogs,
  type Beliefs,
  type Hyperparameters,
  type LogHyperparameters,
} from './hyperparameters.ts';
import {
  CONSTANT_VARIANCE,
  condition,
  logMarginalLikelihood,
  matern,
  pairsOf,
  type Pairs,
} from './likelihood.ts';
import { minimise, type Evaluated } from './minimise.ts';
import { gatherSites, levelOf, pick, subtract, thin, type Sites } from './sites.ts';

/** Above this many distinct configurations a fit is thinned. */
export const MOST_SITES = 100;

export interface GaussianProcessOptions {
  /** What is expected of a configuration before anything is measured, in units of y; up to a constant, which is learned. */
  readonly mean?: (x: readonly number[]) => number;
  /**
   * Standard deviation of y over configurations that is expected before anything is measured; it
   * counts as much as two observations. Without it, values that are all the same get 1.
   */
  readonly spread?: number;
  /** Hyper-parameters of a former fit to start from: fewer steps, and no restarts. */
  readonly start?: Hyperparameters;
  /** Those of a former fit, used as they are: nothing is fitted. */
  readonly fixed?: Hyperparameters;
  /** Climbs from random starts besides the usual one. Default 1, with `start` 0. */
  readonly restarts?: number;
}

export interface GaussianProcess extends Critic {
  /** Of standardised values; `start` of the next fit. */
  readonly hyperparameters: Hyperparameters;
  /** Of the latent value where nothing is known, in units of y. */
  readonly priorSd: number;
  /** In units of y, the posterior of hyper-parameters left out. */
  readonly logMarginalLikelihood: number;
  /** Set when there were more than 100 distinct configurations: the observations that the fit rests on. */
  readonly thinned?: { readonly kept: number; readonly of: number };
  /** For each distinct configuration, in order of its first observation: foretold from all others. */
  leaveOneOut(): readonly Prediction[];
}

/**
 * The most probable hyper-parameters are too sure of themselves; the fewer configurations they rest
 * on, the more so. Variances grow by 1 + 6 ÷ configurations, as those of a Student-t process do
 * (Shah, Wilson & Ghahramani 2014): on local simulated data 90 % intervals then held 81, 84, 86 and
 * 89 % of true values after 5, 10, 20 and 40 observations, without it 64, 73, 80 and 86 %.
 */
const POINT_ESTIMATE_HIDES = 6;

/**
 * @throws RangeError without data, or with data that nothing can be learned from
 */
export function fitGaussianProcess(
  data: CriticData,
  random: Random,
  options: GaussianProcessOptions = {},
): GaussianProcess {
  checkCriticData(data);
  if (data.x.length === 0) throw new RangeError('a critic learns from at least one observation');
  const { mean: expected = () => 0, spread } = options;
  checkSpread(spread);
  const kept = thin(data.x, MOST_SITES);
  const raw = gatherSites(subtract(pick(data, kept), expected));
  const { sites, centre, scale } = standardise(raw, spread);
  const pairs = pairsOf(sites.x);
  const logs =
    options.fixed === undefined
      ? climb(pairs, sites, random, options)
      : toLogs(options.fixed, pairs.inputs);
  const { factor, alpha } = condition(pairs, sites, logs);
  const hyperparameters = fromLogs(logs);
  const { lengths, signal, noise } = hyperparameters;
  const prior = CONSTANT_VARIANCE + signal * signal;
  const sdScale = scale * Math.sqrt(1 + POINT_ESTIMATE_HIDES / sites.x.length);
  const reciprocal = Float64Array.from(lengths, (length) => 1 / length);
  const scaledRows = sites.x.map((row) =>
    Float64Array.from(row, (value, i) => value * at(reciprocal, i)),
  );

  function predict(x: readonly number[]): Prediction {
    checkInput(x, lengths.length);
    const covariances = new Float64Array(scaledRows.length);
    scaledRows.forEach((row, site) => {
      let sum = 0;
      for (let i = 0; i < row.length; i += 1) {
        const difference = at(row, i) - at(x, i) * at(reciprocal, i);
        sum += difference * difference;
      }
      covariances[site] = CONSTANT_VARIANCE + signal * signal * matern(Math.sqrt(sum));
    });
    const explained = solveLower(factor, covariances);
    const variance = Math.max(0, prior - dot(explained, explained));
    return {
      mean: expected(x) + centre + scale * dot(covariances, alpha),
      sd: sdScale * Math.sqrt(variance),
    };
  }

  function leaveOneOut(): Prediction[] {
    // Rasmussen & Williams 2006, eq. 5.12.
    const inverted = inverse(factor);
    return sites.x.map((row, i) => {
      const variance = 1 / at(inverted, i * sites.x.length + i);
      const latent = Math.max(0, variance - noise ** 2 / at(sites.precision, i));
      return {
        mean: expected(row) + centre + scale * (at(sites.mean, i) - at(alpha, i) * variance),
        sd: sdScale * Math.sqrt(latent),
      };
    });
  }

  return {
    predict,
    leaveOneOut,
    noise: scale * noise,
    priorSd: sdScale * Math.sqrt(prior),
    hyperparameters,
    logMarginalLikelihood:
      logMarginalLikelihood(pairs, sites, logs).value - sites.observations * Math.log(scale),
    ...(kept.length < data.x.length && { thinned: { kept: kept.length, of: data.x.length } }),
  };
}

function standardise(
  raw: Sites,
  expected: number | undefined,
): { sites: Sites; centre: number; scale: number } {
  const { centre, spread: scale } = levelOf(raw, expected);
  return {
    centre,
    scale,
    sites: {
      ...raw,
      mean: raw.mean.map((value) => (value - centre) / scale),
      scatter: raw.scatter / scale ** 2,
    },
  };
}

function climb(
  pairs: Pairs,
  sites: Sites,
  random: Random,
  { start, restarts = start === undefined ? 1 : 0 }: GaussianProcessOptions,
): LogHyperparameters {
  const belief = beliefs(pairs.inputs);
  const evaluate = (logs: LogHyperparameters): Evaluated => {
    const { value, gradient } = logMarginalLikelihood(pairs, sites, logs);
    return withBeliefs(value, gradient, logs, belief);
  };
  const starts = [start === undefined ? belief.mean : toLogs(start, pairs.inputs)];
  for (let i = 0; i < restarts; i += 1) starts.push(drawLogs(belief, random));
  return starts
    .map((from) => minimise(evaluate, from, belief))
    .reduce((best, one) => (one.value < best.value ? one : best)).point;
}

/** Minus the logarithm of the posterior of hyper-parameters, up to a constant. */
function withBeliefs(
  value: number,
  gradient: Float64Array,
  logs: LogHyperparameters,
  { mean, sd }: Beliefs,
): Evaluated {
  const off = logs.map((log, i) => (log - at(mean, i)) / at(sd, i));
  return {
    value: dot(off, off) / 2 - value,
    gradient: gradient.map((slope, i) => at(off, i) / at(sd, i) - slope),
  };
}
