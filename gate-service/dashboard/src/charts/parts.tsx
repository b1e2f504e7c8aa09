/** What charts of intervals have in common. All places across are per cent of the width. */
import { amount } from '../text/numbers.ts';
import type { Axis } from '../text/thresholds.ts';
import type { Scale } from './scale.ts';

/** Round numbers below a chart, on its scale. */
export function Ticks({ axis, scale }: { readonly axis: Axis; readonly scale: Scale }) {
  return (
    <svg class="ticks" aria-hidden="true">
      {scale.ticks.map((tick) => {
        const at = scale.at(tick);
        const anchor = at < 6 ? 'start' : at > 94 ? 'end' : 'middle';
        return (
          <g key={tick}>
            <line x1={`${at}%`} x2={`${at}%`} y1="0" y2="5" />
            <text x={`${at}%`} y="17" text-anchor={anchor}>
              {tick === 0 ? '0' : amount(tick, axis).replace(' points', '')}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

/** An interval with a cap at each end. An end that could not be estimated is open: it runs to the edge, without a cap. */
export function Whisker({
  at,
  cap,
  high,
  low,
  scale,
}: {
  readonly low: number | undefined;
  readonly high: number | undefined;
  readonly scale: Scale;
  /** Pixels from the top. */
  readonly at: number;
  /** Half the height of a cap, in pixels. */
  readonly cap: number;
}) {
  const left = low === undefined ? 0 : scale.at(low);
  const right = high === undefined ? 100 : scale.at(high);
  const ends = [...(low === undefined ? [] : [left]), ...(high === undefined ? [] : [right])];
  return (
    <>
      <line x1={`${left}%`} x2={`${right}%`} y1={at} y2={at} />
      {ends.map((end, index) => (
        <line key={index} class="cap" x1={`${end}%`} x2={`${end}%`} y1={at - cap} y2={at + cap} />
      ))}
    </>
  );
}
