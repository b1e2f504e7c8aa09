import type { Kysely } from 'kysely';
import type { RunStore } from '../runs/run-store.ts';
import { batched } from './batch.ts';
import { decode, encode } from './json.ts';
import type { Schema } from './schema.ts';

type Part = Pick<RunStore, 'saveBuild' | 'build' | 'saveConfiguration' | 'configurationValues'>;

type Values = Readonly<Record<string, number | boolean | string>>;

/** Builds and stack configurations: both immutable, both named by their hash. */
export function buildQueries(db: Kysely<Schema>): Part {
  return {
    async saveBuild(build) {
      await db
        .insertInto('builds')
        .values({
          digest: build.digest,
          location: build.location,
          size_bytes: build.sizeBytes,
          uploaded_by: build.uploadedBy,
          uploaded_at: build.uploadedAt,
        })
        .onConflict((conflict) => conflict.column('digest').doNothing())
        .execute();
    },

    async build(digest) {
      const row = await db
        .selectFrom('builds')
        .selectAll()
        .where('digest', '=', digest)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      return {
        digest: row.digest,
        location: row.location,
        sizeBytes: row.size_bytes,
        uploadedBy: row.uploaded_by,
        uploadedAt: row.uploaded_at,
      };
    },

    async saveConfiguration(hash, values) {
      await db
        .insertInto('configurations')
        .values({ hash, knob_values: encode(values) })
        .onConflict((conflict) => conflict.column('hash').doNothing())
        .execute();
    },

    configurationValues: batched<Values | undefined>(async (hashes) => {
      const rows = await db
        .selectFrom('configurations')
        .selectAll()
        .where('hash', 'in', hashes)
        .execute();
      return new Map(rows.map((row) => [row.hash, decode(row.knob_values) as Values]));
    }, undefined),
  };
}
