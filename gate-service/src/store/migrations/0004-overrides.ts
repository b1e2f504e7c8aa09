/** Several overrides of a run, each with what came of it; before, a later one replaced the earlier. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('run_overrides')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('run_id', 'text', (c) => c.notNull().references('runs.id'))
    .addColumn('order', 'text', (c) => c.notNull())
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('at', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('outcome', 'text')
    .addColumn('cause', 'text')
    .execute();
  // What came of an earlier one is known by the promotion that it started.
  await sql`insert into run_overrides
      (id, run_id, "order", actor, reason, at, expires_at, state, cause)
    select 'override-' || overrides.run_id, overrides.run_id, overrides."order", overrides.actor,
      overrides.reason, overrides.at, overrides.expires_at,
      case
        when runs.phase <> 'finished' then 'waiting'
        when exists (
          select 1 from promotions
          where promotions.run_id = runs.id and promotions.origin in ('person', 'restore')
        ) then 'acted'
        else 'stands'
      end,
      runs.cause
    from overrides join runs on runs.id = overrides.run_id`.execute(db);
  await db.schema.dropTable('overrides').execute();
  await db.schema
    .createIndex('run_overrides_by_run')
    .on('run_overrides')
    .columns(['run_id', 'at', 'id'])
    .execute();
  await db.schema
    .createIndex('run_overrides_by_state')
    .on('run_overrides')
    .columns(['state', 'at', 'id'])
    .execute();
}
