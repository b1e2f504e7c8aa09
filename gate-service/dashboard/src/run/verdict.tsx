import type { Run } from '../api/types.ts';
import { Mark } from '../parts/sign.tsx';
import { causeInWords, signOf, signOfRun } from '../text/words.ts';

/** The decision with its cause and summary, or where the run is. */
export function Verdict({ run }: { readonly run: Run }) {
  const sign = signOfRun(run);
  const { cause, queue } = run;
  return (
    <div class={`verdict ${sign.tone}`} role="status">
      <p class="verdict-word">
        <Mark sign={sign} />
        {cause !== undefined && (
          <span class="cause">
            {cause}: {causeInWords(cause)}
          </span>
        )}
      </p>
      <p>{run.summary ?? undecided(run)}</p>
      {queue?.behind !== undefined && (
        <p>
          <a href={`/runs/${queue.behind}`}>The run before it</a>,{' '}
          <a href="/queue">all that wait</a>
        </p>
      )}
      {run.supersededBy !== undefined && (
        <p>
          <a href={`/runs/${run.supersededBy}`}>The newer run that took its place</a>
        </p>
      )}
      {run.promotion !== undefined && run.decision !== undefined && (
        <p>
          Promotion: <Mark sign={signOf(run.promotion.state)} />
        </p>
      )}
    </div>
  );
}

function undecided({ cancel, queue }: Run): string {
  if (cancel !== undefined) return `${cancel.actor} cancels it; what it changed is put back.`;
  if (queue !== undefined) return `Waits: ${queue.reason}.`;
  return 'Not decided yet.';
}
