import type { Insertable, Kysely, Selectable, Transaction } from 'kysely';
import type { OverrideRecord, OverrideState, RunRecord, RunStore } from '../runs/run-store.ts';
import type { Cause } from '../runs/run.ts';
import { appendEntry } from './audit.ts';
import { batched, byKey } from './batch.ts';
import { isPostgres, serialise } from './dialect.ts';
import { rowToRun } from './run-rows.ts';
import type { RunOverrideTable, Schema } from './schema.ts';

type Part = Pick<
  RunStore,
  'createOverride' | 'saveOverride' | 'override' | 'overrides' | 'waitingOverrides'
>;

/** What people ordered against decisions, and what came of it. */
export function overrideQueries(db: Kysely<Schema>): Part {
  const ofRuns = (runIds: readonly string[], on: Kysely<Schema> = db) =>
    on
      .selectFrom('run_overrides')
      .selectAll()
      .where('run_id', 'in', runIds)
      .orderBy('at')
      .orderBy('id')
      .execute();

  return {
    createOverride: (override, audit, accept) =>
      db.transaction().execute(async (trx) => {
        await serialise(trx, `orders of ${override.runId}`);
        const run = await heldRun(trx, override.runId);
        accept(run, (await ofRuns([override.runId], trx)).map(rowToOverride));
        await trx.insertInto('run_overrides').values(overrideToRow(override)).execute();
        await appendEntry(trx, audit);
      }),

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
      return byKey(await ofRuns(runIds), ({ run_id }) => run_id, rowToOverride);
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

/** The run, which nobody changes until the transaction ends: in SQLite there is one writer anyway. */
async function heldRun(trx: Transaction<Schema>, id: string): Promise<RunRecord> {
  const query = trx.selectFrom('runs').selectAll().where('id', '=', id);
  const row = await (isPostgres<Schema>(trx) ? query.forShare() : query).executeTakeFirst();
  if (row === undefined) throw new Error(`there is no run ${id}`);
  return rowToRun(row);
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
