/** What several gate services on one database need: leases, and notifications that one of them sends. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('leases')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('holder', 'text', (c) => c.notNull())
    .addColumn('token', 'bigint', (c) => c.notNull())
    .addColumn('expires_ms', 'bigint', (c) => c.notNull())
    .execute();

  await schema
    .createTable('deliveries')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('endpoint', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('next_at', 'text', (c) => c.notNull())
    .addColumn('last_answer', 'text')
    .addColumn('claimed_by', 'text')
    .addColumn('claimed_until', 'text')
    .addUniqueConstraint('deliveries_once', ['endpoint', 'subject', 'type'])
    .execute();
  await schema
    .createIndex('deliveries_by_due')
    .on('deliveries')
    .columns(['state', 'next_at', 'created_at', 'id'])
    .execute();
  await schema
    .createIndex('deliveries_by_age')
    .on('deliveries')
    .columns(['created_at', 'id'])
    .execute();
  await schema
    .createIndex('deliveries_by_subject')
    .on('deliveries')
    .columns(['subject', 'created_at', 'id'])
    .execute();
}
