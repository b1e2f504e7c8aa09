import type { Page, QueueEntry } from '../api/types.ts';
import { Instant } from '../parts/instant.tsx';
import { Empty, Loaded } from '../parts/notice.tsx';
import { Mark } from '../parts/sign.tsx';
import { useTitle } from '../parts/title.ts';
import { useResource } from '../state/resource.ts';
import { counted } from '../text/numbers.ts';
import { runName, signOfRun } from '../text/words.ts';

export function QueuePage() {
  useTitle('Queue');
  const queue = useResource<Page<QueueEntry>>('/v1/queue', 5_000);
  return (
    <>
      <h1>Queue</h1>
      <p class="quiet">
        One measurement at a time on a host: two would disturb each other. In the order in which
        they are taken.
      </p>
      <Loaded of={queue}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>
              Nothing runs and nothing waits. <a href="/runs">All runs</a>
            </Empty>
          ) : (
            <ol class="runs">
              {items.map((run) => (
                <li key={run.id}>
                  <Mark sign={signOfRun(run)} />
                  <a href={`/runs/${run.id}`}>{runName(run)}</a>
                  <span class="quiet">
                    asked for <Instant at={run.createdAt} as="ago" /> by {run.requestedBy}
                  </span>
                  <p class="summary">{stateOf(run)}</p>
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
    </>
  );
}

function stateOf({ earlierRuns, phase, queue }: QueueEntry) {
  const again = earlierRuns > 0 && ` Run ${earlierRuns + 1} of this build.`;
  if (queue === undefined) {
    return (
      <>
        Under way: {phase}.{again}
      </>
    );
  }
  return (
    <>
      {counted(queue.ahead, 'run')} ahead; {queue.reason}.{again}{' '}
      {queue.behind !== undefined && <a href={`/runs/${queue.behind}`}>The one before it</a>}
    </>
  );
}
