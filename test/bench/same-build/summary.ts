/** What identical builds show: how far a run's estimate strays when there is no effect. */
import { pairedEffects } from '../../../gate-service/src/judge/effects.ts';
import type { Measurement } from '../../../gate-service/src/load/sample.ts';
import { estimateLocation } from '../../../gate-service/src/statistics/location.ts';

export interface QuantileRow {
  readonly quantile: string;
  /** Windows that counted. */
  readonly windows: number;
  /** Standard deviation of ln(candidate ÷ baseline) over windows. */
  readonly deviation: number;
  /** Estimate over all windows, as a ratio. */
  readonly effect: number;
  /** Of runs cut from the record: how long, how many, their mean standard error and their largest |estimate|. */
  readonly runs: readonly {
    readonly windows: number;
    readonly count: number;
    readonly standardError: number;
    readonly largestEstimate: number;
  }[];
}

/** @param runLengths windows of a run at its looks, e.g. the first and the last */
export function summarise(
  measurement: Measurement,
  percents: readonly number[],
  runLengths: readonly number[],
): readonly QuantileRow[] {
  const arms = { reference: 'baseline', subject: 'candidate' } as const;
  return percents.map((percent) => {
    const { logRatios, unsound } = pairedEffects(measurement, arms, percent);
    if (unsound !== undefined) throw new Error(`the record is not sound: ${unsound}`);
    const whole = estimateLocation(logRatios);
    if (whole === undefined) throw new Error(`p${percent}: too few windows for an estimate`);
    return {
      quantile: `p${percent}`,
      windows: logRatios.length,
      deviation: deviation(logRatios),
      effect: Math.expm1(whole.estimate),
      runs: runLengths.map((windows) => cut(logRatios, windows)),
    };
  });
}

function cut(logRatios: readonly number[], windows: number): QuantileRow['runs'][number] {
  const estimates = [];
  for (let from = 0; from + windows <= logRatios.length; from += windows) {
    const one = estimateLocation(logRatios.slice(from, from + windows));
    if (one !== undefined) estimates.push(one);
  }
  return {
    windows,
    count: estimates.length,
    standardError:
      estimates.reduce((sum, { standardError }) => sum + standardError, 0) / estimates.length,
    largestEstimate: Math.max(...estimates.map(({ estimate }) => Math.abs(Math.expm1(estimate)))),
  };
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}
