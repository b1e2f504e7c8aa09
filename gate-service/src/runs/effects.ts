/** Effects in a few words, for progress lines. The judge's own sentences stay with the evidence. */
import type { ThresholdOutcome } from '../judge/judgement.ts';

/** e.g. `p50 <= baseline + 10%: +1.2 % (−0.8…+3.1)`. */
export function describeEffects(outcomes: readonly ThresholdOutcome[]): string {
  if (outcomes.length === 0) return 'nothing to say yet';
  return outcomes
    .map((outcome) => {
      const { effect, high, low, threshold, unit } = outcome;
      if (effect === undefined) return `${threshold}: nothing known yet`;
      const range =
        low === undefined || high === undefined
          ? ''
          : ` (${amount(low, unit)}…${amount(high, unit)})`;
      return `${threshold}: ${amount(effect, unit)}${range}`;
    })
    .join(', ');
}

function amount(value: number, unit: ThresholdOutcome['unit']): string {
  if (!Number.isFinite(value)) return value < 0 ? '−∞' : '∞';
  const scaled = unit === 'ms' ? value : value * 100;
  const text = `${Math.abs(scaled).toFixed(unit === 'share' ? 2 : 1)} ${unit === 'ms' ? 'ms' : '%'}`;
  if (scaled < 0) return `−${text}`;
  return unit === 'share' ? text : `+${text}`;
}
