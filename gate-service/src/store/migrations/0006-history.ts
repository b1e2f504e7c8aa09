/** A long history: indexes for each way to look at it, and samples that may be removed. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { decode } from '../json.ts';

interface Tables {
  measurements: { id: string; record: string; ended_at: string };
}

const BATCH = 500;

export async function up(db: Kysely<Tables>): Promise<void> {
  const { schema } = db;
  await schema.alterTable('runs').addColumn('superseded_by', 'text').execute();
  await schema
    .alterTable('measurements')
    .addColumn('ended_at', 'text', (c) => c.notNull().defaultTo(''))
    .execute();
  await schema.alterTable('measurements').addColumn('samples_pruned_at', 'text').execute();
  await fillEnds(db);

  const index = (name: string, columns: readonly string[]) =>
    schema
      .createIndex(name)
      .on('runs')
      .columns([...columns])
      .execute();
  await index('runs_by_build', ['build', 'created_at', 'id']);
  await index('runs_by_service_build', ['service', 'build']);
  await index('runs_by_requester', ['requested_by', 'created_at', 'id']);
  await index('runs_by_decision', ['decision', 'created_at', 'id']);
  await index('runs_by_cause', ['cause', 'created_at', 'id']);
  await index('runs_by_service_decision', ['service', 'decision', 'created_at', 'id']);
  await index('runs_by_service_cause', ['service', 'cause', 'created_at', 'id']);
  await index('runs_by_service_end', ['service', 'finished_at', 'id']);
  await schema
    .createIndex('measurements_with_samples')
    .on('measurements')
    .column('ended_at')
    .where(sql<boolean>`samples_pruned_at is null`)
    .execute();
  await schema
    .createIndex('promotions_by_age')
    .on('promotions')
    .columns(['created_at', 'id'])
    .execute();
  await schema
    .createIndex('promotions_by_state')
    .on('promotions')
    .columns(['state', 'created_at', 'id'])
    .execute();
}

async function fillEnds(db: Kysely<Tables>): Promise<void> {
  let after = '';
  for (;;) {
    const rows = await db
      .selectFrom('measurements')
      .select(['id', 'record'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(BATCH)
      .execute();
    for (const { id, record } of rows) {
      const { endedAt } = decode(record) as { readonly endedAt: string };
      await db
        .updateTable('measurements')
        .set({ ended_at: endedAt })
        .where('id', '=', id)
        .execute();
      after = id;
    }
    if (rows.length < BATCH) return;
  }
}
