/** Orders that waited too long: nobody is surprised at night by what was ordered for the afternoon. */
import type { Clock } from './clock.ts';
import { latestBegin } from './order-rules.ts';
import type { PromotionRecord } from './records.ts';
import type { RunStore } from './run-store.ts';

/**
 * Asked right before a stored promotion begins.
 * @returns why it must not begin any more, for a person; undefined when it may
 */
export async function lapsedOrder(
  { clock, store }: { readonly clock: Clock; readonly store: Pick<RunStore, 'overrides'> },
  promotion: PromotionRecord,
): Promise<string | undefined> {
  const { createdAt, id, origin, runId } = promotion;
  if (origin !== 'person' && origin !== 'restore') return undefined;
  const overrides = runId === undefined ? [] : await store.overrides(runId);
  // A promotion that an override started has the override's id.
  const override = overrides.find((one) => one.id === id);
  const expires = override === undefined ? latestBegin(createdAt) : Date.parse(override.expiresAt);
  if (clock.now() < expires) return undefined;
  return `the order of ${promotion.actor} expired at ${new Date(expires).toISOString()}, before it could begin: nothing was changed; order it again if it is still wanted`;
}
