/** Cursors: where the next page starts, opaque to callers, stable while rows are added before it. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Page, PageRequest } from '../runs/run-store.ts';

/** The cursor is not one that this service gave out. */
export class InvalidCursorError extends Error {
  constructor() {
    super('the cursor is not one that an earlier page gave: start again without it');
    this.name = 'InvalidCursorError';
  }
}

/**
 * For a list that is sorted by `created_at` and `id`, newest first: what follows the page before.
 * @throws InvalidCursorError
 */
export function olderThan({ cursor }: PageRequest): RawBuilder<boolean> {
  if (cursor === undefined) return sql<boolean>`1 = 1`;
  const value = decodeJson(cursor);
  if (!Array.isArray(value) || value.length !== 2) throw new InvalidCursorError();
  const [createdAt, id] = value as unknown[];
  if (typeof createdAt !== 'string' || typeof id !== 'string') throw new InvalidCursorError();
  return sql<boolean>`(created_at, id) < (${createdAt}, ${id})`;
}

/** {@link toPage} for such a list. */
export function toAgePage<Row extends { readonly created_at: string; readonly id: string }, T>(
  rows: readonly Row[],
  limit: number,
  map: (row: Row) => T,
): Page<T> {
  return toPage(rows, limit, map, ({ created_at, id }) =>
    Buffer.from(JSON.stringify([created_at, id])).toString('base64url'),
  );
}

export function encodeNumberCursor(position: number): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** @throws InvalidCursorError */
export function decodeNumberCursor(cursor: string): number {
  const value = decodeJson(cursor);
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new InvalidCursorError();
  return value;
}

function decodeJson(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
  } catch {
    throw new InvalidCursorError();
  }
}

/**
 * A page out of rows that were read with one more than `limit`: the extra row only tells that there is more.
 */
export function toPage<Row, T>(
  rows: readonly Row[],
  limit: number,
  map: (row: Row) => T,
  cursor: (last: Row) => string,
): Page<T> {
  const kept = rows.slice(0, limit);
  const items = kept.map(map);
  const last = kept.at(-1);
  return rows.length > limit && last !== undefined
    ? { items, nextCursor: cursor(last) }
    : { items };
}
