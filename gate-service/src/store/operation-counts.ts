/** What `/metrics` says besides runs: promotions, overrides, deliveries and the queue, counted in the database. */
import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

export interface OperationCounts {
  promotionCounts(): Promise<
    readonly {
      readonly service: string;
      readonly origin: string;
      readonly state: string;
      readonly promotions: number;
    }[]
  >;
  overrideCounts(): Promise<
    readonly {
      readonly service: string;
      readonly order: string;
      readonly state: string;
      readonly overrides: number;
    }[]
  >;
  /** `oldest`: when the first of them was stored, ISO 8601. */
  deliveryCounts(): Promise<
    readonly {
      readonly endpoint: string;
      readonly state: string;
      readonly deliveries: number;
      readonly oldest: string;
    }[]
  >;
  /** When the run that waits longest was asked for, ISO 8601; undefined when none waits. */
  oldestQueued(): Promise<string | undefined>;
}

export function operationCountQueries(db: Kysely<Schema>): OperationCounts {
  return {
    async promotionCounts() {
      const rows = await db
        .selectFrom('promotions')
        .select(['service', 'origin', 'state'])
        .select((expression) => expression.fn.countAll().as('promotions'))
        .groupBy(['service', 'origin', 'state'])
        .execute();
      return rows.map((row) => ({ ...row, promotions: Number(row.promotions) }));
    },

    async overrideCounts() {
      const rows = await db
        .selectFrom('run_overrides')
        .innerJoin('runs', 'runs.id', 'run_overrides.run_id')
        .select(['runs.service', 'run_overrides.order', 'run_overrides.state'])
        .select((expression) => expression.fn.countAll().as('overrides'))
        .groupBy(['runs.service', 'run_overrides.order', 'run_overrides.state'])
        .execute();
      return rows.map((row) => ({ ...row, overrides: Number(row.overrides) }));
    },

    async deliveryCounts() {
      const rows = await db
        .selectFrom('deliveries')
        .select(['endpoint', 'state'])
        .select((expression) => [
          expression.fn.countAll().as('deliveries'),
          expression.fn.min('created_at').as('oldest'),
        ])
        .groupBy(['endpoint', 'state'])
        .execute();
      return rows.map((row) => ({ ...row, deliveries: Number(row.deliveries) }));
    },

    async oldestQueued() {
      const row = await db
        .selectFrom('runs')
        .select((expression) => expression.fn.min('created_at').as('oldest'))
        .where('phase', '=', 'queued')
        .executeTakeFirst();
      return row?.oldest ?? undefined;
    },
  };
}
