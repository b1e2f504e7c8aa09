import type { Kysely, Selectable, Transaction } from 'kysely';
import { auditHash, NO_PREVIOUS_HASH } from '../runs/run-store.ts';
import type { AuditEntry, NewAuditEntry, RunStore } from '../runs/run-store.ts';
import { serialise } from './dialect.ts';
import { decode, encode } from './json.ts';
import { decodeNumberCursor, encodeNumberCursor, serviceLists, toPage } from './pages.ts';
import type { AuditTable, Schema } from './schema.ts';
import { storableText } from './text.ts';

type Part = Pick<RunStore, 'appendAudit' | 'audit' | 'auditFrom'>;

/** Who did what. Only ever appended to: the database itself refuses everything else. */
export function auditQueries(db: Kysely<Schema>): Part {
  return {
    appendAudit: (entry) => db.transaction().execute((trx) => appendEntry(trx, entry)),

    async audit({ services, service, subject }, page) {
      const before = page.cursor === undefined ? undefined : decodeNumberCursor(page.cursor);
      const lists = serviceLists(service, services);
      const rows: Selectable<AuditTable>[] = [];
      for (const own of lists) {
        let query = db.selectFrom('audit').selectAll();
        if (own !== undefined) query = query.where('service', '=', own);
        if (subject !== undefined) query = query.where('subject', '=', subject);
        if (before !== undefined) query = query.where('sequence', '<', before);
        const newest = query.orderBy('sequence', 'desc').limit(page.limit + 1);
        rows.push(...(await newest.execute()));
      }
      if (lists.length > 1) rows.sort((one, other) => other.sequence - one.sequence);
      return toPage(rows, page.limit, rowToEntry, (last) => encodeNumberCursor(last.sequence));
    },

    async auditFrom(sequence, limit) {
      let query = db.selectFrom('audit').selectAll();
      if (sequence !== -Infinity) query = query.where('sequence', '>=', sequence);
      const rows = await query.orderBy('sequence').limit(limit).execute();
      return rows.map(rowToEntry);
    },
  };
}

/** The lock of the chain is the last one that a transaction takes, so that none waits for another in a circle. */
export async function appendEntry(
  trx: Transaction<Schema>,
  entry: NewAuditEntry,
): Promise<AuditEntry> {
  await serialise(trx, 'audit');
  const last = await trx
    .selectFrom('audit')
    .select(['sequence', 'hash'])
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
  const previousHash = last?.hash ?? NO_PREVIOUS_HASH;
  // Hashed is what will be read back, or the chain would break by itself.
  const stored = {
    sequence: (last?.sequence ?? 0) + 1,
    at: storableText(entry.at),
    actor: storableText(entry.actor),
    action: storableText(entry.action),
    subject: storableText(entry.subject),
    ...(entry.service !== undefined && { service: storableText(entry.service) }),
    ...(entry.reason !== undefined && { reason: storableText(entry.reason) }),
    data: decode(encode(entry.data)) as Record<string, unknown>,
  };
  const hash = auditHash(previousHash, stored);
  const { service, reason, data, ...row } = stored;
  await trx
    .insertInto('audit')
    .values({
      ...row,
      service: service ?? null,
      reason: reason ?? null,
      data: encode(data),
      previous_hash: previousHash,
      hash,
    })
    .execute();
  return { ...stored, previousHash, hash };
}

function rowToEntry(row: Selectable<AuditTable>): AuditEntry {
  return {
    sequence: row.sequence,
    at: row.at,
    actor: row.actor,
    action: row.action,
    subject: row.subject,
    ...(row.service !== null && { service: row.service }),
    ...(row.reason !== null && { reason: row.reason }),
    data: dataOf(row.data),
    previousHash: row.previous_hash,
    hash: row.hash,
  };
}

/** Data that somebody has spoilt is shown as it is found: it must not hide the rest, and its hash tells. */
function dataOf(text: string): Record<string, unknown> {
  try {
    return decode(text) as Record<string, unknown>;
  } catch {
    return { unreadable: text };
  }
}
