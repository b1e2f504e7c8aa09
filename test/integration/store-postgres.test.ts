/** The store on a real PostgreSQL: the contract of all stores, many replicas at once, and a database that goes away. */
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import {
  StoreUnavailableError,
  VersionConflictError,
} from '../../gate-service/src/runs/run-store.ts';
import { openStore } from '../../gate-service/src/store/store.ts';
import type { Store } from '../../gate-service/src/store/store.ts';
import { verifyAudit } from '../../gate-service/src/store/verify-audit.ts';
import { startPostgres, type StartedPostgres } from '../support/postgres.ts';
import { testDatabases, type TestDatabases } from '../support/postgres-databases.ts';
import { freePort } from '../../gate-service/src/processes/free-port.ts';
import { until } from '../support/processes.ts';
import { storeContract } from '../support/store/contract.ts';
import { delivery, newRun, second } from '../support/store/records.ts';

const REPLICAS = 8;

let postgres: StartedPostgres;
let databases: TestDatabases;

beforeAll(async () => {
  postgres = await startPostgres();
  databases = await testDatabases(postgres.url);
}, 600_000);
afterAll(async () => {
  await databases.close();
  await postgres.stop();
});

storeContract('the store on PostgreSQL', async () => {
  const url = await databases.create();
  const store = await openStore({ url });
  return {
    store,
    close: async () => {
      await store.close();
      await databases.drop(url);
    },
  };
});

it('compares all text byte by byte, whatever table it stands in', async () => {
  const url = await databases.createEmpty();
  const store = await openStore({ url });
  await store.close();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ place: string; collation_name: string | null }>(
    `select table_name || '.' || column_name as place, collation_name
     from information_schema.columns
     where table_schema = current_schema() and data_type in ('text', 'character varying', 'character')
       and table_name not like 'kysely_migration%'
     order by 1`,
  );
  await client.end();
  await databases.drop(url);
  expect(rows.map(({ place }) => place)).toContain('tunings.session');
  expect(rows.filter(({ collation_name }) => collation_name !== 'C')).toEqual([]);
});

