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

interface Aged {
  readonly created_at: string;
  readonly id: string;
}

/** {@link toPage} for such a list. */
export function toAgePage<Row extends Aged, T>(
  rows: readonly Row[],
  limit: number,
  map: (row: Row) => T,
): Page<T> {
  return toPage(rows, limit, map, ({ created_at, id }) =>
    Buffer.from(JSON.stringify([created_at, id])).toString('base64url'),
  );
}

/**
 * The lists that a filter by service means: one of all services (`[undefined]`), or one for each. Each is read
 * along its own index and they are merged after, because no index has several services in the order of age.
 */
export function serviceLists(
  service: string | undefined,
  services: readonly string[] | undefined,
): readonly (string | undefined)[] {
  if (services === undefined) return [service];
  const readable = [...new Set(services)];
  return service === undefined ? readable : readable.filter((own) => own === service);
}

/**
 * A page of several lists together, newest first.
 * @param read rows of one list that `older` leaves, newest first, at most `limit`
 * @throws InvalidCursorError
 */
export async function newestOf<Row extends Aged, T>(
  lists: readonly (string | undefined)[],
  page: PageRequest,
  map: (row: Row) => T,
  read: (
    list: string | undefined,
    older: RawBuilder<boolean>,
    limit: number,
  ) => Promise<readonly Row[]>,
): Promise<Page<T>> {
  const older = olderThan(page);
  const rows: Row[] = [];
  for (const list of lists) rows.push(...(await read(list, older, page.limit + 1)));
  if (lists.length > 1) rows.sort((one, other) => (isNewer(one, other) ? -1 : 1));
  return toAgePage(rows, page.limit, map);
}

function isNewer(one: Aged, other: Aged): boolean {
  if (one.created_at !== other.created_at) return one.created_at > other.created_at;
  return one.id > other.id;
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
