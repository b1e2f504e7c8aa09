/** Distribution functions, in the form that the tests and intervals of this room need (jstat inside). */
import jstat from 'jstat';

const { jStat } = jstat;

/** P(Z <= z) of the standard normal distribution. */
export function normalCdf(z: number): number {
  return jStat.normal.cdf(z, 0, 1);
}

/** The z with P(Z <= z) = p, for 0 < p < 1. */
export function normalQuantile(p: number): number {
  return jStat.normal.inv(p, 0, 1);
}

/** P(T >= t) of Student's distribution; exact in the far tail, where 1 − cdf would round to 0. */
export function studentUpperTail(t: number, degreesOfFreedom: number): number {
  if (t === Infinity) return 0;
  if (t === -Infinity) return 1;
  // P(|T| >= |t|) = I_x(df/2, 1/2) with x = df/(df + t²): no cancellation in the tail.
  const x = degreesOfFreedom / (degreesOfFreedom + t * t);
  const twoSided = regularisedBeta(x, degreesOfFreedom / 2, 0.5);
  return t >= 0 ? twoSided / 2 : 1 - twoSided / 2;
}

/** The t with P(T >= t) = level, for 0 < level < 1. */
export function studentUpperQuantile(level: number, degreesOfFreedom: number): number {
  return -jStat.studentt.inv(level, degreesOfFreedom);
}

/** I_x(a, b), the regularised incomplete beta function, for 0 <= x <= 1 and a, b > 0. */
export function regularisedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const value = jStat.ibeta(x, a, b);
  if (value === false) throw new RangeError(`incomplete beta outside 0–1: ${x}`);
  return value;
}

/** The x with I_x(a, b) = p. */
export function betaQuantile(p: number, a: number, b: number): number {
  return jStat.beta.inv(p, a, b);
}

/** P(X >= successes) for X binomial(trials, share); exact through the incomplete beta function. */
export function binomialUpperTail(successes: number, trials: number, share: number): number {
  if (successes <= 0) return 1;
  if (successes > trials) return 0;
  return regularisedBeta(share, successes, trials - successes + 1);
}

/** ln of the number of ways to choose `chosen` of `all`. */
export function logChoose(all: number, chosen: number): number {
  return jStat.gammaln(all + 1) - jStat.gammaln(chosen + 1) - jStat.gammaln(all - chosen + 1);
}
