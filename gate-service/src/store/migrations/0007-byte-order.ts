/**
 * Text is compared byte by byte, as SQLite does it. A collation of the operating system would sort ids another
 * way, and could damage the indexes with the next version of its library.
 */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { isPostgres } from '../dialect.ts';

const TABLES = [
  'attempts',
  'audit',
  'builds',
  'configurations',
  'deliveries',
  'idempotency_keys',
  'intents',
  'judged_pairs',
  'judgements',
  'leases',
  'measurements',
  'promotions',
  'run_events',
  'run_overrides',
  'runs',
  'service_history',
  'service_references',
  'service_state',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  if (!isPostgres(db)) return;
  const { rows } = await sql<{ table_name: string; column_name: string }>`
    select table_name, column_name from information_schema.columns
    where table_schema = current_schema() and data_type = 'text'
      and table_name in (${sql.join(TABLES.map((name) => sql.lit(name)))})
    order by table_name, ordinal_position`.execute(db);
  for (const table of TABLES) {
    const changes = rows
      .filter(({ table_name }) => table_name === table)
      .map(({ column_name }) => sql`alter column ${sql.id(column_name)} type text collate "C"`);
    await sql`alter table ${sql.table(table)} ${sql.join(changes)}`.execute(db);
  }
}
