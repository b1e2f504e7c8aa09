/** Latency of both arms, window by window: one quantile at a time, so that the arms can be told apart. */
import type uPlot from 'uplot';
import { useMemo, useState } from 'preact/hooks';
import 'uplot/dist/uPlot.min.css';
import { clockTime } from '../text/instants.ts';
import { measured } from '../text/numbers.ts';
import { armsOf, quantilesIn } from './latency-data.ts';
import type { LatencyPoint, Quantile } from './latency-data.ts';
import { axis, Plot } from './plot.tsx';
import type { Colours } from './plot.tsx';

/** Arms are told apart by their dashes too, not by colour alone. */
const DASHES: Readonly<Record<string, number[]>> = { candidate: [7, 4], challenger: [2, 4] };

interface Properties {
  readonly points: readonly LatencyPoint[];
  /** Seconds of `points` are counted from here; the clock's time when absent. */
  readonly origin?: number;
}

export function LatencyChart({ origin, points }: Properties) {
  const quantiles = quantilesIn(points);
  const [wanted, setWanted] = useState<Quantile>('p50');
  const quantile = quantiles.includes(wanted) ? wanted : (quantiles[0] ?? 'p50');
  const arms = armsOf(points);
  const names = arms.join(' ');
  const options = useMemo(
    () => optionsFor(names.split(' '), origin === undefined),
    [names, origin],
  );
  const data = useMemo(
    (): uPlot.AlignedData => [
      points.map(({ at }) => at - (origin ?? 0)),
      ...arms.map((arm) => points.map((point) => point.arms[arm]?.[quantile])),
    ],
    [points, quantile, names, origin],
  );
  return (
    <figure class="latency">
      {quantiles.length > 1 && (
        <div class="choices" role="group" aria-label="Quantile">
          {quantiles.map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={name === quantile}
              onClick={() => {
                setWanted(name);
              }}
            >
              {name}
            </button>
          ))}
        </div>
      )}
      <Plot data={data} options={options} label={words(points, arms, quantile)} />
      <figcaption class="legend">
        {arms.map((arm) => (
          <span key={arm} class={`key ${arm}`}>
            <svg width="28" height="8" aria-hidden="true">
              <line x1="0" x2="28" y1="4" y2="4" stroke-dasharray={DASHES[arm]?.join(' ')} />
            </svg>
            {arm} {quantile} <strong>{measured(points.at(-1)?.arms[arm]?.[quantile], 'ms')}</strong>
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function optionsFor(arms: readonly string[], clock: boolean) {
  return (colour: Colours): Omit<uPlot.Options, 'width' | 'height'> => ({
    scales: { x: { time: clock }, y: { range: (_chart, _low, high) => [0, (high || 1) * 1.1] } },
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false },
    axes: [
      axis(colour, { space: 90, values: (_chart, ticks) => ticks.map(clock ? timeOf : secondsOf) }),
      axis(colour, { size: 64, values: (_chart, ticks) => ticks.map((tick) => `${tick} ms`) }),
    ],
    series: [
      {},
      ...arms.map((arm) => ({
        label: arm,
        stroke: colour(`arm-${arm}`),
        width: 2,
        dash: DASHES[arm] ?? [],
        points: { show: true, size: 5, fill: colour(`arm-${arm}`) },
      })),
    ],
  });
}

const timeOf = (tick: number): string => clockTime(new Date(tick * 1000).toISOString());
const secondsOf = (tick: number): string => `${tick} s`;

function words(points: readonly LatencyPoint[], arms: readonly string[], quantile: Quantile) {
  const last = points.at(-1);
  const values = arms.map((arm) => `${arm} ${measured(last?.arms[arm]?.[quantile], 'ms')}`);
  return `${quantile} latency of the arms over time; last ${values.join(', ')}`;
}
