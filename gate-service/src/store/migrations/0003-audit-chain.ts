/** The audit becomes a chain of hashes, and the database refuses to change or delete what is in it. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { auditHash, NO_PREVIOUS_HASH } from '../../runs/run-store.ts';
import { isPostgres } from '../dialect.ts';
import { decode } from '../json.ts';

interface Tables {
  audit: {
    sequence: number;
    at: string;
    actor: string;
    action: string;
    subject: string;
    service: string | null;
    reason: string | null;
    data: string;
    previous_hash: string;
    hash: string;
  };
}

const BATCH = 500;
const REFUSAL = 'the audit is only ever appended to: its entries are neither changed nor deleted';

export async function up(db: Kysely<Tables>): Promise<void> {
  await db.schema
    .alterTable('audit')
    .addColumn('previous_hash', 'text', (c) => c.notNull().defaultTo(''))
    .execute();
  await db.schema
    .alterTable('audit')
    .addColumn('hash', 'text', (c) => c.notNull().defaultTo(''))
    .execute();
  await chainExisting(db);
  await db.schema
    .createIndex('audit_by_service')
    .on('audit')
    .columns(['service', 'sequence'])
    .execute();
  await db.schema
    .createIndex('audit_by_subject')
    .on('audit')
    .columns(['subject', 'sequence'])
    .execute();
  await (isPostgres(db) ? refuseOnPostgres(db) : refuseOnSqlite(db));
}

async function chainExisting(db: Kysely<Tables>): Promise<void> {
  let previousHash = NO_PREVIOUS_HASH;
  let sequence = 0;
  for (;;) {
    const rows = await db
      .selectFrom('audit')
      .selectAll()
      .where('sequence', '>', sequence)
      .orderBy('sequence')
      .limit(BATCH)
      .execute();
    for (const row of rows) {
      const { service, reason, data, ...entry } = row;
      const hash = auditHash(previousHash, {
        ...entry,
        ...(service !== null && { service }),
        ...(reason !== null && { reason }),
        data: decode(data) as Record<string, unknown>,
      });
      await db
        .updateTable('audit')
        .set({ previous_hash: previousHash, hash })
        .where('sequence', '=', row.sequence)
        .execute();
      previousHash = hash;
      sequence = row.sequence;
    }
    if (rows.length < BATCH) return;
  }
}

async function refuseOnSqlite(db: Kysely<Tables>): Promise<void> {
  for (const change of ['update', 'delete'] as const) {
    await sql`create trigger ${sql.id(`audit_no_${change}`)} before ${sql.raw(change)} on audit
      begin select raise(abort, ${sql.lit(REFUSAL)}); end`.execute(db);
  }
}

async function refuseOnPostgres(db: Kysely<Tables>): Promise<void> {
  await sql`create function speed_gate_refuse_audit_change() returns trigger language plpgsql as
    ${sql.lit(`begin raise exception '${REFUSAL}'; end`)}`.execute(db);
  await sql`create trigger audit_no_change before update or delete or truncate on audit
    for each statement execute function speed_gate_refuse_audit_change()`.execute(db);
}
