/** Kysely's PostgreSQL dialect on a pool of `pg` that says in words when the database is away, and heals by itself. */
import { PostgresDialect } from 'kysely';
import type { PostgresClient, PostgresPool, PostgresPoolClient } from 'kysely';
import pg from 'pg';
import type { PoolClient, PoolConfig } from 'pg';
import type { DatabaseTarget } from './database-target.ts';
import { storableText } from './text.ts';

export interface PostgresOptions {
  /** Most connections at once. */
  readonly connections?: number;
  /** Longest that one statement may take; 0 for no end. */
  readonly statementMs?: number;
}

const CONNECT_MS = 5_000;
const STATEMENT_MS = 30_000;
/** The server ends a statement itself; so much later nothing more is to be expected of it, or of the way to it. */
const SILENCE_MS = 5_000;
const KEEP_ALIVE_MS = 10_000;
/** Longer than any transaction of ours pauses: one that a dead process left open must not keep its locks. */
const IDLE_IN_TRANSACTION_MS = 30_000;
const CONNECTIONS = 10;
/** `bigint`, which `pg` gives as text unless it is told otherwise. */
const INT8 = 20;

/**
 * The dialect for a database; nothing is connected before the first statement.
 * @throws Error when the URL is none of PostgreSQL
 */
export function postgresDialect(target: DatabaseTarget, options: PostgresOptions): PostgresDialect {
  const statementMs = options.statementMs ?? STATEMENT_MS;
  return new PostgresDialect({
    pool: new GuardedPool(target, {
      connectionString: target.url,
      application_name: 'speed-gate',
      max: options.connections ?? CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: statementMs,
      ...(statementMs > 0 && { query_timeout: statementMs + SILENCE_MS }),
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      types,
    }),
  });
}

/** Whole numbers as numbers: all of ours are far below 2^53. */
const types = new pg.TypeOverrides();
types.setTypeParser(INT8, Number);

/**
 * The store relies on reading what was committed before a lock was given to it, and on a commit that survives
 * a power cut; a server may be set up otherwise.
 */
const SESSION = `select set_config('default_transaction_isolation', 'read committed', false),
  case when current_setting('synchronous_commit') = 'off'
    then set_config('synchronous_commit', 'on', false) end`;

class GuardedPool implements PostgresPool {
  readonly options: PoolConfig;
  readonly Client: new (options: PoolConfig) => PostgresClient;
  readonly #target: DatabaseTarget;
  readonly #pool: pg.Pool;
  readonly #guarded = new WeakMap<PoolClient, PostgresPoolClient>();

  constructor(target: DatabaseTarget, config: PoolConfig) {
    this.#target = target;
    this.options = config;
    this.Client = QuietClient;
    this.#pool = new pg.Pool(config);
    // Without listeners a lost connection that nobody is using would end the process. Idle ones are
    // replaced by the pool; one in use says so to its next statement.
    this.#pool.on('error', ignore);
    this.#pool.on('connect', (client) => client.on('error', ignore));
  }

  async connect(): Promise<PostgresPoolClient> {
    const client = await this.#said(this.#pool.connect());
    const known = this.#guarded.get(client);
    if (known !== undefined) return known;
    // Not in Kysely's hook for it: a connection that is lost in there is never given back to the pool.
    await this.#said(client.query(SESSION)).catch((error: unknown) => {
      client.release(true);
      throw error;
    });
    const guarded = this.#guard(client);
    this.#guarded.set(client, guarded);
    return guarded;
  }

  end(): Promise<void> {
    return this.#pool.end();
  }

  #guard(client: PoolClient): PostgresPoolClient {
    let silence: Error | undefined;
    const query = async (statement: string, parameters: readonly unknown[]) => {
      // The end of a transaction need not be waited for again.
      if (silence !== undefined) throw silence;
      try {
        return await this.#said(client.query(statement, parameters.map(storable)));
      } catch (error) {
        if (isSilence(error)) silence = error;
        throw error;
      }
    };
    return {
      // Statements only: the store reads nothing by cursor.
      query: query as unknown as PostgresPoolClient['query'],
      release: (destroy) => {
        // An answer that comes after all would be taken for that of another statement.
        client.release(destroy === true || silence !== undefined);
      },
    };
  }

  async #said<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.#target.explain(error);
    }
  }
}

/** For Kysely's cancelling of a statement on a connection of its own. */
class QuietClient extends pg.Client {
  constructor(config: PoolConfig) {
    super(config);
    this.on('error', ignore);
  }
}

function storable(value: unknown): unknown {
  return typeof value === 'string' ? storableText(value) : value;
}

/** `pg`'s own word for `query_timeout`; it has no code. */
function isSilence(error: unknown): error is Error {
  return error instanceof Error && error.message.includes('Query read timeout');
}

function ignore(): void {
  // Said by the statement that the connection was lost for.
}
