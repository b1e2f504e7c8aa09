/** Kysely's SQLite dialect on Node's built-in `node:sqlite`: no native module has to be built. */
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue } from 'node:sqlite';
import { SqliteAdapter, SqliteDialect } from 'kysely';
import type { DialectAdapter, SqliteDatabase, SqliteStatement } from 'kysely';
import { storableText } from './text.ts';

/** How long a statement waits for another process's lock, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens (and makes, if missing) the database file and returns the dialect for it. `:memory:` works too.
 * WAL, so that readers never wait for the writer; `synchronous=FULL`, because an intent must survive a
 * power cut before the world is changed.
 * @throws when the file cannot be opened or is no SQLite database
 */
export function openSqliteDialect(file: string): SqliteDialect {
  const database = new DatabaseSync(file, {
    timeout: BUSY_TIMEOUT_MS,
    enableForeignKeyConstraints: true,
  });
  try {
    database.exec('pragma journal_mode = wal');
    database.exec('pragma synchronous = full');
  } catch (error) {
    database.close();
    throw new Error(
      `the database ${file} cannot be used: ${error instanceof Error ? error.message : String(error)}. ` +
        'Move it away (its runs are lost then) or restore it from a copy.',
      { cause: error },
    );
  }
  return new Dialect({ database: adapt(database) });
}

/** SQLite can change its tables in a transaction: so a migration is done whole or not at all, by one process. */
class Dialect extends SqliteDialect {
  override createAdapter(): DialectAdapter {
    return new (class extends SqliteAdapter {
      override get supportsTransactionalDdl(): boolean {
        return true;
      }
    })();
  }
}

/** More different statements than the store has; lists of many lengths make some more. */
const MOST_STATEMENTS = 500;

function adapt(database: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>();
  const prepare = (sql: string): SqliteStatement => {
    // A deferred transaction that reads first and writes later fails at once, without waiting for the
    // busy time-out, when another process has written in between. Taking the lock at `begin` waits.
    const statement = database.prepare(sql === 'begin' ? 'begin immediate' : sql);
    return {
      reader: statement.columns().length > 0,
      all: (parameters) => statement.all(...inputs(parameters)),
      run: (parameters) => statement.run(...inputs(parameters)),
      iterate: (parameters) => statement.iterate(...inputs(parameters)),
    };
  };
  return {
    close: () => {
      database.close();
    },
    prepare(sql) {
      const known = prepared.get(sql);
      if (known !== undefined) return known;
      if (prepared.size === MOST_STATEMENTS) prepared.clear();
      const statement = prepare(sql);
      prepared.set(sql, statement);
      return statement;
    },
  };
}

function inputs(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters.map((value) =>
    typeof value === 'string' ? storableText(value) : (value as SQLInputValue),
  );
}
