/** How observations become numbers that can be compared: values by ratio, metrics by their distance to a limit. */
import type { Limit, Margin, Observation, Trial } from './tuner.ts';
import { IllegalObservationError } from './tuner-errors.ts';

/** How values are compared: by ratio where all are above 0, else by difference in units of the first. */
export interface ValueScale {
  readonly kind: 'log' | 'linear';
  readonly of: (value: number) => number;
}

/** A collapse says "bad"; how bad would only bend the critics: e times the start counts as that. */
export const WORST = 1;
/** Least share of a limit that is told apart from nothing. */
const LEAST_SHARE = 1e-3;
const SCORES = { low: -5, high: 1.2 } as const;

export function valueScale(values: readonly number[]): ValueScale {
  const [first = 1] = values;
  if (values.every((value) => value > 0)) {
    return { kind: 'log', of: (value) => Math.log(value / first) };
  }
  const size = Math.max(...values.map(Math.abs), Number.MIN_VALUE);
  return { kind: 'linear', of: (value) => (value - first) / (Math.abs(first) || size) };
}

/** The scale of a session's values, its first one as 0. */
export function scaleOfTrials(trials: readonly Trial[]): ValueScale {
  return valueScale(trials.flatMap(({ value }) => (value === undefined ? [] : [value])));
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

export function marginsOf(limits: readonly Limit[], { metrics }: Observation): Margin[] {
  return limits.flatMap(({ metric, max }) => {
    const measured = metrics?.[metric];
    if (measured === undefined) return [];
    return [{ metric, max, measured, share: (max - measured) / (Math.abs(max) || 1) }];
  });
}

/** What made an evaluation unsafe, in words; undefined when nothing did. */
export function whyUnsafe(limits: readonly Limit[], observation: Observation): string | undefined {
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

/** Four significant digits. */
export function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
