/** Pieces that several resources share. */
import { z } from 'zod';

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');
export const instantSchema = z.iso.datetime().describe('ISO 8601 in UTC.');

/** Ids are made by the service: this keeps everything else out of queries and paths. */
export const idSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/, 'expected an id');
export const serviceNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'expected the name of a service of the catalogue');

export const reasonSchema = z
  .string()
  .trim()
  .min(10, 'say why, in at least 10 characters: the audit keeps it')
  .max(2000);

export const pageQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(500).optional().describe('`nextCursor` of the page before.'),
});

/** The fields that are there: an absent one is no field with the value `undefined`. */
export function defined<T extends object>(
  fields: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** A page of `items`; without `nextCursor` it is the last one. */
export function pageSchema<T extends z.ZodType>(items: T) {
  return z.object({ items: z.array(items).readonly(), nextCursor: z.string().optional() });
}

/** What the store takes of a page's query. */
export function pageRequest(query: z.infer<typeof pageQuerySchema>) {
  return { limit: query.limit, ...defined({ cursor: query.cursor }) };
}
