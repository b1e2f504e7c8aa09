/** The store: one SQLite file, or a PostgreSQL that several gate services share; opened and brought to the newest shape. */
import { Kysely, sql } from 'kysely';
import type { Dialect } from 'kysely';
import type { RunStore } from '../runs/run-store.ts';
import { auditQueries } from './audit.ts';
import { buildQueries } from './builds.ts';
import { DatabaseTarget } from './database-target.ts';
import { deliveryQueries } from './deliveries.ts';
import { eventQueries } from './events.ts';
import { evidenceQueries } from './evidence.ts';
import { intentQueries } from './intents.ts';
import { leaseQueries } from './leases.ts';
import { migrateToLatest, requireLatest } from './migrate.ts';
import { operationCountQueries } from './operation-counts.ts';
import type { OperationCounts } from './operation-counts.ts';
import { overrideQueries } from './overrides.ts';
import { postgresDialect } from './postgres.ts';
import { promotionQueries } from './promotions.ts';
import { retentionQueries } from './retention.ts';
import { runCountQueries } from './run-counts.ts';
import type { RunCounts } from './run-counts.ts';
import { runQueries } from './runs.ts';
import type { Schema } from './schema.ts';
import { serviceQueries } from './services.ts';
import { openSqliteDialect } from './sqlite.ts';
import { trendQueries } from './trend.ts';
import { tuningQueries } from './tunings.ts';

export interface Store extends RunStore, RunCounts, OperationCounts {
  /** Which database this is, for a person: without user and password. */
  readonly location: string;
  /** Resolves when the database answers. @throws when it does not, or after `timeoutMs` */
  ping(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Path of a SQLite file (its folder must exist; `:memory:` is forgotten), or `postgresql://…`. */
export type StorePlace =
  | { readonly file: string }
  | {
      readonly url: string;
      /** Most connections of this store at once; default 10. */
      readonly connections?: number;
    };

export type StoreOptions = StorePlace & {
  /** `false`: only look. An older database is refused then, and nothing of it changed. */
  readonly migrate?: boolean;
};

/**
 * Opens the store, makes the file if it is missing, and runs the migrations that it has not seen. Replicas
 * that start at once wait for the first one's.
 * @throws StoreUnavailableError when PostgreSQL does not answer
 * @throws Error when the file is no database, cannot be written, or a migration fails
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  if (!('url' in options)) {
    const db = new Kysely<Schema>({ dialect: openSqliteDialect(options.file) });
    return opened(db, `SQLite ${options.file}`, () => prepare(db, options));
  }
  const target = new DatabaseTarget(options.url);
  const { connections } = options;
  const db = withDialect(
    postgresDialect(target, { ...(connections !== undefined && { connections }) }),
  );
  return opened(db, `PostgreSQL ${target.name}`, async () => {
    // A migration may take longer than a statement of a request, and may wait for another replica's.
    const own = withDialect(postgresDialect(target, { connections: 1, statementMs: 0 }));
    try {
      await prepare(own, options);
    } finally {
      await own.destroy();
    }
  });
}

function withDialect(dialect: Dialect): Kysely<Schema> {
  return new Kysely<Schema>({ dialect });
}

async function prepare(db: Kysely<Schema>, { migrate = true }: StoreOptions): Promise<void> {
  await (migrate ? migrateToLatest(db) : requireLatest(db));
}

async function opened(
  db: Kysely<Schema>,
  location: string,
  ready: () => Promise<void>,
): Promise<Store> {
  try {
    await ready();
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return {
    location,
    ...buildQueries(db),
    ...runQueries(db),
    ...runCountQueries(db),
    ...operationCountQueries(db),
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
    ...tuningQueries(db),
    async ping(timeoutMs) {
      await sql`select 1`.execute(db, { signal: AbortSignal.timeout(timeoutMs) });
    },
    close: () => db.destroy(),
  };
}
