/**
 * What has been learnt of one measure as a function of the encoded configuration: its expected
 * value and how sure that is. One critic a measure: latency and errors are never mixed.
 */

export interface Prediction {
  readonly mean: number;
  /** Standard deviation of the latent value, without the noise of an observation. */
  readonly sd: number;
}

export interface Critic {
  /** @throws RangeError when `x` has another length than the data had, or a value that is not finite */
  predict(x: readonly number[]): Prediction;
  /** Standard deviation of one observation around the latent value, in units of y. */
  readonly noise: number;
}

/** Observations in the order in which they were made. */
export interface CriticData {
  /** Encoded configurations, all of one length; numbers in the unit interval. */
  readonly x: readonly (readonly number[])[];
  /** Measured values, finite. Logarithms where the measure is a latency or a rate. */
  readonly y: readonly number[];
  /** Multiplies the noise variance of each observation; default 1: twice as sure is 0.5. */
  readonly weight?: readonly number[];
}

/** @throws RangeError that names the observation which no critic can learn from */
export function checkCriticData({ x, y, weight }: CriticData): void {
  if (x.length !== y.length || (weight !== undefined && weight.length !== y.length)) {
    throw new RangeError(
      `${x.length} configurations, ${y.length} values and ${weight?.length ?? y.length} weights; there must be as many of each`,
    );
  }
  const width = x[0]?.length ?? 0;
  x.forEach((row, at) => {
    checkInput(row, width, `configuration ${at}`);
  });
  y.forEach((value, at) => {
    if (!Number.isFinite(value)) throw new RangeError(`value ${at} is ${value}, not a number`);
  });
  weight?.forEach((value, at) => {
    if (!(value > 0 && Number.isFinite(value))) {
      throw new RangeError(`weight ${at} is ${value}; a weight is above 0 and finite`);
    }
  });
}

/** @throws RangeError when `x` is not `width` finite numbers */
export function checkInput(x: readonly number[], width: number, name = 'the configuration'): void {
  if (x.length !== width) {
    throw new RangeError(`${name} has ${x.length} inputs, the first one has ${width}`);
  }
  const odd = x.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0) throw new RangeError(`${name} has ${x[odd]} as input ${odd}, not a number`);
}

/** @throws RangeError when an expected spread is not above 0 and finite */
export function checkSpread(spread: number | undefined): void {
  if (spread !== undefined && !(spread > 0 && Number.isFinite(spread))) {
    throw new RangeError(`the expected spread is ${spread}; it must be above 0 and finite`);
  }
}
