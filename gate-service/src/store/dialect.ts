/** What the two dialects do differently, in one place. */
import { PostgresAdapter, sql } from 'kysely';
import type { Kysely, RawBuilder, Transaction } from 'kysely';

export function isPostgres<Tables>(db: Kysely<Tables>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}

/**
 * Lets one transaction at a time go on, of all that name the same matter, until it ends. SQLite has one writer
 * from `begin` on; PostgreSQL takes an advisory lock. To be the first statement of its transaction: what is
 * read after it was written before it. One matter per transaction, so that none waits for another in a circle;
 * only the audit may come after another.
 */
export async function serialise<Tables>(trx: Transaction<Tables>, matter: string): Promise<void> {
  if (!isPostgres(trx)) return;
  await sql`select pg_advisory_xact_lock(hashtextextended(${`speed-gate ${matter}`}, 0))`.execute(
    trx,
  );
}

/** Milliseconds since 1970 by the database's clock, at the moment the row is looked at. */
export function databaseClock<Tables>(db: Kysely<Tables>): RawBuilder<number> {
  return isPostgres(db)
    ? sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`
    : sql<number>`cast(unixepoch('subsec') * 1000 as integer)`;
}
