import type { Pages } from '../state/pages.ts';
import { ProblemNotice } from './notice.tsx';

/** The button below a list that goes on. */
export function More({ of }: { readonly of: Pages<unknown> }) {
  return (
    <>
      {of.moreProblem !== undefined && <ProblemNotice problem={of.moreProblem} retry={of.more} />}
      {of.hasMore && (
        <p>
          <button type="button" disabled={of.busy} onClick={of.more}>
            {of.busy ? 'Loading …' : 'Show older ones'}
          </button>
        </p>
      )}
    </>
  );
}
