/** What tuning did in each run, and what later runs may learn from it. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { isPostgres } from '../dialect.ts';

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('tunings')
    .addColumn('run_id', 'text', (c) => c.notNull())
    .addColumn('start', 'integer', (c) => c.notNull())
    .addColumn('service', 'text', (c) => c.notNull())
    .addColumn('at', 'text', (c) => c.notNull())
    .addColumn('view', 'text', (c) => c.notNull())
    .addColumn('space', 'text')
    .addColumn('session', 'text')
    .addPrimaryKeyConstraint('tunings_key', ['run_id', 'start'])
    .execute();
  if (isPostgres(db)) {
    // Byte by byte, as the other tables' (0007).
    for (const column of ['run_id', 'service', 'at', 'view', 'space', 'session']) {
      await sql`alter table tunings alter column ${sql.id(column)} type text collate "C"`.execute(
        db,
      );
    }
  }
  // Only what taught something is read by later runs.
  const learnt = (name: string, columns: readonly string[]) =>
    schema
      .createIndex(name)
      .on('tunings')
      .columns([...columns])
      .where(sql<boolean>`session is not null`)
      .execute();
  await learnt('tunings_by_service', ['service', 'at', 'run_id', 'start']);
  await learnt('tunings_by_age', ['at', 'run_id', 'start']);
}
