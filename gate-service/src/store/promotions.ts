import type { Kysely, Selectable, Updateable } from 'kysely';
import { VersionConflictError } from '../runs/run-store.ts';
import type {
  PromotionOrigin,
  PromotionRecord,
  PromotionStage,
  PromotionState,
  PromotionStep,
  PromotionUpdate,
  RunStore,
} from '../runs/run-store.ts';
import { batched } from './batch.ts';
import { decode, encode } from './json.ts';
import { newestOf, serviceLists } from './pages.ts';
import type { PromotionTable, Schema } from './schema.ts';

type Part = Pick<RunStore, 'createPromotion' | 'promotion' | 'promotions' | 'updatePromotion'>;

/** Promotions: each its own record, changed by compare-and-swap. */
export function promotionQueries(db: Kysely<Schema>): Part {
  return {
    async createPromotion(promotion) {
      const row = await db
        .insertInto('promotions')
        .values({
          id: promotion.id,
          service: promotion.service,
          build: promotion.build,
          configuration_hash: promotion.configurationHash,
          origin: promotion.origin,
          run_id: promotion.runId ?? null,
          actor: promotion.actor,
          reason: promotion.reason,
          created_at: promotion.createdAt,
          version: 1,
          state: promotion.state,
          stage: promotion.stage,
          current_arm_id: promotion.currentArmId ?? null,
          canary_arm_id: promotion.canaryArmId ?? null,
          steps: encode(promotion.steps),
          summary: promotion.summary ?? null,
          finished_at: promotion.finishedAt ?? null,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return rowToPromotion(row);
    },

    promotion: batched<PromotionRecord | undefined>(async (ids) => {
      const rows = await db.selectFrom('promotions').selectAll().where('id', 'in', ids).execute();
      return new Map(rows.map((row) => [row.id, rowToPromotion(row)]));
    }, undefined),

    promotions: ({ services, service, state }, page) =>
      newestOf(serviceLists(service, services), page, rowToPromotion, (own, older, limit) => {
        let query = db.selectFrom('promotions').selectAll().where(older);
        if (own !== undefined) query = query.where('service', '=', own);
        if (state !== undefined) query = query.where('state', '=', state);
        return query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute();
      }),

    async updatePromotion(id, expectedVersion, update) {
      const row = await db
        .updateTable('promotions')
        .set({ ...updateToRow(update), version: expectedVersion + 1 })
        .where('id', '=', id)
        .where('version', '=', expectedVersion)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) throw new VersionConflictError('promotion', id, expectedVersion);
      return rowToPromotion(row);
    },
  };
}

function updateToRow(update: PromotionUpdate): Updateable<PromotionTable> {
  const row: Updateable<PromotionTable> = {};
  if (update.state !== undefined) row.state = update.state;
  if (update.stage !== undefined) row.stage = update.stage;
  if (update.currentArmId !== undefined) row.current_arm_id = update.currentArmId;
  if (update.canaryArmId !== undefined) row.canary_arm_id = update.canaryArmId;
  if (update.steps !== undefined) row.steps = encode(update.steps);
  if (update.summary !== undefined) row.summary = update.summary;
  if (update.finishedAt !== undefined) row.finished_at = update.finishedAt;
  return row;
}

function rowToPromotion(row: Selectable<PromotionTable>): PromotionRecord {
  return {
    id: row.id,
    service: row.service,
    build: row.build,
    configurationHash: row.configuration_hash,
    origin: row.origin as PromotionOrigin,
    ...(row.run_id !== null && { runId: row.run_id }),
    actor: row.actor,
    reason: row.reason,
    createdAt: row.created_at,
    version: row.version,
    state: row.state as PromotionState,
    stage: row.stage as PromotionStage,
    ...(row.current_arm_id !== null && { currentArmId: row.current_arm_id }),
    ...(row.canary_arm_id !== null && { canaryArmId: row.canary_arm_id }),
    steps: decode(row.steps) as readonly PromotionStep[],
    ...(row.summary !== null && { summary: row.summary }),
    ...(row.finished_at !== null && { finishedAt: row.finished_at }),
  };
}
