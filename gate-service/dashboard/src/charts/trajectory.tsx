/** One evaluation of tuning drawn to scale: what was expected of it, and what was measured. */
import type { TuningEvaluation, TuningRatio } from '../api/types.ts';
import { amount } from '../text/numbers.ts';
import { scaleOver } from './scale.ts';
import type { Scale } from './scale.ts';

const HEIGHT = 44;
const EXPECTED_AT = 12;
const MEASURED_AT = 31;

/** One scale for all evaluations of a run. */
export function trajectoryScale(evaluations: readonly TuningEvaluation[]): Scale {
  return scaleOver(
    evaluations.flatMap(({ measured, predicted }) =>
      [predicted, measured].flatMap((of) => (of === undefined ? [] : [of.change, of.low, of.high])),
    ),
  );
}

export function TrajectoryBar({
  evaluation: { measured, number, predicted },
  scale,
  tone,
}: {
  readonly evaluation: TuningEvaluation;
  readonly scale: Scale;
  readonly tone: string;
}) {
  const zero = `${scale.at(0)}%`;
  const words = [
    `Challenger ${number}`,
    predicted === undefined ? 'no expectation' : `expected ${inWords(predicted)}`,
    measured === undefined ? 'not measured' : `measured ${inWords(measured)}`,
  ].join(', ');
  return (
    <svg class={`interval ${tone}`} height={HEIGHT} role="img" aria-label={words}>
      <line class="zero" x1={zero} x2={zero} y1="0" y2={HEIGHT} />
      {predicted !== undefined && (
        <g class="found expected">
          <Whisker of={predicted} scale={scale} at={EXPECTED_AT} />
        </g>
      )}
      {measured !== undefined && (
        <g class="found">
          <Whisker of={measured} scale={scale} at={MEASURED_AT} />
          <circle cx={`${scale.at(measured.change)}%`} cy={MEASURED_AT} r="5.5" />
        </g>
      )}
    </svg>
  );
}

function Whisker({
  at,
  of,
  scale,
}: {
  readonly of: TuningRatio;
  readonly scale: Scale;
  readonly at: number;
}) {
  const [low, high] = [`${scale.at(of.low)}%`, `${scale.at(of.high)}%`];
  return (
    <>
      <line x1={low} x2={high} y1={at} y2={at} />
      <line class="cap" x1={low} x2={low} y1={at - 5} y2={at + 5} />
      <line class="cap" x1={high} x2={high} y1={at - 5} y2={at + 5} />
    </>
  );
}

export function TrajectoryTicks({ scale }: { readonly scale: Scale }) {
  return (
    <svg class="ticks" aria-hidden="true">
      {scale.ticks.map((tick) => {
        const at = scale.at(tick);
        const anchor = at < 6 ? 'start' : at > 94 ? 'end' : 'middle';
        return (
          <g key={tick}>
            <line x1={`${at}%`} x2={`${at}%`} y1="0" y2="5" />
            <text x={`${at}%`} y="17" text-anchor={anchor}>
              {tick === 0 ? '0' : amount(tick, 'relative-change')}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

function inWords({ change, high, low }: TuningRatio): string {
  return `${amount(change, 'relative-change')} between ${amount(low, 'relative-change')} and ${amount(high, 'relative-change')}`;
}
