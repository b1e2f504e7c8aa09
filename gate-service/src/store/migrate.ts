/** Brings a database to the newest shape. */
import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { Migration } from 'kysely/migration';
import * as initial from './migrations/0001-initial.ts';
import * as reference from './migrations/0002-reference.ts';
import * as auditChain from './migrations/0003-audit-chain.ts';
import * as overrides from './migrations/0004-overrides.ts';
import * as replicas from './migrations/0005-replicas.ts';
import * as history from './migrations/0006-history.ts';

/** In the order of their names; a name is never changed. */
const MIGRATIONS: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-reference': reference,
  '0003-audit-chain': auditChain,
  '0004-overrides': overrides,
  '0005-replicas': replicas,
  '0006-history': history,
};

/**
 * Runs every migration that the database has not seen yet, each once, in a transaction where the dialect can.
 * @throws when one fails; the database is then as it was before that migration
 */
export async function migrateToLatest<Tables>(db: Kysely<Tables>): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(MIGRATIONS) },
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) {
    const failed = results?.find((result) => result.status === 'Error')?.migrationName ?? 'unknown';
    throw new Error(
      `the database could not be brought to the newest shape (migration ${failed}): ` +
        (error instanceof Error ? error.message : JSON.stringify(error)),
      { cause: error },
    );
  }
}
