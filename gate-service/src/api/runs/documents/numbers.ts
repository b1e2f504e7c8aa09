/** Numbers as people read them, in the unit of an outcome. */
import type { EffectUnit, ThresholdOutcome } from '../../../judge/judgement.ts';

/** e.g. `+4.2 %`, `12.5 ms`, `0.13 %`; a dash for what could not be estimated. */
export function formatEffect(value: number | undefined, unit: EffectUnit): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  switch (unit) {
    case 'ratio':
      return `${value < 0 ? '−' : '+'}${(Math.abs(value) * 100).toFixed(1)} %`;
    case 'share':
      return `${(value * 100).toFixed(2)} %`;
    case 'ms':
      return `${value.toFixed(value < 10 ? 2 : 1)} ms`;
  }
}

/** Where the limit lies: a margin of throughput or capacity is how much less than the baseline is allowed. */
export function limitPosition({ threshold, limit }: ThresholdOutcome): number {
  const isMargin = threshold.includes('baseline');
  return isMargin && /^(throughput|capacity)/.test(threshold) ? -limit : limit;
}

/** e.g. `+4.2 % (+1.0 % to +7.4 % at 95 %), limit +10.0 %`. */
export function formatOutcome(outcome: ThresholdOutcome): string {
  const { unit } = outcome;
  const interval =
    outcome.low === undefined && outcome.high === undefined
      ? ''
      : ` (${formatEffect(outcome.low, unit)} to ${formatEffect(outcome.high, unit)} at ${(outcome.confidence * 100).toFixed(0)} %)`;
  return `${formatEffect(outcome.effect, unit)}${interval}, limit ${formatEffect(limitPosition(outcome), unit)}`;
}
