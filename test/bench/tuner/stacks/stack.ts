/** What a simulated stack is: a knob space, an expert's configuration, and a true value for every configuration. */
import type {
  BoundSpace,
  Values,
} from '../../../../gate-service/src/optimizer/space/bound-space.ts';
import type { Limit } from '../../../../gate-service/src/optimizer/tuner.ts';
import type { Random } from '../../../../gate-service/src/statistics/random.ts';

/** What a configuration is worth without noise. */
export interface Truth {
  /** To be made small: tail-weighted time of a request, ms. */
  readonly value: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Whether a limit is broken or the stack has collapsed. */
  readonly unsafe: boolean;
}

/** One noisy evaluation. */
export type Measured = Truth;

export interface SimulatedStack {
  readonly name: string;
  /** One line: what it stands for and what is hard about it. */
  readonly summary: string;
  readonly space: BoundSpace;
  /** What an expert's rules give: legal, safe, not optimal. */
  readonly start: Values;
  readonly limits: readonly Limit[];
  /** Features of the workload. */
  readonly context: Readonly<Record<string, number>>;
  readonly noise: Noise;
  /** @throws RangeError for values outside of the space; pure */
  truth(values: Values): Truth;
}

export interface Noise {
  /** Standard deviation of the logarithm of one measured value. */
  readonly value: number;
  /** The same of a measured metric. */
  readonly metrics: number;
  /** Amplitude of the slow drift of the value, as a ratio, and its period in evaluations. */
  readonly drift: number;
  readonly driftPeriod: number;
}

/** A value beyond this many times the start's is a collapse, whatever the limits say. */
export const COLLAPSE = 2.5;

/** A sequence of evaluations with noise and drift of its own. */
export interface Session {
  evaluate(values: Values): Measured;
}

/**
 * Opens a session. Equal randomness gives equal noise, evaluation by evaluation, whatever is asked.
 * Lognormal noise of each evaluation, and a drift over the evaluations that multiplies all values
 * alike: a sine of random phase.
 */
export function openSession(stack: SimulatedStack, random: Random): Session {
  const phase = random.next();
  let number = 0;
  return {
    evaluate(values) {
      const measured = evaluate(stack, values, number + phase * stack.noise.driftPeriod, random);
      number += 1;
      return measured;
    },
  };
}

/** One noisy evaluation, the `number`-th of its session; takes a fixed count of random numbers. */
export function evaluate(
  stack: SimulatedStack,
  values: Values,
  number: number,
  random: Random,
): Measured {
  const { noise } = stack;
  const truth = stack.truth(values);
  const drift = 1 + noise.drift * Math.sin((2 * Math.PI * number) / noise.driftPeriod);
  const value = truth.value * drift * Math.exp(noise.value * normal(random));
  const metrics: Record<string, number> = {};
  for (const [name, metric] of Object.entries(truth.metrics)) {
    metrics[name] = metric * Math.exp(noise.metrics * normal(random));
  }
  const broken = stack.limits.some(({ metric, max }) => (metrics[metric] ?? Infinity) > max);
  return { value, metrics, unsafe: truth.unsafe || broken };
}

/** Standard normal (Box & Muller 1958); two random numbers. */
function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return radius * Math.cos(2 * Math.PI * random.next());
}
