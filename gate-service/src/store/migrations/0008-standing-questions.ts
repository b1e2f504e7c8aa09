/** Indexes for what is asked again and again: open work, numbers of `/metrics`, lists of one service, what is old. */
import { sql } from 'kysely';
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const index = (name: string, table: string, columns: readonly string[]) =>
    db.schema
      .createIndex(name)
      .on(table)
      .columns([...columns]);
  await index('intents_open', 'intents', ['position'])
    .where(sql<boolean>`outcome is null`)
    .execute();
  await index('runs_by_outcome', 'runs', ['phase', 'service', 'decision', 'cause']).execute();
  const byAge = ['created_at', 'id'];
  await index('runs_by_service_phase', 'runs', ['service', 'phase', ...byAge]).execute();
  await index('runs_by_service_requester', 'runs', ['service', 'requested_by', ...byAge]).execute();
  await index('idempotency_keys_by_age', 'idempotency_keys', ['created_at']).execute();
  await index('promotions_by_outcome', 'promotions', ['service', 'origin', 'state']).execute();
  await index('deliveries_by_state', 'deliveries', ['state', 'created_at', 'id']).execute();
  await index('deliveries_by_endpoint', 'deliveries', [
    'endpoint',
    'state',
    'created_at',
    'id',
  ]).execute();
}
