import type { RunInShort } from '../api/types.ts';
import { buildName, runName, signOfRun } from '../text/words.ts';
import { Instant } from './instant.tsx';
import { Mark } from './sign.tsx';

/** Runs, one a line; on a narrow screen one below the other. */
export function RunList({
  ofService = false,
  runs,
}: {
  readonly runs: readonly RunInShort[];
  /** Whether they are all of one service, which then need not be named. */
  readonly ofService?: boolean;
}) {
  return (
    <ul class="runs">
      {runs.map((run) => (
        <li key={run.id}>
          <Mark sign={signOfRun(run)} {...(run.cause !== undefined && { note: run.cause })} />
          <a href={`/runs/${run.id}`}>{ofService ? buildName(run) : runName(run)}</a>
          <span class="quiet">
            <Instant at={run.createdAt} /> by {run.requestedBy}
          </span>
          {run.summary !== undefined && <p class="summary clamp">{run.summary}</p>}
        </li>
      ))}
    </ul>
  );
}
