import type { Insertable, Kysely, Selectable } from 'kysely';
import type { OverrideRecord, OverrideState, RunStore } from '../runs/run-store.ts';
import type { Cause } from '../runs/run.ts';
import { batched, byKey } from './batch.ts';
import type { RunOverrideTable, Schema } from './schema.ts';

type Part = Pick<RunStore, 'saveOverride' | 'override' | 'overrides' | 'waitingOverrides'>;

/** What people ordered against decisions, and what came of it. */
export function overrideQueries(db: Kysely<Schema>): Part {
  return {
    async saveOverride(override) {
      const { id, ...row } = overrideToRow(override);
      await db
        .insertInto('run_overrides')
        .values({ id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute();
    },

    async override(runId) {
      const row = await db
        .selectFrom('run_overrides')
        .selectAll()
        .where('run_id', '=', runId)
        .orderBy('at', 'desc')
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row === undefined ? undefined : rowToOverride(row);
    },

    overrides: batched<readonly OverrideRecord[]>(async (runIds) => {
      const rows = await db
        .selectFrom('run_overrides')
        .selectAll()
        .where('run_id', 'in', runIds)
        .orderBy('at')
        .orderBy('id')
        .execute();
      return byKey(rows, ({ run_id }) => run_id, rowToOverride);
    }, []),

    async waitingOverrides() {
      const rows = await db
        .selectFrom('run_overrides')
        .selectAll()
        .where('state', '=', 'waiting')
        .orderBy('at')
        .orderBy('id')
        .execute();
      return rows.map(rowToOverride);
    },
  };
}

function overrideToRow(override: OverrideRecord): Insertable<RunOverrideTable> {
  return {
    id: override.id,
    run_id: override.runId,
    order: override.order,
    actor: override.actor,
    reason: override.reason,
    at: override.at,
    expires_at: override.expiresAt,
    state: override.state,
    outcome: override.outcome ?? null,
    cause: override.cause ?? null,
  };
}

function rowToOverride(row: Selectable<RunOverrideTable>): OverrideRecord {
  return {
    id: row.id,
    runId: row.run_id,
    order: row.order as OverrideRecord['order'],
    actor: row.actor,
    reason: row.reason,
    at: row.at,
    expiresAt: row.expires_at,
    state: row.state as OverrideState,
    ...(row.outcome !== null && { outcome: row.outcome }),
    ...(row.cause !== null && { cause: row.cause as Cause }),
  };
}
