import type { AuditEntry } from '../api/types.ts';
import { Filters, TextFilter } from '../parts/filter.tsx';
import { Instant } from '../parts/instant.tsx';
import { More } from '../parts/more.tsx';
import { Empty, Loaded } from '../parts/notice.tsx';
import { useTitle } from '../parts/title.ts';
import { usePages } from '../state/pages.ts';
import { addressOf, usePlace } from '../state/route.ts';
import { short } from '../text/words.ts';

export function AuditPage() {
  useTitle('Audit');
  const { query } = usePlace();
  const entries = usePages<AuditEntry>(
    addressOf('/v1/audit', {
      limit: '50',
      service: query.get('service') ?? undefined,
      subject: query.get('subject') ?? undefined,
    }),
  );
  return (
    <>
      <h1>Audit</h1>
      <p class="quiet">
        Who did what and why, newest first. Every entry carries the hash of the one before it;{' '}
        <code>speed-gate audit verify</code> checks the chain.
      </p>
      <Filters>
        <TextFilter name="subject" label="Run, promotion or build" />
      </Filters>
      <Loaded of={entries} lines={12}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>Nothing that fits was done yet.</Empty>
          ) : (
            <>
              <ul class="audit">
                {[...items, ...entries.older].map((entry) => (
                  <Entry key={entry.sequence} entry={entry} />
                ))}
              </ul>
              <More of={entries} />
            </>
          )
        }
      </Loaded>
    </>
  );
}

function Entry({ entry }: { readonly entry: AuditEntry }) {
  const { action, actor, at, data, hash, reason, sequence, service, subject } = entry;
  return (
    <li>
      <p class="audit-line">
        <span class="quiet number">{sequence}</span>
        <strong>{actor}</strong> <code>{action}</code>
        <span>
          {action.startsWith('run.') ? <a href={`/runs/${subject}`}>{short(subject)}</a> : subject}
          {service !== undefined && service !== subject && (
            <>
              {' '}
              of <a href={`/services/${service}`}>{service}</a>
            </>
          )}
        </span>
        <span class="quiet">
          <Instant at={at} />
        </span>
      </p>
      {reason !== undefined && <p>“{reason}”</p>}
      <details>
        <summary>Details</summary>
        <pre>{JSON.stringify(data, undefined, 2)}</pre>
        <p class="quiet">
          SHA-256 of this entry and the one before: <code>{hash}</code>
        </p>
      </details>
    </li>
  );
}
