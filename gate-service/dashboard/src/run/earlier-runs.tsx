import type { Page, Run, RunInShort } from '../api/types.ts';
import { RunList } from '../parts/run-list.tsx';
import { useResource } from '../state/resource.ts';
import { addressOf } from '../state/route.ts';

/** All runs of the same build: nobody gates until it is green in the dark. */
export function EarlierRuns({ run }: { readonly run: Run }) {
  const { build, earlierRuns, service } = run;
  const runs = useResource<Page<RunInShort>>(
    earlierRuns > 0 ? addressOf('/v1/runs', { service, build, limit: '20' }) : undefined,
  );
  const others = (runs.data?.items ?? []).filter(({ id }) => id !== run.id);
  if (others.length === 0) return null;
  return (
    <>
      <h3>Other runs of this build</h3>
      <RunList runs={others} ofService />
    </>
  );
}
