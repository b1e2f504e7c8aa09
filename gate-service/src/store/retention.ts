import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import type { InForce, MeasurementRecord, RunStore } from '../runs/run-store.ts';
import { decode } from './json.ts';
import { UNFINISHED_PHASES } from './run-rows.ts';
import type { MeasurementTable, Schema } from './schema.ts';

type Part = Pick<RunStore, 'prunableMeasurements' | 'markSamplesPruned' | 'removeSettled'>;

/** What may go: samples, settled messages, old keys. The measurements' records and the judgements stay for good. */
export function retentionQueries(db: Kysely<Schema>): Part {
  return {
    async prunableMeasurements(before, limit) {
      const kept = await keptBuilds(db);
      const pairs = kept.map(({ service, build }) => sql`(${service}, ${build})`);
      const rows = await db
        .selectFrom('measurements')
        .select(['record', 'samples_pruned_at'])
        .where('samples_pruned_at', 'is', null)
        .where('ended_at', '<', before)
        // Not a join: the oldest are to be looked at first, along their index.
        .where((expression) => {
          let run = expression
            .selectFrom('runs')
            .select('runs.id')
            .whereRef('runs.id', '=', 'measurements.run_id')
            .where('runs.phase', '=', 'finished');
          if (pairs.length > 0) {
            run = run.where(
              sql<boolean>`(runs.service, runs.build) not in (values ${sql.join(pairs)})`,
            );
          }
          return expression.exists(run);
        })
        .orderBy('ended_at')
        .limit(limit)
        .execute();
      return rows.map(rowToMeasurement);
    },

    async markSamplesPruned(id, at) {
      const { numUpdatedRows } = await db
        .updateTable('measurements')
        .set((expression) => ({
          samples_pruned_at: expression.fn.coalesce('samples_pruned_at', sql.val(at)),
        }))
        .where('id', '=', id)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw new Error(`there is no measurement ${id}`);
    },

    async removeSettled(before, limit) {
      const messages = await db
        .deleteFrom('deliveries')
        // Once more: one that somebody makes due again meanwhile stays.
        .where('state', '<>', 'due')
        .where('id', 'in', (due) =>
          due
            .selectFrom('deliveries')
            .select('id')
            .where('state', 'in', ['delivered', 'given-up'])
            .where('next_at', '<', before)
            .where('type', '<>', 'ping')
            .limit(limit),
        )
        .executeTakeFirst();
      const keys = await db
        .deleteFrom('idempotency_keys')
        .where((expression) =>
          expression(
            expression.refTuple('actor', 'key'),
            'in',
            expression
              .selectFrom('idempotency_keys')
              .select(['actor', 'key'])
              .where('created_at', '<', before)
              .where('run_id', 'not in', (open) =>
                open.selectFrom('runs').select('id').where('phase', 'in', UNFINISHED_PHASES),
              )
              .limit(limit)
              .$asTuple('actor', 'key'),
          ),
        )
        .executeTakeFirst();
      return Number(messages.numDeletedRows + keys.numDeletedRows);
    },
  };
}

/** Builds whose evidence somebody may want to see as long as they matter. */
async function keptBuilds(
  db: Kysely<Schema>,
): Promise<readonly { readonly service: string; readonly build: string }[]> {
  const states = await db
    .selectFrom('service_state')
    .select(['service', 'in_force', 'last_known_good'])
    .execute();
  const references = await db
    .selectFrom('service_references')
    .select(['service', 'build'])
    .execute();
  const running = states.flatMap(({ service, in_force, last_known_good }) =>
    [in_force, last_known_good]
      .filter((text) => text !== null)
      .map((text) => ({ service, build: (decode(text) as InForce).build })),
  );
  return [...running, ...references];
}

/** The column says whether the samples are gone; the record is as it was when it was measured. */
export function rowToMeasurement(
  row: Pick<Selectable<MeasurementTable>, 'record' | 'samples_pruned_at'>,
): MeasurementRecord {
  const record = decode(row.record) as MeasurementRecord;
  return row.samples_pruned_at === null
    ? record
    : { ...record, samplesPrunedAt: row.samples_pruned_at };
}
