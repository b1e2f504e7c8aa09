import type { Kysely } from 'kysely';
import type { IntentKind, IntentOutcome, RunStore } from '../runs/run-store.ts';
import { serialise } from './dialect.ts';
import { decode, encode } from './json.ts';
import type { Schema } from './schema.ts';

type Part = Pick<RunStore, 'saveIntent' | 'saveOutcome' | 'intents'>;

/** Changes of the world: what shall be done is stored before, what came of it after. */
export function intentQueries(db: Kysely<Schema>): Part {
  return {
    async saveIntent(intent) {
      await db.transaction().execute(async (trx) => {
        await serialise(trx, 'intents');
        const last = await trx
          .selectFrom('intents')
          .select((expression) => expression.fn.max('position').as('position'))
          .executeTakeFirst();
        await trx
          .insertInto('intents')
          .values({
            id: intent.id,
            position: (last?.position ?? 0) + 1,
            service: intent.service,
            run_id: intent.runId ?? null,
            promotion_id: intent.promotionId ?? null,
            kind: intent.kind,
            at: intent.at,
            data: encode(intent.data),
            outcome: null,
          })
          .execute();
      });
    },

    async saveOutcome(intentId, outcome) {
      const { numUpdatedRows } = await db
        .updateTable('intents')
        .set({ outcome: encode(outcome) })
        .where('id', '=', intentId)
        .where('outcome', 'is', null)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) {
        throw new Error(`intent ${intentId} does not exist, or its outcome is stored already`);
      }
    },

    async intents(filter) {
      let query = db.selectFrom('intents').selectAll();
      if (filter.runId !== undefined) query = query.where('run_id', '=', filter.runId);
      if (filter.promotionId !== undefined) {
        query = query.where('promotion_id', '=', filter.promotionId);
      }
      if (filter.open !== undefined) {
        query = query.where('outcome', filter.open ? 'is' : 'is not', null);
      }
      const rows = await query.orderBy('position').execute();
      return rows.map((row) => ({
        id: row.id,
        service: row.service,
        ...(row.run_id !== null && { runId: row.run_id }),
        ...(row.promotion_id !== null && { promotionId: row.promotion_id }),
        kind: row.kind as IntentKind,
        at: row.at,
        data: decode(row.data) as Record<string, unknown>,
        ...(row.outcome !== null && { outcome: decode(row.outcome) as IntentOutcome }),
      }));
    },
  };
}
