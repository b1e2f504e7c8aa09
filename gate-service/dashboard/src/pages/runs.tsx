import type { RunInShort } from '../api/types.ts';
import { Filters, SelectFilter, TextFilter } from '../parts/filter.tsx';
import { More } from '../parts/more.tsx';
import { Empty, Loaded } from '../parts/notice.tsx';
import { RunList } from '../parts/run-list.tsx';
import { useTitle } from '../parts/title.ts';
import { usePages } from '../state/pages.ts';
import { addressOf, usePlace } from '../state/route.ts';
import { CAUSES } from '../text/words.ts';

const DECISIONS = ['pass', 'promote', 'rollback'];
const FILTERS = ['service', 'decision', 'cause', 'requestedBy', 'build'];

export function RunsPage() {
  useTitle('Runs');
  const { query } = usePlace();
  const wanted = FILTERS.map((name) => [name, query.get(name) ?? undefined] as const);
  const runs = usePages<RunInShort>(
    addressOf('/v1/runs', { limit: '50', ...Object.fromEntries(wanted) }),
    10_000,
  );
  const filtered = wanted.some(([, value]) => value !== undefined);
  return (
    <>
      <h1>Runs</h1>
      <Filters>
        <SelectFilter name="decision" label="Decision" of={DECISIONS} />
        <SelectFilter name="cause" label="Cause" of={Object.keys(CAUSES)} />
        <TextFilter name="requestedBy" label="Asked for by" />
      </Filters>
      <Loaded of={runs} lines={12}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>
              {filtered ? (
                <>
                  No run fits. <a href="/runs">Show all</a>
                </>
              ) : (
                <>
                  There is no run yet. A pipeline starts one with <code>speedGate(…)</code>.
                </>
              )}
            </Empty>
          ) : (
            <>
              <RunList runs={[...items, ...runs.older]} />
              <More of={runs} />
            </>
          )
        }
      </Loaded>
    </>
  );
}
