import type { Kysely } from 'kysely';
import type { OverrideRecord, RunStore } from '../runs/run-store.ts';
import { decode, encode } from './json.ts';
import { decodeNumberCursor, encodeNumberCursor, toPage } from './pages.ts';
import type { Schema } from './schema.ts';

type Part = Pick<RunStore, 'saveOverride' | 'override' | 'appendAudit' | 'audit'>;

/** What people ordered, and the record of who did what. The audit is only ever appended to. */
export function peopleQueries(db: Kysely<Schema>): Part {
  return {
    async saveOverride(override) {
      const row = {
        order: override.order,
        actor: override.actor,
        reason: override.reason,
        at: override.at,
        expires_at: override.expiresAt,
      };
      await db
        .insertInto('overrides')
        .values({ run_id: override.runId, ...row })
        .onConflict((conflict) => conflict.column('run_id').doUpdateSet(row))
        .execute();
    },

    async override(runId) {
      const row = await db
        .selectFrom('overrides')
        .selectAll()
        .where('run_id', '=', runId)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      return {
        runId: row.run_id,
        order: row.order as OverrideRecord['order'],
        actor: row.actor,
        reason: row.reason,
        at: row.at,
        expiresAt: row.expires_at,
      };
    },

    appendAudit: (entry) =>
      db.transaction().execute(async (trx) => {
        const last = await trx
          .selectFrom('audit')
          .select((expression) => expression.fn.max('sequence').as('sequence'))
          .executeTakeFirst();
        const sequence = (last?.sequence ?? 0) + 1;
        await trx
          .insertInto('audit')
          .values({
            sequence,
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            service: entry.service ?? null,
            reason: entry.reason ?? null,
            data: encode(entry.data),
          })
          .execute();
        return { ...entry, sequence };
      }),

    async audit(filter, page) {
      let query = db.selectFrom('audit').selectAll();
      if (filter.service !== undefined) query = query.where('service', '=', filter.service);
      if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject);
      if (page.cursor !== undefined) {
        query = query.where('sequence', '<', decodeNumberCursor(page.cursor));
      }
      const rows = await query
        .orderBy('sequence', 'desc')
        .limit(page.limit + 1)
        .execute();
      return toPage(
        rows,
        page.limit,
        (row) => ({
          sequence: row.sequence,
          at: row.at,
          actor: row.actor,
          action: row.action,
          subject: row.subject,
          ...(row.service !== null && { service: row.service }),
          ...(row.reason !== null && { reason: row.reason }),
          data: decode(row.data) as Record<string, unknown>,
        }),
        (last) => encodeNumberCursor(last.sequence),
      );
    },
  };
}
