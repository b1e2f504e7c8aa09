/** Brings a database to the newest shape. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { Migration } from 'kysely/migration';
import { StoreUnavailableError } from '../runs/run-store.ts';
import * as initial from './migrations/0001-initial.ts';
import * as reference from './migrations/0002-reference.ts';
import * as auditChain from './migrations/0003-audit-chain.ts';
import * as overrides from './migrations/0004-overrides.ts';
import * as replicas from './migrations/0005-replicas.ts';
import * as history from './migrations/0006-history.ts';
import * as byteOrder from './migrations/0007-byte-order.ts';
import * as standingQuestions from './migrations/0008-standing-questions.ts';
import * as tuning from './migrations/0009-tuning.ts';

/** In the order of their names; a name is never changed. */
const MIGRATIONS: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-reference': reference,
  '0003-audit-chain': auditChain,
  '0004-overrides': overrides,
  '0005-replicas': replicas,
  '0006-history': history,
  '0007-byte-order': byteOrder,
  '0008-standing-questions': standingQuestions,
  '0009-tuning': tuning,
};

/**
 * Runs every migration that the database has not seen yet, each once, all in one transaction.
 * @throws when one fails; the database is then as it was before
 */
export async function migrateToLatest<Tables>(db: Kysely<Tables>): Promise<void> {
  const { error, results } = await migrator(db).migrateToLatest();
  if (error === undefined) return;
  if (error instanceof StoreUnavailableError) throw error;
  const failed = results?.find((result) => result.status === 'Error')?.migrationName;
  const words = error instanceof Error ? error.message : JSON.stringify(error);
  // Kysely's own word for a database that knows migrations which this program does not.
  const newer = /corrupted migrations: previously executed migration .* is missing/.test(words);
  if (newer) throw newerError(words, error);
  throw new Error(
    `the database could not be brought to the newest shape (migration ${failed ?? 'unknown'}): ${words}`,
    { cause: error },
  );
}

function newerError(words: string, cause?: unknown): Error {
  return new Error(
    `the database was used by a newer version of Speed Gate: start that one, or restore a copy from before (${words})`,
    { cause },
  );
}

/** @throws Error when the database has not seen every migration, or seen others; nothing is changed */
export async function requireLatest<Tables>(db: Kysely<Tables>): Promise<void> {
  const migrations = await migrator(db).getMigrations();
  const pending = migrations.filter(({ executedAt }) => executedAt === undefined);
  if (pending.length < migrations.length) {
    const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
    const unknown = rows.map(({ name }) => name).filter((name) => !(name in MIGRATIONS));
    if (unknown.length > 0) throw newerError(`it has seen ${unknown.join(', ')}`);
  }
  if (pending.length === 0) return;
  throw new Error(
    `the database is empty or of an older version (it lacks ${pending.map(({ name }) => name).join(', ')}): start the gate service of this version on it once`,
  );
}

function migrator<Tables>(db: Kysely<Tables>): Migrator {
  return new Migrator({ db, provider: { getMigrations: () => Promise.resolve(MIGRATIONS) } });
}
