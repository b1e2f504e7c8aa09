/** Databases of one PostgreSQL server for one test each: made in a moment, from one that has all tables. */
import pg from 'pg';
import { openStore } from '../../gate-service/src/store/store.ts';

export interface TestDatabases {
  /** A new database with the newest shape and nothing in it; its URL. */
  create(): Promise<string>;
  /** A new database without any table; its URL. */
  createEmpty(): Promise<string>;
  /** Ends its connections and removes it. */
  drop(url: string): Promise<void>;
  /** One statement as the server's superuser. */
  query(database: string, statement: string): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

const TEMPLATE = 'speed_gate_template';

/** @param url of the server's superuser */
export async function testDatabases(url: string): Promise<TestDatabases> {
  const server = new pg.Client({ connectionString: url });
  await server.connect();
  const urlOf = (name: string): string => {
    const own = new URL(url);
    own.pathname = `/${name}`;
    return own.href;
  };
  await server.query(`create database ${TEMPLATE}`);
  await (await openStore({ url: urlOf(TEMPLATE) })).close();
  let count = 0;
  const make = async (from: string): Promise<string> => {
    count += 1;
    const name = `speed_gate_test_${count}`;
    await server.query(`create database ${name} template ${from}`);
    return urlOf(name);
  };
  return {
    create: () => make(TEMPLATE),
    createEmpty: () => make('template0'),
    async drop(own) {
      await server.query(`drop database ${new URL(own).pathname.slice(1)} with (force)`);
    },
    async query(database, statement) {
      const client = new pg.Client({ connectionString: database });
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(statement)).rows;
      } finally {
        await client.end();
      }
    },
    close: () => server.end(),
  };
}
