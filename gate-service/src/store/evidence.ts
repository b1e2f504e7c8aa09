import type { Kysely } from 'kysely';
import type { AttemptRecord, JudgedPair, JudgementRecord, RunStore } from '../runs/run-store.ts';
import { batched, byKey } from './batch.ts';
import { decode, encode } from './json.ts';
import { rowToMeasurement } from './retention.ts';
import type { Schema } from './schema.ts';

type Part = Pick<
  RunStore,
  | 'saveAttempt'
  | 'attempts'
  | 'saveMeasurement'
  | 'measurement'
  | 'measurements'
  | 'saveJudgement'
  | 'judgement'
  | 'judgements'
  | 'saveJudgedPair'
  | 'judgedPair'
>;

/** What a decision rests on: attempts, measurements, judgements, and the pairs that were judged. */
export function evidenceQueries(db: Kysely<Schema>): Part {
  return {
    async saveAttempt(attempt) {
      await db
        .insertInto('attempts')
        .values({ run_id: attempt.runId, number: attempt.number, record: encode(attempt) })
        .onConflict((conflict) =>
          conflict.columns(['run_id', 'number']).doUpdateSet({ record: encode(attempt) }),
        )
        .execute();
    },

    attempts: batched<readonly AttemptRecord[]>(async (runIds) => {
      const rows = await db
        .selectFrom('attempts')
        .select(['run_id', 'record'])
        .where('run_id', 'in', runIds)
        .orderBy('run_id')
        .orderBy('number')
        .execute();
      return byRun(rows, (row) => decode(row.record) as AttemptRecord);
    }, []),

    async saveMeasurement(measurement) {
      await db
        .insertInto('measurements')
        .values({
          id: measurement.id,
          run_id: measurement.runId,
          attempt: measurement.attempt,
          started_at: measurement.startedAt,
          ended_at: measurement.endedAt,
          samples_pruned_at: measurement.samplesPrunedAt ?? null,
          record: encode(measurement),
        })
        .execute();
    },

    async measurement(id) {
      const row = await db
        .selectFrom('measurements')
        .select(['record', 'samples_pruned_at'])
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? undefined : rowToMeasurement(row);
    },

    async measurements(runId) {
      const rows = await db
        .selectFrom('measurements')
        .select(['record', 'samples_pruned_at'])
        .where('run_id', '=', runId)
        .orderBy('attempt')
        .orderBy('started_at')
        .execute();
      return rows.map(rowToMeasurement);
    },

    async saveJudgement(judgement) {
      await db
        .insertInto('judgements')
        .values({
          id: judgement.id,
          run_id: judgement.runId,
          measurement_id: judgement.measurementId,
          at: judgement.at,
          record: encode(judgement),
        })
        .execute();
    },

    async judgement(id) {
      const row = await db
        .selectFrom('judgements')
        .select('record')
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? undefined : (decode(row.record) as JudgementRecord);
    },

    judgements: batched<readonly JudgementRecord[]>(async (runIds) => {
      const rows = await db
        .selectFrom('judgements')
        .select(['run_id', 'record'])
        .where('run_id', 'in', runIds)
        .orderBy('at')
        .orderBy('id')
        .execute();
      return byRun(rows, (row) => decode(row.record) as JudgementRecord);
    }, []),

    async saveJudgedPair(pair) {
      const row = {
        run_id: pair.runId,
        judgement_id: pair.judgementId,
        decision: pair.decision,
        cause: pair.cause,
        at: pair.at,
      };
      await db
        .insertInto('judged_pairs')
        .values({
          service: pair.service,
          build: pair.build,
          configuration_hash: pair.configurationHash,
          ...row,
        })
        .onConflict((conflict) =>
          conflict.columns(['service', 'build', 'configuration_hash']).doUpdateSet(row),
        )
        .execute();
    },

    async judgedPair(service, pair) {
      const row = await db
        .selectFrom('judged_pairs')
        .selectAll()
        .where('service', '=', service)
        .where('build', '=', pair.build)
        .where('configuration_hash', '=', pair.configurationHash)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      return {
        service: row.service,
        build: row.build,
        configurationHash: row.configuration_hash,
        runId: row.run_id,
        judgementId: row.judgement_id,
        decision: row.decision as JudgedPair['decision'],
        cause: row.cause as JudgedPair['cause'],
        at: row.at,
      };
    },
  };
}

function byRun<Row extends { readonly run_id: string }, T>(
  rows: readonly Row[],
  map: (row: Row) => T,
): ReadonlyMap<string, readonly T[]> {
  return byKey(rows, ({ run_id }) => run_id, map);
}
