/** One evaluation of tuning drawn to scale: what was expected of it, and what was measured. */
import type { TuningEvaluation, TuningRatio } from '../api/types.ts';
import { amount } from '../text/numbers.ts';
import { Whisker } from './parts.tsx';
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
          <Whisker
            low={predicted.low}
            high={predicted.high}
            scale={scale}
            at={EXPECTED_AT}
            cap={5}
          />
        </g>
      )}
      {measured !== undefined && (
        <g class="found">
          <Whisker low={measured.low} high={measured.high} scale={scale} at={MEASURED_AT} cap={5} />
          <circle cx={`${scale.at(measured.change)}%`} cy={MEASURED_AT} r="5.5" />
        </g>
      )}
    </svg>
  );
}

function inWords({ change, high, low }: TuningRatio): string {
  return `${amount(change, 'relative-change')} between ${amount(low, 'relative-change')} and ${amount(high, 'relative-change')}`;
}
