/** The last runs at a glance: effect against margin, and by shape what came of each. */
import type { Trend, TrendRun } from './trend-data.ts';
import { scaleOver } from './scale.ts';
import { amount, counted } from '../text/numbers.ts';

const WIDTH = 180;
const HEIGHT = 44;
const PAD = 6;

export function Sparkline({ trend }: { readonly trend: Trend }) {
  const known = trend.runs.filter(({ effect }) => effect !== undefined);
  const scale = scaleOver([trend.limit, ...known.map(({ effect }) => effect)]);
  const y = (value: number): number => PAD + (1 - scale.at(value) / 100) * (HEIGHT - 2 * PAD);
  const step = (WIDTH - 2 * PAD) / Math.max(1, known.length - 1);
  const spots = known.map((run, index) => ({
    run,
    x: known.length === 1 ? WIDTH / 2 : PAD + index * step,
    y: y(run.effect ?? 0),
  }));
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={words(trend, known)}
    >
      <title>{words(trend, known)}</title>
      <line class="zero" x1="0" x2={WIDTH} y1={y(0)} y2={y(0)} />
      <line class="limit" x1="0" x2={WIDTH} y1={y(trend.limit)} y2={y(trend.limit)} />
      <polyline class="path" points={spots.map((spot) => `${spot.x},${spot.y}`).join(' ')} />
      {spots.map((spot) => (
        <Spot key={spot.run.runId} {...spot} />
      ))}
    </svg>
  );
}

/** A filled dot is met, a cross is breached, a ring is anything else. */
function Spot({ run, x, y }: { readonly run: TrendRun; readonly x: number; readonly y: number }) {
  if (run.outcome === 'breached') {
    return <path class="bad" d={`M${x - 3.5} ${y - 3.5}l7 7m0-7l-7 7`} />;
  }
  return run.outcome === 'met' ? (
    <circle class="good" cx={x} cy={y} r="2.6" />
  ) : (
    <circle class="open" cx={x} cy={y} r="3" />
  );
}

function words({ axis, limit, threshold }: Trend, known: readonly TrendRun[]): string {
  const last = known.at(-1);
  if (last === undefined) return `${threshold}: nothing was measured yet`;
  const breached = known.filter(({ outcome }) => outcome === 'breached').length;
  return `${threshold} in ${counted(known.length, 'run')}: last ${amount(last.effect, axis)}, limit ${amount(limit, axis)}, ${breached === 0 ? 'none' : breached} breached`;
}
