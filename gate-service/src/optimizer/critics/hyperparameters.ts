/**
 * Hyper-parameters of a Gaussian process, of standardised values, and what is believed of them
 * before anything is measured. The beliefs are weak; they are there so that three observations do
 * not end in a process that is certain of everything or of nothing.
 */
import type { Random } from '../../statistics/random.ts';
import { at } from './dense.ts';
import { drawNormal } from './normal.ts';

export interface Hyperparameters {
  /** Per input: the distance over which the value changes much. */
  readonly lengths: readonly number[];
  /** Standard deviation of the latent function. */
  readonly signal: number;
  /** Standard deviation of one observation of weight 1. */
  readonly noise: number;
}

interface Belief {
  /** Of the natural logarithm. */
  readonly mean: number;
  readonly sd: number;
  readonly low: number;
  readonly high: number;
}

/** Logarithms of lengths, signal² and noise², in this order. */
export type LogHyperparameters = Float64Array;

export interface Beliefs {
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly mean: Float64Array;
  readonly sd: Float64Array;
}

/**
 * Means were chosen by how well fits to 5–40 noisy observations around a start foretell its
 * surroundings (rank and coverage, four simulated functions): longer lengths, as for global designs,
 * left the process far too sure there. Lengths grow with √inputs, as distances in the unit cube do
 * (Hvarfner, Hellsten & Nardi 2024).
 */
const LENGTH: Belief = { mean: -1.4, sd: 0.9, low: Math.log(0.02), high: Math.log(100) };
const SIGNAL: Belief = { mean: 1.5, sd: 0.7, low: Math.log(0.01), high: Math.log(30) };
const NOISE: Belief = { mean: Math.log(0.05), sd: 1.5, low: Math.log(1e-8), high: Math.log(3) };

/** Logarithms of lengths, signal² and noise² by input, before anything is measured. */
export function beliefs(inputs: number): Beliefs {
  const length = { ...LENGTH, mean: LENGTH.mean + Math.log(inputs) / 2 };
  const all = [...Array.from({ length: inputs }, () => length), SIGNAL, NOISE];
  const column = (name: keyof Belief): Float64Array => Float64Array.from(all, (one) => one[name]);
  return { low: column('low'), high: column('high'), mean: column('mean'), sd: column('sd') };
}

/** @throws RangeError when they are of another number of inputs, or not all above 0 and finite */
export function toLogs(
  { lengths, signal, noise }: Hyperparameters,
  inputs: number,
): LogHyperparameters {
  const logs = Float64Array.from([...lengths, signal ** 2, noise ** 2], (value) => Math.log(value));
  if (lengths.length !== inputs || !logs.every(Number.isFinite)) {
    throw new RangeError(
      `hyper-parameters of ${lengths.length} inputs do not fit ${inputs}, or are not all above 0`,
    );
  }
  return logs;
}

export function fromLogs(logs: LogHyperparameters): Hyperparameters {
  const inputs = logs.length - 2;
  return {
    lengths: Array.from(logs.subarray(0, inputs), (value) => Math.exp(value)),
    signal: Math.exp(at(logs, inputs) / 2),
    noise: Math.exp(at(logs, inputs + 1) / 2),
  };
}

/** A draw from the beliefs, to start a climb from elsewhere. */
export function drawLogs({ mean, sd }: Beliefs, random: Random): LogHyperparameters {
  return mean.map((middle, i) => middle + at(sd, i) * drawNormal(random));
}
