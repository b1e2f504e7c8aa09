import type { Promotion } from '../api/types.ts';
import { Instant } from '../parts/instant.tsx';
import { More } from '../parts/more.tsx';
import { Empty, Loaded } from '../parts/notice.tsx';
import { Mark } from '../parts/sign.tsx';
import { Weights } from '../parts/weights.tsx';
import { usePages } from '../state/pages.ts';
import { short, signOf } from '../text/words.ts';
import type { Labels } from './in-production.tsx';

/** Everything that moved production, or tried to, newest first. */
export function Promotions({
  labels,
  service,
}: {
  readonly service: string;
  readonly labels: Labels;
}) {
  const promotions = usePages<Promotion>(`/v1/services/${service}/promotions?limit=10`, 15_000);
  return (
    <Loaded of={promotions}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty>Nothing was brought into production yet.</Empty>
        ) : (
          <>
            <ul class="promotions">
              {[...items, ...promotions.older].map((one) => (
                <PromotionItem key={one.id} promotion={one} labels={labels} />
              ))}
            </ul>
            <More of={promotions} />
          </>
        )
      }
    </Loaded>
  );
}

/** One promotion; open while it is under way. */
export function PromotionItem({
  labels,
  promotion,
}: {
  readonly promotion: Promotion;
  readonly labels: Labels;
}) {
  const { actor, build, createdAt, origin, reason, runId, stage, state, steps, summary } =
    promotion;
  const running = state === 'running';
  return (
    <li>
      <details open={running}>
        <summary>
          <Mark sign={signOf(state)} {...(running && { note: stage })} />{' '}
          <strong>{labels.get(build) ?? short(build)}</strong>{' '}
          <span class="quiet">
            {origin === 'restore' ? 'back, ' : ''}by {actor}, <Instant at={createdAt} />
          </span>
        </summary>
        <p>
          {reason}
          {runId !== undefined && (
            <>
              {' '}
              – <a href={`/runs/${runId}`}>the run</a>
            </>
          )}
        </p>
        {summary !== undefined && <p>{summary}</p>}
        {(running || steps.length > 0) && <Weights steps={steps} running={running} />}
      </details>
    </li>
  );
}
