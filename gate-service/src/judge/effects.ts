/** Window by window effects of a comparison, for tuning: what the optimizer is told. */
import type { Tally } from '../statistics/proportions.ts';
import { tallyFailures } from './errors.ts';
import { defaultFitnessLimits, type FitnessLimits } from './fitness.ts';
import { windowEffect, windowQuantiles } from './latency.ts';
import { brokenOff, type JudgedMeasurement } from './measurement.ts';
import { sortMeasurement, type ComparedArms } from './windows.ts';

export interface PairedEffects {
  /** ln(subject ÷ reference) of the quantile in each window that counts; ±∞ where one has none. */
  readonly logRatios: readonly number[];
  readonly failures: { readonly subject: Tally; readonly reference: Tally };
  /** Why the measurement cannot be trusted: impossible samples, or too many spoilt windows. */
  readonly unsound?: string;
}

/** @param percent of the quantile, 0–100: 95 for p95 */
export function pairedEffects(
  measurement: JudgedMeasurement,
  arms: ComparedArms,
  percent: number,
  limits: FitnessLimits = defaultFitnessLimits,
): PairedEffects {
  const { counted, dropped, oddities } = sortMeasurement(measurement, arms, limits, 'allowed');
  const whole = tallyFailures({ windows: counted })[0];
  const none = { hits: 0, total: 0 };
  const measured = counted.length + dropped.length;
  const unsound =
    oddities[0] ??
    brokenOff(measurement) ??
    (dropped.length > limits.droppedShare * measured
      ? `${dropped.length} of ${measured} windows were spoilt`
      : undefined);
  return {
    logRatios: windowQuantiles(counted, percent / 100, undefined, true).map((window) =>
      windowEffect(window, 'log'),
    ),
    failures: { subject: whole?.subject ?? none, reference: whole?.reference ?? none },
    ...(unsound === undefined ? {} : { unsound }),
  };
}