describe('eight replicas on one database', () => {
  let url: string;
  let stores: readonly Store[];

  beforeEach(async () => {
    url = await databases.createEmpty();
    // All migrate at once: one does it, the others wait.
    stores = await Promise.all(
      Array.from({ length: REPLICAS }, () => openStore({ url, connections: 2 })),
    );
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await databases.drop(url);
  });
  const first = (): Store => stores[0]!;
  const each = <T>(work: (store: Store, n: number) => Promise<T>) =>
    Promise.all(stores.map((store, n) => work(store, n)));

  it('append events without a gap, audit entries without a fork, and intents in order', async () => {
    await first().createRun(newRun('run-1'));
    await each(async (store, n) => {
      for (let i = 0; i < 20; i += 1) {
        const message = `${n}-${i}`;
        await Promise.all([
          store.appendEvent({ runId: 'run-1', at: 't', type: 'progress', message, data: {} }),
          store.appendAudit({ at: 't', actor: `a-${n}`, action: 'x', subject: message, data: {} }),
          store.saveIntent({ id: message, service: 's', kind: 'deploy', at: 't', data: {} }),
        ]);
      }
    });
    const total = REPLICAS * 20;
    const events = await first().events('run-1', 0, 1000);
    expect(events.map(({ sequence }) => sequence)).toStrictEqual(
      Array.from({ length: total }, (_, n) => n + 1),
    );
    expect(await verifyAudit(first())).toMatchObject({ entries: total, head: { sequence: total } });
    expect(await first().intents({})).toHaveLength(total);
    // Each replica's own are in the order in which it wrote them.
    for (let n = 0; n < REPLICAS; n += 1) {
      const own = events.filter(({ message }) => message.startsWith(`${n}-`));
      expect(own.map(({ message }) => message)).toStrictEqual(
        Array.from({ length: 20 }, (_, i) => `${n}-${i}`),
      );
    }
  });

  it('have one holder of a lease at any time, and a token that only rises', async () => {
    const tokens: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      const leases = await each((store, n) =>
        store.acquireLease('driver', `r-${round}-${n}`, 3600),
      );
      const held = leases.filter((lease) => lease !== undefined);
      expect(held).toHaveLength(1);
      tokens.push(held[0]!.token);
      await first().releaseLease(held[0]!);
    }
    expect(tokens).toStrictEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('hand an expired lease to one of all that wait for it', async () => {
    const lease = await first().acquireLease('driver', 'dying', 0.3);
    const winners = await each((store, n) =>
      until('somebody has it', async () => {
        const own = await store.acquireLease('driver', `r-${n}`, 3600);
        if (own !== undefined) return own;
        const [held] = await store.leases();
        return held?.holder.startsWith('r-') === true ? held : undefined;
      }),
    );
    expect(new Set(winners.map(({ holder, token }) => `${holder} ${token}`)).size).toBe(1);
    expect(winners[0]!.token).toBe(lease!.token + 1);
    expect(await first().renewLease(lease!, 1)).toBeUndefined();
  });

  it('make one run of a repeated request, one winner of a version and one sender of a delivery', async () => {
    const key = { key: 'k', actor: 'ci', requestHash: 'h' };
    const answers = await each((store, n) => store.createRun(newRun(`run-${n}`), key));
    expect(answers.filter(({ created }) => created)).toHaveLength(1);
    const { id } = answers[0]!.run;
    expect(new Set(answers.map(({ run }) => run.id))).toStrictEqual(new Set([id]));

    const updates = await Promise.allSettled(
      stores.map((store) => store.updateRun(id, 1, { phase: 'deploying' })),
    );
    expect(updates.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const states = await Promise.allSettled(
      stores.map((store) => store.saveServiceState('checkout', 0, {})),
    );
    expect(states.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of [...updates, ...states]) {
      if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(VersionConflictError);
    }

    await each((store, n) => store.enqueueDelivery(delivery(`d-${n}`, { subject: id })));
    const claims = await each((store, n) => store.claimDueDelivery(`r-${n}`, second(1), 30));
    expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1);
  });
});

describe('a PostgreSQL that goes away', () => {
  let url: string;
  let store: Store;

  beforeEach(async () => {
    url = await databases.create();
    store = await openStore({ url });
  });
  afterEach(async () => {
    await store.close();
    await databases.drop(url);
  });
  /** @param besides process of a connection that stays */
  const endConnections = (besides = 0) =>
    databases.query(
      postgres.url,
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = '${new URL(url).pathname.slice(1)}' and pid <> ${besides}`,
    );
  /** Holds every writing of events until it is ended. */
  const holdEvents = async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('begin');
    await client.query('lock table run_events in exclusive mode');
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    return { pid: rows[0]!.pid, end: () => client.end() };
  };

  it('is answered by an error with a remedy, and used again as soon as it is back', async () => {
    await store.createRun(newRun('run-1'));
    // Idle connections die unnoticed and are replaced.
    await endConnections();
    await until('the pool has healed', async () =>
      store.run('run-1').then(
        (run) => run,
        (error: unknown) => {
          expect(error).toBeInstanceOf(StoreUnavailableError);
          return undefined;
        },
      ),
    );

    // In the middle of their work they fail with words, and what was under way is not there by half.
    const held = await holdEvents();
    const writes = Promise.allSettled(
      Array.from({ length: 40 }, (_, n) =>
        store.appendEvent({ runId: 'run-1', at: 't', type: 'progress', message: `${n}`, data: {} }),
      ),
    );
    await until('a write has begun and waits', async () => {
      const [waiting] = await databases.query(
        postgres.url,
        `select pid from pg_locks where relation is not null and not granted limit 1`,
      );
      return waiting;
    });
    await endConnections(held.pid);
    await held.end();
    const results = await writes;
    const failed = results.filter((result) => result.status === 'rejected');
    expect(failed.length).toBeGreaterThan(0);
    for (const { reason } of failed) {
      expect(String(reason)).toMatch(/StoreUnavailableError: the database .* does not answer/);
    }
    const events = await until('the pool has healed', () =>
      store.events('run-1', 0, 100).catch(() => undefined),
    );
    expect(events.map(({ sequence }) => sequence)).toStrictEqual(events.map((_, n) => n + 1));
    const stored = results.filter(({ status }) => status === 'fulfilled').length;
    expect(events.length).toBeGreaterThanOrEqual(stored);
    await store.ping(5_000);
  });

  it('never shows its password', async () => {
    const port = await freePort();
    const secret = 'p%40ss-w0rd';
    const wrong = (text: string) => openStore({ url: text }).catch((error: unknown) => error);
    const server = new URL(url);
    const failures = await Promise.all([
      wrong(`postgresql://ann:${secret}@127.0.0.1:${port}/gate`),
      wrong(`postgresql://ann:${secret}@${server.host}/gate`),
      wrong(`postgresql://postgres:${secret}@${server.host}/postgres`),
      wrong(`mysql://ann:${secret}@127.0.0.1:${port}/gate`),
      wrong(`postgresql://ann:${secret}@127.0.0.1:port/gate`),
    ]);
    const words = [
      `127.0.0.1:${port}/gate does not answer`,
      'refuses user and password',
      'refuses user and password',
      'none of PostgreSQL',
      'none of PostgreSQL',
    ];
    for (const [n, failure] of failures.entries()) {
      expect(String(failure)).toContain(words[n]);
      const everything = JSON.stringify(failure, Object.getOwnPropertyNames(failure));
      expect(everything).not.toMatch(/p@ss|p%40ss/);
      expect(String((failure as Error).cause)).not.toMatch(/p@ss|p%40ss/);
    }
    const missing = new URL(url);
    missing.pathname = '/nothing_here';
    await expect(openStore({ url: missing.href })).rejects.toThrow(/createdb/);
    expect(store.location).not.toContain(server.password);
  });

  it('refuses changes of the audit, by whomever', async () => {
    await store.appendAudit({ at: 't', actor: 'a', action: 'x', subject: 's', data: {} });
    for (const statement of [
      "update audit set actor = 'b'",
      'delete from audit',
      'truncate audit',
    ]) {
      await expect(databases.query(url, statement)).rejects.toThrow(/only ever appended/);
    }
    expect(await verifyAudit(store)).toMatchObject({ entries: 1 });
  });
});
