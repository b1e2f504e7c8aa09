import type { Kysely } from 'kysely';
import type { RunStore, TuningView } from '../runs/run-store.ts';
import { batched } from './batch.ts';
import { decode, encode } from './json.ts';
import type { Schema } from './schema.ts';

type Part = Pick<
  RunStore,
  'saveTuning' | 'tuning' | 'learntSessions' | 'saveLearnt' | 'forgetLearnt'
>;

/** What tuning did in a run, and what the tuners of later runs are told. */
export function tuningQueries(db: Kysely<Schema>): Part {
  return {
    async saveTuning({ runId, start, service, at, view, learnt }) {
      const row = {
        at,
        view: encode(view),
        space: learnt?.space ?? null,
        session: learnt === undefined ? null : encode(learnt.session),
      };
      await db
        .insertInto('tunings')
        .values({ run_id: runId, start, service, ...row })
        .onConflict((conflict) => conflict.columns(['run_id', 'start']).doUpdateSet(row))
        .execute();
    },

    tuning: batched<TuningView | undefined>(async (runIds) => {
      const rows = await db
        .selectFrom('tunings')
        .select(['run_id', 'view'])
        .where('run_id', 'in', runIds)
        .orderBy('run_id')
        .orderBy('start')
        .execute();
      // The last start of each run.
      return new Map(rows.map(({ run_id, view }) => [run_id, decode(view) as TuningView]));
    }, undefined),

    async learntSessions({ service }, limit) {
      let query = db
        .selectFrom('tunings')
        .select(['run_id', 'start', 'service', 'at', 'space', 'session'])
        .where('session', 'is not', null);
      if (service !== undefined) query = query.where('service', '=', service);
      const rows = await query
        .orderBy('at', 'desc')
        .orderBy('run_id', 'desc')
        .orderBy('start', 'desc')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        runId: row.run_id,
        start: row.start,
        service: row.service,
        at: row.at,
        space: row.space ?? '',
        session: decodeOrText(row.session ?? ''),
      }));
    },

    async saveLearnt({ runId, start, space, session }) {
      await db
        .updateTable('tunings')
        .set({ space, session: encode(session) })
        .where('run_id', '=', runId)
        .where('start', '=', start)
        .execute();
    },

    async forgetLearnt(keep) {
      const byAge = db
        .selectFrom('tunings')
        .select(['run_id', 'start'])
        .select(({ fn }) =>
          fn
            .agg<number>('row_number')
            .over((over) =>
              over
                .partitionBy('service')
                .orderBy('at', 'desc')
                .orderBy('run_id', 'desc')
                .orderBy('start', 'desc'),
            )
            .as('rank'),
        )
        .where('session', 'is not', null);
      const old = db
        .selectFrom(byAge.as('by_age'))
        .select(['run_id', 'start'])
        .where('rank', '>', keep);
      const forgotten = await db
        .updateTable('tunings')
        .set({ space: null, session: null })
        .where((row) => row(row.refTuple('run_id', 'start'), 'in', old.$asTuple('run_id', 'start')))
        .executeTakeFirst();
      const replaced = await db
        .deleteFrom('tunings')
        .where('session', 'is', null)
        .where((row) =>
          row.exists(
            row
              .selectFrom('tunings as later')
              .select('later.run_id')
              .whereRef('later.run_id', '=', 'tunings.run_id')
              .whereRef('later.start', '>', 'tunings.start'),
          ),
        )
        .executeTakeFirst();
      return Number(forgotten.numUpdatedRows + replaced.numDeletedRows);
    },
  };
}

/** A row that somebody has spoilt is handed on as it is: the reader finds that it is none, and says so. */
function decodeOrText(text: string): unknown {
  try {
    return decode(text);
  } catch {
    return text;
  }
}
