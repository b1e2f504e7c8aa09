import type { Kysely, Transaction } from 'kysely';
import type { RunStore } from '../runs/run-store.ts';
import type { RunEvent } from '../runs/run.ts';
import { batched } from './batch.ts';
import { serialise } from './dialect.ts';
import { decode, encode } from './json.ts';
import type { Schema } from './schema.ts';

type Part = Pick<RunStore, 'appendEvent' | 'events'>;

/** What happened in each run, numbered without gaps. */
export function eventQueries(db: Kysely<Schema>): Part {
  const read = async (
    runId: string,
    after: number,
    limit: number,
  ): Promise<readonly RunEvent[]> => {
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
  };
  // Everybody who watches a run asks for the same events at the same moment.
  const readOnce = batched<readonly RunEvent[]>(async (keys) => {
    const found = await Promise.all(
      keys.map(async (key) => {
        const [runId, after, limit] = JSON.parse(key) as [string, number, number];
        return [key, await read(runId, after, limit)] as const;
      }),
    );
    return new Map(found);
  }, []);

  return {
    appendEvent: (event) =>
      db.transaction().execute(async (trx) => {
        await serialise(trx, `events of ${event.runId}`);
        const last = await trx
          .selectFrom('run_events')
          .select((expression) => expression.fn.max('sequence').as('sequence'))
          .where('run_id', '=', event.runId)
          .executeTakeFirst();
        return insertEvent(trx, { ...event, sequence: (last?.sequence ?? 0) + 1 });
      }),

    events: (runId, after, limit) => readOnce(JSON.stringify([runId, after, limit])),
  };
}

/** The first event of a run that nobody else knows yet needs no lock. */
export async function insertEvent(trx: Transaction<Schema>, event: RunEvent): Promise<RunEvent> {
  const { runId, data, ...row } = event;
  await trx
    .insertInto('run_events')
    .values({ ...row, run_id: runId, data: encode(data) })
    .execute();
  return event;
}
