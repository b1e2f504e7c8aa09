import type { Insertable, Kysely, Selectable } from 'kysely';
import type { DeliveryRecord, DeliveryState, RunStore } from '../runs/run-store.ts';
import { serialise } from './dialect.ts';
import { newestOf } from './pages.ts';
import type { DeliveryTable, Schema } from './schema.ts';

type Part = Pick<RunStore, 'enqueueDelivery' | 'claimDueDelivery' | 'saveDelivery' | 'deliveries'>;

/** Notifications that have to reach somebody, each claimed by one sender at a time. */
export function deliveryQueries(db: Kysely<Schema>): Part {
  return {
    async enqueueDelivery(delivery) {
      await db
        .insertInto('deliveries')
        .values(deliveryToRow(delivery))
        .onConflict((conflict) => conflict.columns(['endpoint', 'subject', 'type']).doNothing())
        .execute();
    },

    claimDueDelivery: (holder, now, seconds) =>
      db.transaction().execute(async (trx) => {
        await serialise(trx, 'deliveries');
        const due = await trx
          .selectFrom('deliveries')
          .select('id')
          .where('state', '=', 'due')
          .where('next_at', '<=', now)
          .where((expression) =>
            expression.or([
              expression('claimed_until', 'is', null),
              expression('claimed_until', '<=', now),
            ]),
          )
          .orderBy('next_at')
          .orderBy('created_at')
          .orderBy('id')
          .limit(1)
          .executeTakeFirst();
        if (due === undefined) return undefined;
        const row = await trx
          .updateTable('deliveries')
          .set({
            claimed_by: holder,
            claimed_until: new Date(Date.parse(now) + seconds * 1000).toISOString(),
          })
          .where('id', '=', due.id)
          .returningAll()
          .executeTakeFirstOrThrow();
        return rowToDelivery(row);
      }),

    async saveDelivery(delivery) {
      const { numUpdatedRows } = await db
        .updateTable('deliveries')
        .set({
          state: delivery.state,
          attempts: delivery.attempts,
          next_at: delivery.nextAt,
          last_answer: delivery.lastAnswer ?? null,
          claimed_by: null,
          claimed_until: null,
        })
        .where('id', '=', delivery.id)
        .where('state', '<>', 'delivered')
        .executeTakeFirst();
      if (numUpdatedRows > 0n) return;
      const known = await db
        .selectFrom('deliveries')
        .select('id')
        .where('id', '=', delivery.id)
        .executeTakeFirst();
      if (known === undefined) throw new Error(`there is no delivery ${delivery.id}`);
    },

    deliveries: (filter, page) =>
      newestOf(statesOf(filter), page, rowToDelivery, (state, older, limit) => {
        let query = db.selectFrom('deliveries').selectAll().where(older);
        if (filter.id !== undefined) query = query.where('id', '=', filter.id);
        if (filter.endpoint !== undefined) query = query.where('endpoint', '=', filter.endpoint);
        if (state !== undefined) query = query.where('state', '=', state);
        if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject);
        return query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute();
      }),
  };
}

const STATES: readonly DeliveryState[] = ['due', 'delivered', 'given-up'];

/** The index of an endpoint has its messages in the order of age within each state. */
function statesOf({
  endpoint,
  id,
  state,
  subject,
}: Parameters<Part['deliveries']>[0]): readonly (DeliveryState | undefined)[] {
  const byEndpoint = endpoint !== undefined && id === undefined && subject === undefined;
  return state === undefined && byEndpoint ? STATES : [state];
}

function deliveryToRow(delivery: DeliveryRecord): Insertable<DeliveryTable> {
  return {
    id: delivery.id,
    endpoint: delivery.endpoint,
    subject: delivery.subject,
    type: delivery.type,
    body: delivery.body,
    created_at: delivery.createdAt,
    state: delivery.state,
    attempts: delivery.attempts,
    next_at: delivery.nextAt,
    last_answer: delivery.lastAnswer ?? null,
    claimed_by: null,
    claimed_until: null,
  };
}

function rowToDelivery(row: Selectable<DeliveryTable>): DeliveryRecord {
  return {
    id: row.id,
    endpoint: row.endpoint,
    subject: row.subject,
    type: row.type,
    body: row.body,
    createdAt: row.created_at,
    state: row.state as DeliveryState,
    attempts: row.attempts,
    nextAt: row.next_at,
    ...(row.last_answer !== null && { lastAnswer: row.last_answer }),
  };
}
