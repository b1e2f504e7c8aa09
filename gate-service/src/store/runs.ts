import type { Kysely } from 'kysely';
import {
  IdempotencyConflictError,
  RunFinishedError,
  VersionConflictError,
} from '../runs/run-store.ts';
import type { IdempotencyKey, NewRun, RoomForRun, RunRecord, RunStore } from '../runs/run-store.ts';
import { appendEntry } from './audit.ts';
import { batched } from './batch.ts';
import { serialise } from './dialect.ts';
import { insertEvent } from './events.ts';
import { newestOf, serviceLists } from './pages.ts';
import {
  ACTIVE_PHASES,
  rowToRun,
  runToRow,
  runUpdateToRow,
  UNFINISHED_PHASES,
} from './run-rows.ts';
import type { Schema } from './schema.ts';

type Part = Pick<
  RunStore,
  | 'createRun'
  | 'runByKey'
  | 'run'
  | 'runs'
  | 'latestRun'
  | 'queuedRuns'
  | 'unfinishedRuns'
  | 'updateRun'
  | 'requestCancel'
>;

/** Runs: created once, changed by compare-and-swap, never after they are finished. */
export function runQueries(db: Kysely<Schema>): Part {
  const find = async (id: string, on: Kysely<Schema> = db): Promise<RunRecord | undefined> => {
    const row = await on.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? undefined : rowToRun(row);
  };
  const existing = async (id: string): Promise<RunRecord> => {
    const run = await find(id);
    if (run === undefined) throw new Error(`there is no run ${id}`);
    return run;
  };

  const findByKey = async (key: IdempotencyKey, on: Kysely<Schema> = db) => {
    const known = await on
      .selectFrom('idempotency_keys')
      .select(['request_hash', 'run_id'])
      .where('actor', '=', key.actor)
      .where('key', '=', key.key)
      .executeTakeFirst();
    if (known === undefined) return undefined;
    if (known.request_hash !== key.requestHash) throw new IdempotencyConflictError(key.key);
    const earlier = await find(known.run_id, on);
    if (earlier === undefined) throw new Error(`there is no run ${known.run_id}`);
    return earlier;
  };

  return {
    runByKey: (key) => findByKey(key),

    createRun: (draft, key, accept) =>
      db.transaction().execute(async (trx) => {
        await serialise(trx, 'new runs');
        const earlier = key === undefined ? undefined : await findByKey(key, trx);
        if (earlier !== undefined) return { run: earlier, created: false };
        const accepted = accept?.(await roomFor(draft, trx));
        const run = accepted?.run ?? draft;
        const row = await trx
          .insertInto('runs')
          .values(runToRow(run))
          .returningAll()
          .executeTakeFirstOrThrow();
        if (key !== undefined) {
          await trx
            .insertInto('idempotency_keys')
            .values({
              actor: key.actor,
              key: key.key,
              request_hash: key.requestHash,
              run_id: run.id,
              created_at: run.createdAt,
            })
            .execute();
        }
        if (accepted !== undefined) {
          await insertEvent(trx, { ...accepted.event, runId: run.id, sequence: 1 });
          await appendEntry(trx, accepted.audit);
        }
        return { run: rowToRun(row), created: true };
      }),

    run: batched<RunRecord | undefined>(async (ids) => {
      const rows = await db.selectFrom('runs').selectAll().where('id', 'in', ids).execute();
      return new Map(rows.map((row) => [row.id, rowToRun(row)]));
    }, undefined),

    runs: ({ services, service, ...filter }, page) =>
      newestOf(serviceLists(service, services), page, rowToRun, (own, older, limit) => {
        let query = db.selectFrom('runs').selectAll().where(older);
        if (own !== undefined) query = query.where('service', '=', own);
        if (filter.phase !== undefined) query = query.where('phase', '=', filter.phase);
        if (filter.build !== undefined) query = query.where('build', '=', filter.build);
        if (filter.decision !== undefined) query = query.where('decision', '=', filter.decision);
        if (filter.cause !== undefined) query = query.where('cause', '=', filter.cause);
        if (filter.requestedBy !== undefined) {
          query = query.where('requested_by', '=', filter.requestedBy);
        }
        return query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute();
      }),

    latestRun: batched<RunRecord | undefined>(async (services) => {
      // One read along the index of each: no index has several services in the order of age.
      const newest = services.map((service) =>
        db
          .selectFrom(
            db
              .selectFrom('runs')
              .selectAll()
              .where('service', '=', service)
              .orderBy('created_at', 'desc')
              .orderBy('id', 'desc')
              .limit(1)
              .as('newest'),
          )
          .selectAll(),
      );
      const rows = await newest.reduce((all, one) => all.unionAll(one)).execute();
      return new Map(rows.map((row) => [row.service, rowToRun(row)]));
    }, undefined),

    async queuedRuns() {
      const rows = await db
        .selectFrom('runs')
        .selectAll()
        .where('phase', '=', 'queued')
        .orderBy('created_at')
        .orderBy('id')
        .execute();
      return rows.map(rowToRun);
    },

    async unfinishedRuns() {
      const rows = await db
        .selectFrom('runs')
        .selectAll()
        .where('phase', 'in', ACTIVE_PHASES)
        .orderBy('created_at')
        .orderBy('id')
        .execute();
      return rows.map(rowToRun);
    },

    async updateRun(id, expectedVersion, update) {
      const row = await db
        .updateTable('runs')
        .set({ ...runUpdateToRow(update), version: expectedVersion + 1 })
        .where('id', '=', id)
        .where('version', '=', expectedVersion)
        .where('phase', '<>', 'finished')
        .returningAll()
        .executeTakeFirst();
      if (row !== undefined) return rowToRun(row);
      const run = await existing(id);
      if (run.phase === 'finished' && run.version === expectedVersion) {
        throw new RunFinishedError(id);
      }
      throw new VersionConflictError('run', id, expectedVersion);
    },

    async requestCancel(id, cancel) {
      await db
        .updateTable('runs')
        .set({ cancel_actor: cancel.actor, cancel_at: cancel.at })
        .where('id', '=', id)
        .where('cancel_at', 'is', null)
        .where('phase', '<>', 'finished')
        .execute();
      return existing(id);
    },
  };
}

/** Counted inside the transaction that stores the run: no other one comes in between. */
export async function roomFor(
  run: Pick<NewRun, 'service' | 'build'>,
  trx: Kysely<Schema>,
): Promise<RoomForRun> {
  const unfinished = await trx
    .selectFrom('runs')
    .select(['service', 'phase', 'cancel_at'])
    .where('phase', 'in', UNFINISHED_PHASES)
    .execute();
  const { runs } = await trx
    .selectFrom('runs')
    .select((expression) => expression.fn.countAll().as('runs'))
    .where('build', '=', run.build)
    .where('service', '=', run.service)
    .executeTakeFirstOrThrow();
  return {
    earlierRuns: Number(runs),
    queued: unfinished.filter(
      ({ cancel_at, phase, service }) =>
        service === run.service && phase === 'queued' && cancel_at === null,
    ).length,
    ahead: unfinished.length,
  };
}
