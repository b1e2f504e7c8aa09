import { useMemo, useState } from 'preact/hooks';
import { TrendChart } from '../charts/trend-chart.tsx';
import { thresholdsOf, trendOf } from '../charts/trend-data.ts';
import { Empty, Loaded } from '../parts/notice.tsx';
import type { Page, TrendPoint } from '../api/types.ts';
import type { Resource } from '../state/resource.ts';

/** One threshold at a time over the last runs. */
export function ServiceTrend({ trend }: { readonly trend: Resource<Page<TrendPoint>> }) {
  return (
    <div class="trend-place">
      <Loaded of={trend} lines={6}>
        {({ items }) => <Chosen points={items} />}
      </Loaded>
    </div>
  );
}

function Chosen({ points }: { readonly points: readonly TrendPoint[] }) {
  const [wanted, setWanted] = useState('');
  const thresholds = useMemo(() => thresholdsOf(points), [points]);
  const chosen = thresholds.includes(wanted) ? wanted : thresholds[0];
  const trend = useMemo(
    () => (chosen === undefined ? undefined : trendOf(points, chosen)),
    [points, chosen],
  );
  if (trend === undefined) {
    return <Empty>No run has measured anything yet.</Empty>;
  }
  return (
    <>
      <label class="filter">
        Threshold
        <select
          value={chosen}
          onChange={(event) => {
            setWanted(event.currentTarget.value);
          }}
        >
          {thresholds.map((threshold) => (
            <option key={threshold} value={threshold}>
              {threshold}
            </option>
          ))}
        </select>
      </label>
      <TrendChart trend={trend} />
    </>
  );
}
