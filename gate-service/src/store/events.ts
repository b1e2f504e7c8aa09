import type { Kysely } from 'kysely';
import type { RunStore } from '../runs/run-store.ts';
import type { RunEvent } from '../runs/run.ts';
import { serialise } from './dialect.ts';
import { decode, encode } from './json.ts';
import type { Schema } from './schema.ts';

type Part = Pick<RunStore, 'appendEvent' | 'events'>;

/** What happened in each run, numbered without gaps. */
export function eventQueries(db: Kysely<Schema>): Part {
  return {
    appendEvent: (event) =>
      db.transaction().execute(async (trx) => {
        await serialise(trx, `events of ${event.runId}`);
        const last = await trx
          .selectFrom('run_events')
          .select((expression) => expression.fn.max('sequence').as('sequence'))
          .where('run_id', '=', event.runId)
          .executeTakeFirst();
        const sequence = (last?.sequence ?? 0) + 1;
        await trx
          .insertInto('run_events')
          .values({
            run_id: event.runId,
            sequence,
            at: event.at,
            type: event.type,
            message: event.message,
            data: encode(event.data),
          })
          .execute();
        return { ...event, sequence };
      }),

    async events(runId, after, limit) {
      const rows = await db
        .selectFrom('run_events')
        .selectAll()
        .where('run_id', '=', runId)
        .where('sequence', '>', after)
        .orderBy('sequence')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        runId: row.run_id,
        sequence: row.sequence,
        at: row.at,
        type: row.type as RunEvent['type'],
        message: row.message,
        data: decode(row.data) as RunEvent['data'],
      }));
    },
  };
}
