import { useMemo } from 'preact/hooks';
import type { RunEvent } from '../api/types.ts';
import { LatencyChart } from '../charts/latency-chart.tsx';
import { latenciesOf } from '../charts/latency-data.ts';
import { Empty } from '../parts/notice.tsx';

/** Both arms while they are measured, and how far it is. */
export function Live({ events }: { readonly events: readonly RunEvent[] }) {
  const points = useMemo(() => latenciesOf(events), [events]);
  const progress = events.findLast(({ data }) => typeof data.planned === 'number');
  return (
    <>
      <div class="latency-place">
        {points.length === 0 ? (
          <Empty>The arms are drawn here as soon as a window is measured.</Empty>
        ) : (
          <LatencyChart points={points} />
        )}
      </div>
      {progress !== undefined && <Progress event={progress} />}
    </>
  );
}

function Progress({ event }: { readonly event: RunEvent }) {
  const { counted, planned } = event.data;
  return (
    <div class="progress">
      <progress
        aria-label="Windows that count"
        max={Number(planned)}
        value={typeof counted === 'number' ? counted : 0}
      />
      <p class="quiet">{event.message}</p>
    </div>
  );
}
