/** One run, live: where it is, what was found, what may be ordered. */
import { useEffect, useRef } from 'preact/hooks';
import type { Run, RunEvent } from '../api/types.ts';
import { ThresholdCharts } from '../charts/interval-chart.tsx';
import { Empty, Loaded } from '../parts/notice.tsx';
import { Section } from '../parts/section.tsx';
import { useTitle } from '../parts/title.ts';
import { Attempts } from '../run/attempts.tsx';
import { Controls } from '../run/controls.tsx';
import { Details } from '../run/details.tsx';
import { Documents } from '../run/documents.tsx';
import { EarlierRuns } from '../run/earlier-runs.tsx';
import { Events } from '../run/events.tsx';
import { JudgeAgain } from '../run/judge-again.tsx';
import { LineState } from '../run/line.tsx';
import { Live } from '../run/live.tsx';
import { Orders } from '../run/orders.tsx';
import { Overrides } from '../run/overrides.tsx';
import { Phases } from '../run/phases.tsx';
import { PromotionState } from '../run/promotion.tsx';
import { Tuning } from '../run/tuning.tsx';
import { Verdict } from '../run/verdict.tsx';
import { WindowLatency } from '../run/window-latency.tsx';
import { can, useSession } from '../state/session.ts';
import { useResource } from '../state/resource.ts';
import type { Resource } from '../state/resource.ts';
import { useRunEvents } from '../state/run-events.ts';
import { runName } from '../text/words.ts';

/** What is asked again beside the events: times of the phase under way; an override of a finished run. */
const REFRESH_MS = 10_000;

export function RunPage({ id }: { readonly id: string }) {
  const run = useResource<Run>(`/v1/runs/${id}`, REFRESH_MS);
  const refresh = useLater(run.refresh);
  const { events, line } = useRunEvents(id, (news) => {
    if (news.some(({ type }) => type !== 'progress')) refresh();
  });
  return (
    <Loaded of={run} lines={12}>
      {(data) => (
        <>
          <RunHead run={data} resource={run} />
          <LineState line={line} />
          <RunBody run={data} events={events} />
        </>
      )}
    </Loaded>
  );
}

/** Many events at once ask once. */
function useLater(action: () => void): () => void {
  const timer = useRef(0);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
    },
    [],
  );
  return () => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(action, 150);
  };
}

function RunHead({ resource, run }: { readonly run: Run; readonly resource: Resource<Run> }) {
  const { me } = useSession();
  useTitle(`${run.decision ?? run.phase}: ${runName(run)}`);
  return (
    <>
      <p class="crumbs">
        <a href={`/services/${run.service}`}>{run.service}</a> <span aria-hidden="true">›</span>{' '}
        <a href={`/runs?service=${run.service}`}>runs</a>
      </p>
      <h1>{runName(run)}</h1>
      {run.against === 'reference' && (
        <p class="notice open">
          <span aria-hidden="true">! </span>Compared with the reference, not with production:
          nothing becomes promotable by it.
        </p>
      )}
      {(run.loosened?.length ?? 0) > 0 && (
        <div class="notice open">
          <p>
            <span aria-hidden="true">! </span>Asked for less than the catalogue does:
          </p>
          <ul>
            {run.loosened?.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        </div>
      )}
      <Verdict run={run} />
      <Orders run={run} etag={resource.etag} me={me} done={resource.refresh} />
      <Phases run={run} />
    </>
  );
}

function RunBody({ events, run }: { readonly run: Run; readonly events: readonly RunEvent[] }) {
  const { me } = useSession();
  const finished = run.phase === 'finished';
  const { overrides } = run;
  const log = (
    <Section id="events" title="What happened">
      <Events events={events} />
    </Section>
  );
  return (
    <>
      {overrides.length > 0 && (
        <Section id="overrides" title="Overrides">
          <Overrides overrides={overrides} events={events} />
        </Section>
      )}
      {run.promotion !== undefined && (
        <Section id="promotion" title="Promotion">
          <PromotionState promotion={run.promotion} events={events} />
        </Section>
      )}
      {!finished && (
        <Section id="live" title="Latency while it is measured">
          <Live events={events} />
        </Section>
      )}
      {!finished && log}
      <Section id="thresholds" title="Thresholds">
        {run.evidence.length === 0 ? (
          <Empty>
            {finished ? 'It ended before anything was judged.' : 'Nothing is judged yet.'}
          </Empty>
        ) : (
          <ThresholdCharts outcomes={run.evidence} />
        )}
        {run.shown.length > 0 && (
          <>
            <h3>Shown, without deciding</h3>
            <ThresholdCharts outcomes={run.shown} />
          </>
        )}
      </Section>
      <Section id="controls" title="Controls">
        <Controls controls={run.controls} />
      </Section>
      {finished && run.attempts.length > 0 && (
        <Section id="latency" title="Latency window by window">
          <WindowLatency run={run} />
        </Section>
      )}
      {(run.tuning !== undefined || events.some(({ type }) => type === 'tuning')) && (
        <Section id="tuning" title="Tuning">
          <Tuning run={run} events={events} />
        </Section>
      )}
      {run.attempts.length > 0 && (
        <Section id="attempts" title="Attempts at measuring">
          <Attempts attempts={run.attempts} />
        </Section>
      )}
      <Section id="details" title="Details">
        <Details run={run} />
        <EarlierRuns run={run} />
      </Section>
      {finished && (
        <Section id="documents" title="Documents">
          <Documents id={run.id} />
        </Section>
      )}
      {finished && run.attempts.some(({ judgement }) => judgement !== undefined) && (
        <Section id="judge-again" title="Judge again">
          <JudgeAgain run={run} mayAsk={can(me, 'run', run.service)} />
        </Section>
      )}
      {finished && log}
    </>
  );
}
