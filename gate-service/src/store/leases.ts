import type { Kysely, Selectable } from 'kysely';
import type { Lease, RunStore } from '../runs/run-store.ts';
import { databaseClock } from './dialect.ts';
import type { LeaseTable, Schema } from './schema.ts';

type Part = Pick<RunStore, 'acquireLease' | 'renewLease' | 'releaseLease' | 'leases'>;

/** Rights to do something alone. Every change is one statement: of many that try at once, one changes the row. */
export function leaseQueries(db: Kysely<Schema>): Part {
  const now = databaseClock(db);

  return {
    async acquireLease(name, holder, seconds) {
      if (holder === '') throw new TypeError('the holder of a lease needs a name');
      const row = await db
        .insertInto('leases')
        .values((expression) => ({
          name,
          holder,
          token: 1,
          expires_ms: expression(now, '+', milliseconds(seconds)),
        }))
        .onConflict((conflict) =>
          conflict
            .column('name')
            .doUpdateSet((expression) => ({
              holder: expression.ref('excluded.holder'),
              token: expression
                .case()
                .when('leases.holder', '=', holder)
                .then(expression.ref('leases.token'))
                .else(expression('leases.token', '+', 1))
                .end(),
              expires_ms: expression.ref('excluded.expires_ms'),
            }))
            .where((expression) =>
              expression.or([
                expression('leases.holder', '=', holder),
                expression('leases.expires_ms', '<=', now),
              ]),
            ),
        )
        .returningAll()
        .executeTakeFirst();
      return row === undefined ? undefined : rowToLease(row);
    },

    async renewLease(lease, seconds) {
      const row = await db
        .updateTable('leases')
        .set((expression) => ({ expires_ms: expression(now, '+', milliseconds(seconds)) }))
        .where('name', '=', lease.name)
        .where('holder', '=', lease.holder)
        .where('token', '=', lease.token)
        .returningAll()
        .executeTakeFirst();
      return row === undefined ? undefined : rowToLease(row);
    },

    async releaseLease(lease) {
      await db
        .updateTable('leases')
        .set({ holder: '', expires_ms: 0 })
        .where('name', '=', lease.name)
        .where('holder', '=', lease.holder)
        .where('token', '=', lease.token)
        .execute();
    },

    async leases() {
      const rows = await db
        .selectFrom('leases')
        .selectAll()
        .where('expires_ms', '>', now)
        .orderBy('name')
        .execute();
      return rows.map(rowToLease);
    },
  };
}

function milliseconds(seconds: number): number {
  return Math.round(seconds * 1000);
}

function rowToLease({ name, holder, token, expires_ms }: Selectable<LeaseTable>): Lease {
  return { name, holder, token, expiresAt: new Date(expires_ms).toISOString() };
}
