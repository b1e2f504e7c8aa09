import type { Override, RunEvent } from '../api/types.ts';
import { Instant } from '../parts/instant.tsx';
import { Mark } from '../parts/sign.tsx';
import { signOf } from '../text/words.ts';
import { PromotionState } from './promotion.tsx';

interface Properties {
  readonly overrides: readonly Override[];
  readonly events: readonly RunEvent[];
}

/** What people ordered beside the decision, and what came of it. */
export function Overrides({ events, overrides }: Properties) {
  return (
    <ul class="overrides">
      {overrides.map((one) => (
        <li key={one.id} class="card">
          <p>
            <strong>{one.actor}</strong> ordered <strong>{one.order}</strong>{' '}
            <Instant at={one.at} />
            {one.cause === 'invalid' && one.order === 'promote' && (
              <strong>, although the measurement was invalid</strong>
            )}
          </p>
          <blockquote>{one.reason}</blockquote>
          <p>
            <Mark sign={signOf(one.state)} /> {one.outcome}{' '}
            <span class="quiet">
              It could act until <Instant at={one.expiresAt} />. The decision stays as it was.
            </span>
          </p>
          {one.promotion !== undefined && (
            <PromotionState promotion={one.promotion} events={events} />
          )}
        </li>
      ))}
    </ul>
  );
}
