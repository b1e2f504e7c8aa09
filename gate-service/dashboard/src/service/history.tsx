import type { InForce } from '../api/types.ts';
import { Digest } from '../parts/digest.tsx';
import { Instant } from '../parts/instant.tsx';
import { More } from '../parts/more.tsx';
import { Empty, Loaded } from '../parts/notice.tsx';
import { usePages } from '../state/pages.ts';
import type { Labels } from './in-production.tsx';

/** What was in force, newest first. */
export function History({
  labels,
  service,
}: {
  readonly service: string;
  readonly labels: Labels;
}) {
  const history = usePages<InForce>(`/v1/services/${service}/history?limit=10`, 30_000);
  return (
    <Loaded of={history}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty>Nothing was in production yet.</Empty>
        ) : (
          <>
            <ul class="history">
              {[...items, ...history.older].map((one) => (
                <li key={one.promotionId}>
                  <strong>{labels.get(one.build) ?? ''}</strong>{' '}
                  <Digest of={one.build} what="build" /> <span class="quiet">configuration</span>{' '}
                  <Digest of={one.configurationHash} what="configuration" />{' '}
                  <span class="quiet">
                    since <Instant at={one.since} />
                  </span>
                </li>
              ))}
            </ul>
            <More of={history} />
          </>
        )
      }
    </Loaded>
  );
}
