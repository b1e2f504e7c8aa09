/** First shape of the database. Never changed once released: a later shape is a later migration. */
import type { Kysely } from 'kysely';

/** Makes every table and the indexes that the store's queries walk. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;

  await schema
    .createTable('builds')
    .addColumn('digest', 'text', (c) => c.primaryKey())
    .addColumn('location', 'text', (c) => c.notNull())
    .addColumn('size_bytes', 'bigint', (c) => c.notNull())
    .addColumn('uploaded_by', 'text', (c) => c.notNull())
    .addColumn('uploaded_at', 'text', (c) => c.notNull())
    .execute();

  await schema
    .createTable('configurations')
    .addColumn('hash', 'text', (c) => c.primaryKey())
    .addColumn('knob_values', 'text', (c) => c.notNull())
    .execute();

  await schema
    .createTable('runs')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('service', 'text', (c) => c.notNull())
    .addColumn('build', 'text', (c) => c.notNull())
    .addColumn('label', 'text')
    .addColumn('request', 'text', (c) => c.notNull())
    .addColumn('settings', 'text', (c) => c.notNull())
    .addColumn('requested_by', 'text', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('phase', 'text', (c) => c.notNull())
    .addColumn('phases', 'text', (c) => c.notNull())
    .addColumn('baseline', 'text')
    .addColumn('configuration', 'text')
    .addColumn('judgement_id', 'text')
    .addColumn('code_judgement_id', 'text')
    .addColumn('configuration_judgement_id', 'text')
    .addColumn('promotion_id', 'text')
    .addColumn('ending', 'text')
    .addColumn('decision', 'text')
    .addColumn('cause', 'text')
    .addColumn('summary', 'text')
    .addColumn('finished_at', 'text')
    .addColumn('cancel_actor', 'text')
    .addColumn('cancel_at', 'text')
    .execute();
  await schema.createIndex('runs_by_age').on('runs').columns(['created_at', 'id']).execute();
  await schema
    .createIndex('runs_by_service')
    .on('runs')
    .columns(['service', 'created_at', 'id'])
    .execute();
  await schema
    .createIndex('runs_by_phase')
    .on('runs')
    .columns(['phase', 'created_at', 'id'])
    .execute();
  await schema.createIndex('runs_by_end').on('runs').column('finished_at').execute();

  await schema
    .createTable('idempotency_keys')
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('request_hash', 'text', (c) => c.notNull())
    .addColumn('run_id', 'text', (c) => c.notNull().references('runs.id'))
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('idempotency_keys_pk', ['actor', 'key'])
    .execute();

  await schema
    .createTable('run_events')
    .addColumn('run_id', 'text', (c) => c.notNull().references('runs.id'))
    .addColumn('sequence', 'integer', (c) => c.notNull())
    .addColumn('at', 'text', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('message', 'text', (c) => c.notNull())
    .addColumn('data', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('run_events_pk', ['run_id', 'sequence'])
    .execute();

  await schema
    .createTable('intents')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('position', 'integer', (c) => c.notNull().unique())
    .addColumn('service', 'text', (c) => c.notNull())
    .addColumn('run_id', 'text')
    .addColumn('promotion_id', 'text')
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('at', 'text', (c) => c.notNull())
    .addColumn('data', 'text', (c) => c.notNull())
    .addColumn('outcome', 'text')
    .execute();
  await schema.createIndex('intents_by_run').on('intents').column('run_id').execute();
  await schema.createIndex('intents_by_promotion').on('intents').column('promotion_id').execute();

  await schema
    .createTable('attempts')
    .addColumn('run_id', 'text', (c) => c.notNull().references('runs.id'))
    .addColumn('number', 'integer', (c) => c.notNull())
    .addColumn('record', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('attempts_pk', ['run_id', 'number'])
    .execute();

  await schema
    .createTable('measurements')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('run_id', 'text', (c) => c.notNull().references('runs.id'))
    .addColumn('attempt', 'integer', (c) => c.notNull())
    .addColumn('started_at', 'text', (c) => c.notNull())
    .addColumn('record', 'text', (c) => c.notNull())
    .execute();
  await schema.createIndex('measurements_by_run').on('measurements').column('run_id').execute();

  await schema
    .createTable('judgements')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('run_id', 'text', (c) => c.notNull().references('runs.id'))
    .addColumn('measurement_id', 'text', (c) => c.notNull())
    .addColumn('at', 'text', (c) => c.notNull())
    .addColumn('record', 'text', (c) => c.notNull())
    .execute();
  await schema.createIndex('judgements_by_run').on('judgements').column('run_id').execute();

  await schema
    .createTable('judged_pairs')
    .addColumn('service', 'text', (c) => c.notNull())
    .addColumn('build', 'text', (c) => c.notNull())
    .addColumn('configuration_hash', 'text', (c) => c.notNull())
    .addColumn('run_id', 'text', (c) => c.notNull())
    .addColumn('judgement_id', 'text', (c) => c.notNull())
    .addColumn('decision', 'text', (c) => c.notNull())
    .addColumn('cause', 'text', (c) => c.notNull())
    .addColumn('at', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('judged_pairs_pk', ['service', 'build', 'configuration_hash'])
    .execute();

  await schema
    .createTable('promotions')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('service', 'text', (c) => c.notNull())
    .addColumn('build', 'text', (c) => c.notNull())
    .addColumn('configuration_hash', 'text', (c) => c.notNull())
    .addColumn('origin', 'text', (c) => c.notNull())
    .addColumn('run_id', 'text')
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('stage', 'text', (c) => c.notNull())
    .addColumn('current_arm_id', 'text')
    .addColumn('canary_arm_id', 'text')
    .addColumn('steps', 'text', (c) => c.notNull())
    .addColumn('summary', 'text')
    .addColumn('finished_at', 'text')
    .execute();
  await schema
    .createIndex('promotions_by_service')
    .on('promotions')
    .columns(['service', 'created_at', 'id'])
    .execute();

  await schema
    .createTable('service_state')
    .addColumn('service', 'text', (c) => c.primaryKey())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('in_force', 'text')
    .addColumn('last_known_good', 'text')
    .execute();

  await schema
    .createTable('service_history')
    .addColumn('service', 'text', (c) => c.notNull())
    .addColumn('position', 'integer', (c) => c.notNull())
    .addColumn('build', 'text', (c) => c.notNull())
    .addColumn('configuration_hash', 'text', (c) => c.notNull())
    .addColumn('arm_id', 'text', (c) => c.notNull())
    .addColumn('since', 'text', (c) => c.notNull())
    .addColumn('promotion_id', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('service_history_pk', ['service', 'position'])
    .execute();

  await schema
    .createTable('overrides')
    .addColumn('run_id', 'text', (c) => c.primaryKey().references('runs.id'))
    .addColumn('order', 'text', (c) => c.notNull())
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('at', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'text', (c) => c.notNull())
    .execute();

  await schema
    .createTable('audit')
    .addColumn('sequence', 'integer', (c) => c.primaryKey())
    .addColumn('at', 'text', (c) => c.notNull())
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('service', 'text')
    .addColumn('reason', 'text')
    .addColumn('data', 'text', (c) => c.notNull())
    .execute();
}
