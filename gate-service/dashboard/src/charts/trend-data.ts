/** What the trend of one threshold consists of, oldest first. */
import type { Decision, Outcome, TrendPoint } from '../api/types.ts';
import { borderOf, limitOf } from '../text/thresholds.ts';
import type { Axis } from '../text/thresholds.ts';

export interface TrendRun {
  readonly runId: string;
  readonly name: string;
  readonly finishedAt: string;
  readonly decision: Decision;
  readonly cause: string;
  readonly outcome?: Outcome;
  readonly effect?: number;
  readonly low?: number;
  readonly high?: number;
}

export interface Trend {
  readonly threshold: string;
  readonly axis: Axis;
  /** On the axis of the effect. */
  readonly limit: number;
  readonly runs: readonly TrendRun[];
}

/** Thresholds of which something is known, those of the newest runs first. */
export function thresholdsOf(points: readonly TrendPoint[]): readonly string[] {
  const all = points.flatMap(({ outcomes }) => outcomes.map(({ threshold }) => threshold));
  return [...new Set(all)].filter((threshold) => limitOf(threshold) !== undefined);
}

/** The threshold that a run came closest to, or went beyond the furthest: the one to look at first. */
export function closestThreshold(points: readonly TrendPoint[]): string | undefined {
  const used = (threshold: string): number => {
    const trend = trendOf(points, threshold);
    if (trend === undefined || trend.limit === 0) return -Infinity;
    return Math.max(...trend.runs.map(({ effect = -Infinity }) => effect / trend.limit));
  };
  return thresholdsOf(points).toSorted((a, b) => used(b) - used(a))[0];
}

/** @param points newest first, as the API gives them */
export function trendOf(points: readonly TrendPoint[], threshold: string): Trend | undefined {
  const limit = limitOf(threshold);
  if (limit === undefined) return undefined;
  return {
    threshold,
    axis: limit.axis,
    limit: borderOf({ threshold, limit: limit.value }),
    runs: points.map((point) => runOf(point, threshold)).reverse(),
  };
}

function runOf(point: TrendPoint, threshold: string): TrendRun {
  const { cause, decision, finishedAt, runId } = point;
  const found = point.outcomes.find((one) => one.threshold === threshold);
  const known = {
    runId,
    finishedAt,
    decision,
    cause,
    name: point.label ?? point.build.slice(0, 12),
  };
  if (found === undefined) return known;
  const { effect, high, low, outcome } = found;
  return {
    ...known,
    outcome,
    ...(effect !== undefined && { effect }),
    ...(low !== undefined && { low }),
    ...(high !== undefined && { high }),
  };
}
