/** Both arms window by window, from the stored samples themselves: what the judge has seen. */
import { useState } from 'preact/hooks';
import { ask } from '../api/client.ts';
import { asProblem } from '../api/problem.ts';
import type { Problem } from '../api/problem.ts';
import type { Run } from '../api/types.ts';
import { LatencyChart } from '../charts/latency-chart.tsx';
import type { LatencyPoint } from '../charts/latency-data.ts';
import { readWindows } from '../charts/sample-windows.ts';
import { ProblemNotice } from '../parts/notice.tsx';

export function WindowLatency({ run }: { readonly run: Run }) {
  const [points, setPoints] = useState<readonly LatencyPoint[]>();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const draw = async (): Promise<void> => {
    setBusy(true);
    setProblem(undefined);
    try {
      const { body } = await ask(`/v1/runs/${run.id}/samples`);
      setPoints(body === null ? [] : await readWindows(body));
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };
  if (points !== undefined && points.length > 0) {
    return (
      <>
        <LatencyChart points={points} origin={0} />
        <p class="quiet">
          Quantiles of each window of the measurement that the decision rests on, over the seconds
          since it began; spoilt windows and the planted delay are in it as they were measured.
        </p>
      </>
    );
  }
  return (
    <>
      <p>
        <button type="button" disabled={busy} onClick={() => void draw()}>
          {busy ? 'Reading the samples …' : 'Draw it from the samples'}
        </button>{' '}
        <span class="quiet">p50, p95 and p99 of both arms, computed here in the browser.</span>
      </p>
      {points?.length === 0 && <p class="quiet">The samples hold no window.</p>}
      {problem !== undefined && <ProblemNotice problem={problem} />}
    </>
  );
}
