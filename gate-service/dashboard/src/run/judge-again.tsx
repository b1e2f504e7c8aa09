/** A run's samples judged again: what others asked for, and a form to ask. Decides nothing. */
import { useState } from 'preact/hooks';
import { send } from '../api/client.ts';
import { asProblem } from '../api/problem.ts';
import type { Problem } from '../api/problem.ts';
import type { JudgementRecord, Page, Run } from '../api/types.ts';
import { ThresholdCharts } from '../charts/interval-chart.tsx';
import { Instant } from '../parts/instant.tsx';
import { Empty, Loaded, ProblemNotice } from '../parts/notice.tsx';
import { Mark } from '../parts/sign.tsx';
import { useResource } from '../state/resource.ts';
import { signOf } from '../text/words.ts';
import { Controls } from './controls.tsx';

export function JudgeAgain({ mayAsk, run }: { readonly run: Run; readonly mayAsk: boolean }) {
  const path = `/v1/runs/${run.id}/judgements`;
  const judgements = useResource<Page<JudgementRecord>>(path, 60_000);
  return (
    <>
      <p class="quiet">
        The stored samples under other thresholds. The decision stays as it was, and nothing becomes
        promotable by it.
      </p>
      <Loaded of={judgements} lines={1}>
        {({ items }) => (
          <Judgements items={items.filter(({ rejudges }) => rejudges !== undefined)} />
        )}
      </Loaded>
      {mayAsk && <Form path={path} run={run} done={judgements.refresh} />}
    </>
  );
}

function Judgements({ items }: { readonly items: readonly JudgementRecord[] }) {
  if (items.length === 0) return <Empty>Nobody has asked for it yet.</Empty>;
  return (
    <ul class="judgements">
      {items.map(({ at, by, id, judgement, options, thresholds }) => (
        <li key={id}>
          <details>
            <summary>
              <Mark sign={signOf(judgement.decision)} note={judgement.cause} />{' '}
              {thresholds.join(', ')}{' '}
              <span class="quiet">
                {by}, <Instant at={at} />
              </span>
            </summary>
            <p>{judgement.summary}</p>
            <ThresholdCharts outcomes={judgement.outcomes} />
            <Controls controls={judgement.controls} />
            <p class="quiet">
              {judgement.windows.counted} windows count, {judgement.windows.dropped} do not; seed{' '}
              {String(options.seed)}; controls{' '}
              {options.requireSender === true ? 'required' : 'optional'}.
            </p>
          </details>
        </li>
      ))}
    </ul>
  );
}

function Form({
  done,
  path,
  run,
}: {
  readonly path: string;
  readonly run: Run;
  readonly done: () => void;
}) {
  const [text, setText] = useState(run.evidence.map(({ threshold }) => threshold).join('\n'));
  const [optional, setOptional] = useState(false);
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<JudgementRecord['judgement']>();
  const [problem, setProblem] = useState<Problem>();

  const judge = async (): Promise<void> => {
    setBusy(true);
    setAnswer(undefined);
    setProblem(undefined);
    try {
      const thresholds = text.split('\n').map((line) => line.trim());
      const { judgement } = await send<JudgementRecord>(path, {
        thresholds: thresholds.filter((line) => line !== ''),
        controls: optional ? 'optional' : 'required',
      });
      setAnswer(judgement);
      done();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      class="judge-again"
      onSubmit={(event) => {
        event.preventDefault();
        void judge();
      }}
    >
      <div class="field">
        <label for="thresholds-again">Thresholds, one a line</label>
        <textarea
          id="thresholds-again"
          rows={Math.max(2, run.evidence.length)}
          spellcheck={false}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
          }}
        />
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={optional}
          onChange={(event) => {
            setOptional(event.currentTarget.checked);
          }}
        />
        Controls that are missing may be missing
      </label>
      <p>
        <button disabled={busy}>{busy ? 'Judging …' : 'Judge again'}</button>
      </p>
      <div role="status">
        {answer !== undefined && (
          <p>
            <Mark sign={signOf(answer.decision)} note={answer.cause} /> {answer.summary}
          </p>
        )}
      </div>
      {problem !== undefined && <ProblemNotice problem={problem} />}
    </form>
  );
}
