/** How observations become numbers that can be compared: values by ratio, metrics by their distance to a limit. */
import type { Limit, Margin, Observation, Trial } from './tuner.ts';
import { IllegalObservationError } from './tuner-errors.ts';
import { short } from './wording.ts';

/** How values are compared: by ratio where all are above 0, else by difference in units of the first. */
export interface ValueScale {
  readonly kind: 'log' | 'linear';
  readonly of: (value: number) => number;
  /** Of a linear scale: the difference that counts as 1, in units of the value. */
  readonly reference?: number;
}

/** A collapse says "bad"; how bad would only bend the critics: e times the start counts as that. */
const WORST = 1;
/** Way below the middle of all scores beyond which a value is not believed: a twentieth of the usual. */
const FARTHEST = 3;
/** So many times the usual size, or less than the reciprocal of it, is no value of the same thing. */
const ABSURD = 1e6;
/** Least share of a limit that is told apart from nothing. */
const LEAST_SHARE = 1e-3;
const SCORES = { low: -5, high: 1.2 } as const;

export function valueScale(values: readonly number[]): ValueScale {
  const [first = 1] = values;
  if (values.every((value) => value > 0)) {
    return { kind: 'log', of: (value) => logRatio(value, first) };
  }
  // The middle one where the first is absurd: it must not make all others alike, nor beyond numbers.
  const usual = middleOf(values.map(Math.abs).filter((size) => size > 0)) ?? 1;
  const size = Math.abs(first) / usual;
  const isUsual = size * ABSURD > 1 && size < ABSURD;
  const reference = isUsual ? Math.abs(first) : usual;
  const zero = size < ABSURD ? first : 0;
  return { kind: 'linear', of: (value) => (value - zero) / reference, reference };
}

/** Of numbers above 0, also where their ratio is beyond numbers. */
function logRatio(one: number, other: number): number {
  const ratio = one / other;
  return ratio > 0 && ratio < Infinity ? Math.log(ratio) : Math.log(one) - Math.log(other);
}

/** The scale of a session's values, its first one as 0. */
export function scaleOfTrials(trials: readonly Trial[]): ValueScale {
  return valueScale(trials.flatMap(({ value }) => (value === undefined ? [] : [value])));
}

/**
 * Scores of trials, none so far from the usual ones that it would drown their differences: a value of
 * 1e12, or of 0, is a failure of the measurement, or as bad as one that is {@link WORST}.
 */
export function boundedScores(
  trials: readonly Trial[],
  scale: ValueScale,
): (value: number) => number {
  const scores = trials.flatMap(({ value, unsafe }) =>
    value === undefined || unsafe ? [] : [scale.of(value)],
  );
  const middle = middleOf(scores) ?? 0;
  // Usually as against the start, which is the measure of what is bad; unless that is the absurd one.
  const most = middle > WORST || middle < -FARTHEST ? middle + WORST : WORST;
  return (value) => Math.min(most, Math.max(middle - FARTHEST, scale.of(value)));
}

/** The median; of an even count the lower one. */
function middleOf(numbers: readonly number[]): number | undefined {
  return numbers.toSorted((one, other) => one - other)[(numbers.length - 1) >> 1];
}

/** A difference on the scale as ratio: -0.1 = 10 % lower. */
export function asChange(scale: ValueScale, difference: number): number {
  return scale.kind === 'log' ? Math.expm1(difference) : difference;
}

/** Where a metric stands against its limit: 0 at it, below 0 is good; a logarithm where the limit allows. */
export function limitScore({ max }: Limit, metric: number): number {
  const score = max > 0 ? Math.log((Math.max(0, metric) + LEAST_SHARE * max) / max) : metric - max;
  return Math.min(SCORES.high, Math.max(SCORES.low, score));
}

export function marginsOf(limits: readonly Limit[], { metrics }: Pick<Told, 'metrics'>): Margin[] {
  return limits.flatMap(({ metric, max }) => {
    const measured = metrics?.[metric];
    if (measured === undefined) return [];
    return [{ metric, max, measured, share: (max - measured) / (Math.abs(max) || 1) }];
  });
}

/** What was told of one evaluation, as far as limits are concerned. */
type Told = Pick<Observation, 'metrics' | 'unsafe' | 'aborted'>;

/** Limits that nothing can be said of, as their metric was not told. */
export function unjudgedLimits(limits: readonly Limit[], { metrics }: Told): Limit[] {
  return limits.filter(({ metric }) => metrics?.[metric] === undefined);
}

/** Whether every limit was judged and held: what cannot be judged never counts as met. */
export function holdsLimits(limits: readonly Limit[], told: Told): boolean {
  return whyUnsafe(limits, told) === undefined && unjudgedLimits(limits, told).length === 0;
}

/**
 * By how much limits are broken, to tell which of two violators is nearer to holding them (Deb 2000):
 * the worst limit's score, above 0; `Infinity` where that is not known or something else made it unsafe.
 */
export function excessOf(limits: readonly Limit[], told: Told): number {
  const broken = limits.flatMap(({ metric, max }) => {
    const measured = told.metrics?.[metric];
    if (measured === undefined || measured <= max) return [];
    return [max > 0 ? Math.log(measured / max) : measured - max];
  });
  const unknown = told.aborted !== undefined || unjudgedLimits(limits, told).length > 0;
  if (unknown || (broken.length === 0 && told.unsafe === true)) return Infinity;
  return Math.max(0, ...broken);
}

/** That limits could not be judged and what follows, in words; undefined when all could. */
export function whyUnjudged(limits: readonly Limit[], told: Told): string | undefined {
  const missing = unjudgedLimits(limits, told);
  if (missing.length === 0) return undefined;
  const words = missing.map(({ metric, max }) => `${metric} (at most ${max})`).join(', ');
  return `not judged: no metric was told for the limit of ${words}, and what cannot be judged does not count as safe`;
}

/** What made an evaluation unsafe, in words; undefined when nothing did. */
export function whyUnsafe(limits: readonly Limit[], observation: Told): string | undefined {
  const broken = marginsOf(limits, observation).filter(({ measured, max }) => measured > max);
  const reasons = [
    ...(observation.aborted === undefined ? [] : [`it was broken off (${observation.aborted})`]),
    ...broken.map(({ metric, measured, max }) => `${metric} was ${short(measured)}, above ${max}`),
  ];
  if (reasons.length > 0) return reasons.join(' and ');
  return observation.unsafe === true ? 'it was reported as unsafe' : undefined;
}

/** @throws IllegalObservationError when nothing can be learnt from it */
export function checkObservation(observation: Observation): void {
  const { value, metrics = {}, logRatios = [], unsafe, aborted } = observation;
  const numbers: [string, number][] = [
    ...(value === undefined ? [] : [['value', value] as [string, number]]),
    ...Object.entries(metrics),
    ...logRatios.map((ratio, i): [string, number] => [`log ratio ${i + 1}`, ratio]),
  ];
  const odd = numbers.find(([, number]) => !Number.isFinite(number));
  if (odd !== undefined) {
    throw new IllegalObservationError(`${odd[0]} is ${odd[1]}, a finite number is needed`);
  }
  const nothing = value === undefined && logRatios.length === 0;
  if (nothing && unsafe !== true && aborted === undefined) {
    throw new IllegalObservationError(
      'it has neither a value nor log ratios, and is neither unsafe nor aborted',
    );
  }
}
