/** A run's absolute thresholds as the tuner's limits, and where an arm stands against them. */
import { failuresOf, quantileMs, shareAgainst } from '../../judge/standing.ts';
import { amountInBaseUnit, metricName, parseThreshold } from '../../judge/threshold.ts';
import type { Threshold } from '../../judge/threshold.ts';
import type { ArmName, Measurement, Sample } from '../../load/sample.ts';
import type { Limit } from '../../optimizer/tuner.ts';
import type { TuningMargin } from '../tuning-record.ts';
import { countedSamples } from './counted-samples.ts';

export interface TunedLimit extends Limit {
  readonly threshold: Threshold;
}

/** One-sided error of "more requests fail than the limit allows". */
const PROOF = 0.05;
/** A latency without end, as a multiple of its limit: the tuner takes finite numbers. */
const ENDLESS = 100;

/**
 * Latency and errors; the strictest where several speak of the same. Throughput, capacity and CPU
 * are not measured in an evaluation: the confirmation holds them.
 */
export function tuningLimits(thresholds: readonly string[]): readonly TunedLimit[] {
  const limits = new Map<string, TunedLimit>();
  for (const text of thresholds) {
    const threshold = parseThreshold(text);
    const { against, kind, metric } = threshold;
    if (against !== 'absolute' || (metric.name !== 'latency' && metric.name !== 'errors')) continue;
    const name = `${metricName(metric)}${kind === undefined ? '' : `{kind=${kind}}`}`;
    const max = amountInBaseUnit(threshold);
    if (max < (limits.get(name)?.max ?? Infinity)) {
      limits.set(name, { metric: name, max, threshold });
    }
  }
  return [...limits.values()];
}

/** Largest share of failures over all requests that the service allows, 0–1. */
export function errorLimit(thresholds: readonly string[]): number | undefined {
  return tuningLimits(thresholds).find(({ metric }) => metric === 'errors')?.max;
}

export interface Standing {
  /** For the tuner. A share of failures that is not proven to be above its limit counts as at it. */
  readonly metrics: Readonly<Record<string, number>>;
  /** As measured. */
  readonly margins: readonly TuningMargin[];
}

/** Where an arm stood in the windows of a measurement that count. */
export function standingOf(
  measurement: Pick<Measurement, 'fitness' | 'samples'>,
  arm: ArmName,
  limits: readonly TunedLimit[],
): Standing {
  const own = countedSamples(measurement, arm);
  const metrics: Record<string, number> = {};
  const margins: TuningMargin[] = [];
  for (const { max, metric, threshold } of limits) {
    const { kind } = threshold;
    const asked = kind === undefined ? own : own.filter((sample) => sample.kind === kind);
    if (asked.length === 0) continue;
    const { measured, told } =
      threshold.metric.name === 'latency'
        ? latency(asked, threshold.metric.percent, max)
        : errors(asked, max);
    metrics[metric] = told;
    margins.push({ metric, max, measured, share: (max - measured) / (max || 1) });
  }
  return { metrics, margins };
}

interface Measured {
  readonly measured: number;
  readonly told: number;
}

function latency(samples: readonly Sample[], percent: number, max: number): Measured {
  const measured = Math.min(quantileMs(samples, percent) ?? Infinity, ENDLESS * max);
  return { measured, told: measured };
}

function errors(samples: readonly Sample[], max: number): Measured {
  const { provenAbove, share: measured } = shareAgainst(failuresOf(samples), max, PROOF);
  return { measured, told: provenAbove ? measured : Math.min(measured, max) };
}
