/** Outcomes of thresholds drawn to scale: effect, interval, limit, and what is beyond it. One scale per chart. */
import type { ThresholdOutcome } from '../api/types.ts';
import { Mark } from '../parts/sign.tsx';
import { amount, measured } from '../text/numbers.ts';
import { AXIS_NAMES, borderOf, higherIsBetter, limitOf } from '../text/thresholds.ts';
import type { Axis } from '../text/thresholds.ts';
import { signOf } from '../text/words.ts';
import { Ticks, Whisker } from './parts.tsx';
import { scaleOver } from './scale.ts';
import type { Scale } from './scale.ts';

const HEIGHT = 44;
const MIDDLE = 22;

/** All outcomes, those that are counted in the same unit on one scale. */
export function ThresholdCharts({ outcomes }: { readonly outcomes: readonly ThresholdOutcome[] }) {
  const groups = Map.groupBy(outcomes, axisOf);
  return (
    <>
      {[...groups].map(([axis, own]) => (
        <ThresholdChart key={axis} axis={axis} outcomes={own} />
      ))}
    </>
  );
}

const axisOf = ({ threshold, unit }: ThresholdOutcome): Axis =>
  limitOf(threshold)?.axis ?? (unit === 'ratio' ? 'relative-change' : unit);

function ThresholdChart({
  axis,
  outcomes,
}: {
  readonly axis: Axis;
  readonly outcomes: readonly ThresholdOutcome[];
}) {
  const scale = scaleOver(
    outcomes.flatMap((outcome) => [outcome.effect, outcome.low, outcome.high, borderOf(outcome)]),
  );
  return (
    <figure class="thresholds">
      {outcomes.map((outcome) => (
        <ThresholdRow key={outcome.threshold} axis={axis} outcome={outcome} scale={scale} />
      ))}
      <figcaption class="axis-row">
        <span class="axis-name">{AXIS_NAMES[axis]}</span>
        <Ticks axis={axis} scale={scale} />
      </figcaption>
    </figure>
  );
}

function ThresholdRow({
  axis,
  outcome,
  scale,
}: {
  readonly axis: Axis;
  readonly outcome: ThresholdOutcome;
  readonly scale: Scale;
}) {
  const sign = signOf(outcome.outcome);
  return (
    <div class="threshold-row">
      <div class="threshold-name">
        <code>{outcome.threshold}</code>
        <Mark sign={sign} />
      </div>
      <IntervalBar axis={axis} outcome={outcome} scale={scale} tone={sign.tone} />
      <div class="threshold-words">
        <p>{outcome.sentence}</p>
        <p class="quiet">{inWords(outcome, axis)}</p>
      </div>
    </div>
  );
}

/** Effect, interval, limit and what could have been seen, as a sentence. */
export function inWords(outcome: ThresholdOutcome, axis: Axis): string {
  const { baseline, candidate, confidence, effect, high, low, minimumDetectableEffect } = outcome;
  const found = `${axis.endsWith('change') ? 'Effect' : 'Value'} ${amount(effect, axis)}`;
  const interval =
    low === undefined && high === undefined
      ? ''
      : `, between ${amount(low, axis)} and ${amount(high, axis)} with ${Math.round(confidence * 100)} % confidence`;
  const parts = [`${found}${interval}`];
  parts.push(`limit ${amount(borderOf(outcome), axis)}`);
  if (minimumDetectableEffect !== undefined) {
    parts.push(`smallest effect this could show ${amount(minimumDetectableEffect, axis)}`);
  }
  if (baseline !== undefined && candidate !== undefined) {
    const unit = outcome.valueUnit;
    parts.push(`baseline ${measured(baseline, unit)}, candidate ${measured(candidate, unit)}`);
  }
  return `${parts.join('; ')}.`;
}

function IntervalBar({
  axis,
  outcome,
  scale,
  tone,
}: {
  readonly axis: Axis;
  readonly outcome: ThresholdOutcome;
  readonly scale: Scale;
  readonly tone: string;
}) {
  const { effect, high, low } = outcome;
  const border = scale.at(borderOf(outcome));
  const [from, to] = higherIsBetter(outcome.threshold) ? [0, border] : [border, 100];
  const percent = (value: number): string => `${value}%`;
  return (
    <svg class={`interval ${tone}`} height={HEIGHT} role="img" aria-label={inWords(outcome, axis)}>
      <rect class="beyond" x={percent(from)} y="0" width={percent(to - from)} height={HEIGHT} />
      <line class="zero" x1={percent(scale.at(0))} x2={percent(scale.at(0))} y1="0" y2={HEIGHT} />
      <line class="limit" x1={percent(border)} x2={percent(border)} y1="0" y2={HEIGHT} />
      {effect !== undefined && (
        <g class="found">
          <Whisker low={low} high={high} scale={scale} at={MIDDLE} cap={7} />
          <circle cx={percent(scale.at(effect))} cy={MIDDLE} r="5.5" />
        </g>
      )}
    </svg>
  );
}
