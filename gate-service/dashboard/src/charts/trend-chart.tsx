/** Effect of one threshold run by run, with its interval and the limit; a click leads to the run. */
import type uPlot from 'uplot';
import { useMemo } from 'preact/hooks';
import 'uplot/dist/uPlot.min.css';
import { go } from '../state/route.ts';
import { amount, counted } from '../text/numbers.ts';
import { higherIsBetter } from '../text/thresholds.ts';
import { axis, Plot } from './plot.tsx';
import type { Colours } from './plot.tsx';
import type { Trend } from './trend-data.ts';

export function TrendChart({ trend }: { readonly trend: Trend }) {
  const data = useMemo(
    (): uPlot.AlignedData => [
      trend.runs.map((_run, index) => index + 1),
      trend.runs.map(({ effect }) => effect),
    ],
    [trend],
  );
  const options = useMemo(() => optionsFor(trend), [trend]);
  return (
    <figure class="trend">
      <Plot data={data} options={options} label={words(trend)} />
      <figcaption class="quiet">
        One point a run, oldest left; the line through it is its interval. Dashed: the limit,{' '}
        {amount(trend.limit, trend.axis)}; what is beyond it is shaded. ● met, ✗ breached, ○
        neither.
      </figcaption>
    </figure>
  );
}

function optionsFor(trend: Trend) {
  return (colour: Colours): Omit<uPlot.Options, 'width' | 'height'> => {
    const values = trend.runs.flatMap(({ effect, high, low }) => [effect, high, low]);
    const finite = [0, trend.limit, ...values].filter((value) => value !== undefined);
    const air = (Math.max(...finite) - Math.min(...finite)) * 0.08 || 0.01;
    return {
      scales: {
        x: { time: false, range: () => [0.5, trend.runs.length + 0.5] },
        y: { range: () => [Math.min(...finite) - air, Math.max(...finite) + air] },
      },
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
      axes: [
        axis(colour, {
          incrs: [1, 2, 5, 10, 20, 50],
          grid: { show: false },
          space: 80,
          values: (_chart, ticks) => ticks.map((tick) => trend.runs[tick - 1]?.name ?? ''),
        }),
        axis(colour, {
          size: 72,
          values: (_chart, ticks) => ticks.map((tick) => amount(tick, trend.axis)),
        }),
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: {
        drawAxes: [
          (chart) => {
            drawLimit(chart, trend, colour);
          },
        ],
        draw: [
          (chart) => {
            drawRuns(chart, trend, colour);
          },
        ],
        ready: [
          (chart) => {
            chart.over.addEventListener('click', () => {
              const run = trend.runs[chart.cursor.idx ?? -1];
              if (run !== undefined) go(`/runs/${run.runId}`);
            });
          },
        ],
      },
    };
  };
}

function drawLimit(chart: uPlot, { limit, threshold }: Trend, colour: Colours): void {
  const { ctx } = chart;
  const { height, left, top, width } = chart.bbox;
  const at = chart.valToPos(limit, 'y', true);
  ctx.save();
  ctx.fillStyle = colour('beyond');
  const beyond = higherIsBetter(threshold) ? [at, top + height - at] : [top, at - top];
  ctx.fillRect(left, beyond[0] ?? top, width, Math.max(0, beyond[1] ?? 0));
  line(ctx, colour('ink'), [left, at, left + width, at], [6, 4]);
  const zero = chart.valToPos(0, 'y', true);
  line(ctx, colour('quiet'), [left, zero, left + width, zero]);
  ctx.restore();
}

function drawRuns(chart: uPlot, trend: Trend, colour: Colours): void {
  const { ctx } = chart;
  const size = 4 * devicePixelRatio;
  ctx.save();
  trend.runs.forEach(({ effect, high, low, outcome }, index) => {
    if (effect === undefined) return;
    const x = chart.valToPos(index + 1, 'x', true);
    const y = chart.valToPos(effect, 'y', true);
    const tone = outcome === 'met' ? 'good' : outcome === 'breached' ? 'bad' : 'open';
    if (low !== undefined && high !== undefined) {
      const ends = [chart.valToPos(low, 'y', true), chart.valToPos(high, 'y', true)] as const;
      line(ctx, colour(tone), [x, ends[0], x, ends[1]]);
    }
    spot(ctx, colour, tone, { x, y, size });
  });
  ctx.restore();
}

function spot(
  ctx: CanvasRenderingContext2D,
  colour: Colours,
  tone: 'good' | 'bad' | 'open',
  { size, x, y }: { readonly x: number; readonly y: number; readonly size: number },
): void {
  ctx.lineWidth = 2.5 * devicePixelRatio;
  ctx.strokeStyle = colour(tone);
  ctx.fillStyle = tone === 'good' ? colour('good') : colour('paper');
  ctx.beginPath();
  if (tone === 'bad') {
    ctx.moveTo(x - size, y - size);
    ctx.lineTo(x + size, y + size);
    ctx.moveTo(x + size, y - size);
    ctx.lineTo(x - size, y + size);
  } else {
    ctx.arc(x, y, size, 0, 2 * Math.PI);
    ctx.fill();
  }
  ctx.stroke();
}

function line(
  ctx: CanvasRenderingContext2D,
  stroke: string,
  [x1, y1, x2, y2]: readonly [number, number, number, number],
  dash: readonly number[] = [],
): void {
  ctx.strokeStyle = stroke;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
  ctx.setLineDash([]);
}

function words({ axis: unit, limit, runs, threshold }: Trend): string {
  const last = runs.at(-1);
  const breached = runs.filter(({ outcome }) => outcome === 'breached').length;
  return `${threshold} over ${counted(runs.length, 'run')}, limit ${amount(limit, unit)}: the last one ${amount(last?.effect, unit)}; ${breached} breached. The list of runs says the same.`;
}
