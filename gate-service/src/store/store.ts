/** The embedded store: one SQLite file, opened and brought to the newest shape. */
import { Kysely, sql } from 'kysely';
import type { RunStore } from '../runs/run-store.ts';
import { auditQueries } from './audit.ts';
import { buildQueries } from './builds.ts';
import { deliveryQueries } from './deliveries.ts';
import { eventQueries } from './events.ts';
import { evidenceQueries } from './evidence.ts';
import { intentQueries } from './intents.ts';
import { leaseQueries } from './leases.ts';
import { migrateToLatest } from './migrate.ts';
import { overrideQueries } from './overrides.ts';
import { promotionQueries } from './promotions.ts';
import { retentionQueries } from './retention.ts';
import { runCountQueries } from './run-counts.ts';
import type { RunCounts } from './run-counts.ts';
import { runQueries } from './runs.ts';
import type { Schema } from './schema.ts';
import { serviceQueries } from './services.ts';
import { openSqliteDialect } from './sqlite.ts';
import { trendQueries } from './trend.ts';

export interface Store extends RunStore, RunCounts {
  /** Resolves when the database answers. @throws when it does not, or after `timeoutMs` */
  ping(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the store, makes the file if it is missing, and runs the migrations that it has not seen.
 * @param options.file path of the database; its folder must exist. `:memory:` for one that is forgotten
 * @throws when the file is no database, cannot be written, or a migration fails
 */
export async function openStore(options: { readonly file: string }): Promise<Store> {
  const db = new Kysely<Schema>({ dialect: openSqliteDialect(options.file) });
  try {
    await migrateToLatest(db);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return {
    ...buildQueries(db),
    ...runQueries(db),
    ...runCountQueries(db),
    ...eventQueries(db),
    ...intentQueries(db),
    ...evidenceQueries(db),
    ...promotionQueries(db),
    ...serviceQueries(db),
    ...overrideQueries(db),
    ...auditQueries(db),
    ...leaseQueries(db),
    ...deliveryQueries(db),
    ...retentionQueries(db),
    ...trendQueries(db),
    async ping(timeoutMs) {
      await sql`select 1`.execute(db, { signal: AbortSignal.timeout(timeoutMs) });
    },
    close: () => db.destroy(),
  };
}
