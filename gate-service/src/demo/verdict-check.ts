/** Whether a push ended as it must: the demo's own check, on the stored samples and not on the gate's word. */
import type { ThresholdOutcome } from '../judge/judgement.ts';
import type { RunView } from '../runs/run.ts';
import { plantedEffect, type Push } from './pushes.ts';

export interface PushResult {
  readonly build: string;
  readonly decision: string;
  readonly cause: string;
  /** The threshold that tells most about this push. */
  readonly threshold?: string;
  readonly effect?: number;
  readonly low?: number;
  readonly high?: number;
  readonly seconds: number;
}

/**
 * @param rejudged the run's thresholds judged again from its samples, with 99.9 % intervals
 * @returns what is wrong; empty when the push ended as it must
 */
export function checkPush(
  push: Push,
  run: RunView,
  rejudged: readonly ThresholdOutcome[],
): string[] {
  const wrong: string[] = [];
  if (run.decision !== push.decision || run.cause !== push.cause) {
    wrong.push(
      `expected ${push.decision} (${push.cause}), got ${run.decision ?? 'no decision'} (${run.cause ?? 'no cause'}): ${run.summary ?? ''}`,
    );
  }
  if (push.addedWait !== undefined) wrong.push(...checkSlowdown(push.addedWait, run, rejudged));
  if (push.failingKind !== undefined) {
    const errors = run.evidence.find(
      ({ threshold, outcome }) => threshold.startsWith('errors') && outcome === 'breached',
    );
    if (errors === undefined) wrong.push('no errors threshold was breached');
    else if (errors.kinds?.length !== 1 || errors.kinds[0] !== push.failingKind) {
      wrong.push(
        `errors were put down to ${errors.kinds?.join(', ') ?? 'no kind'}, not to ${push.failingKind}`,
      );
    }
  }
  return wrong;
}

function checkSlowdown(
  addedWait: number,
  run: RunView,
  rejudged: readonly ThresholdOutcome[],
): string[] {
  const breached = run.evidence.filter(
    ({ threshold, outcome }) => /^p\d/.test(threshold) && outcome === 'breached',
  );
  if (breached.length === 0) return ['no latency threshold was breached'];
  const wrong: string[] = [];
  for (const { threshold, low } of breached) {
    if (low === undefined || low <= 0) wrong.push(`${threshold}: the lower bound is not above 0`);
  }
  for (const outcome of rejudged) {
    const quantile = /^(p50|p95) /.exec(outcome.threshold)?.[1];
    if (quantile === undefined) continue;
    const { baseline, low, high } = outcome;
    if (baseline === undefined || low === undefined || high === undefined) {
      wrong.push(`${outcome.threshold}: no interval from the stored samples`);
      continue;
    }
    const planted = plantedEffect(quantile, addedWait, baseline);
    if (planted < low || planted > high) {
      wrong.push(
        `${outcome.threshold}: planted ${percent(planted)} lies outside the 99.9 % interval ${percent(low)} … ${percent(high)}`,
      );
    }
  }
  return wrong;
}

/** One row of the demo's last line. */
export function pushResult(push: Push, run: RunView): PushResult {
  const telling =
    run.evidence.find(({ outcome }) => outcome === 'breached') ??
    run.evidence.find(({ outcome }) => outcome !== 'met') ??
    run.evidence[0];
  return {
    build: push.build,
    decision: run.decision ?? 'none',
    cause: run.cause ?? 'none',
    ...(telling === undefined ? {} : { threshold: telling.threshold }),
    ...(telling?.effect === undefined ? {} : { effect: telling.effect }),
    ...(telling?.low === undefined ? {} : { low: telling.low }),
    ...(telling?.high === undefined ? {} : { high: telling.high }),
    seconds: Math.round(run.phases.reduce((sum, { seconds }) => sum + seconds, 0) * 10) / 10,
  };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
