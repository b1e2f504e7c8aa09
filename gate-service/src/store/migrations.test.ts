/** From the shape that the first service wrote to the newest, with what was stored in it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { afterEach, beforeEach, expect, it } from 'vitest';
import * as initial from './migrations/0001-initial.ts';
import * as reference from './migrations/0002-reference.ts';
import { openSqliteDialect } from './sqlite.ts';
import { openStore } from './store.ts';
import { verifyAudit } from './verify-audit.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'speed-gate-migrations-'));
  file = join(folder, 'store.db');
  const db = new Kysely({ dialect: openSqliteDialect(file) });
  const migrations = { '0001-initial': initial, '0002-reference': reference };
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
  });
  expect((await migrator.migrateToLatest()).error).toBeUndefined();
  await db.destroy();
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

function raw(...statements: readonly string[]): void {
  const database = new DatabaseSync(file);
  for (const statement of statements) database.exec(statement);
  database.close();
}

const run = (id: string, phase: string, cause: string | null) =>
  `insert into runs (id, service, build, request, settings, requested_by, created_at, version, phase, phases, cause)
   values ('${id}', 'checkout', 'b', '{}', '{}', 'ci', '2026-01-01', 1, '${phase}', '[]', ${cause === null ? 'null' : `'${cause}'`})`;
const override = (id: string) =>
  `insert into overrides values ('${id}', 'promote', 'ann', 'because of it', '2026-01-02', '2026-01-03')`;

it('chains the audit that is there, and refuses every change of it from then on', async () => {
  const rows = Array.from(
    { length: 1203 },
    (_, n) =>
      `insert into audit values (${n + 1}, 't', 'a', 'x', 's', ${n % 2 === 0 ? 'null' : "'checkout'"}, null, '{"b":${n},"a":{"$number":"Infinity"}}')`,
  );
  raw('begin', ...rows, 'commit');
  const store = await openStore({ file });
  expect(await verifyAudit(store)).toMatchObject({ entries: 1203, head: { sequence: 1203 } });
  const next = await store.appendAudit({
    at: 't',
    actor: 'a',
    action: 'x',
    subject: 's',
    data: {},
  });
  expect(next.sequence).toBe(1204);
  await store.close();
  expect(() => {
    raw("update audit set actor = 'b' where sequence = 3");
  }).toThrow(/only ever appended/);
  expect(() => {
    raw('delete from audit where sequence = 1204');
  }).toThrow(/only ever appended/);
});

it('keeps overrides, with what came of them', async () => {
  raw(
    run('open', 'measuring', null),
    override('open'),
    run('acted', 'finished', 'breached'),
    override('acted'),
    `insert into promotions (id, service, build, configuration_hash, origin, run_id, actor, reason, created_at, version, state, stage, steps)
     values ('p', 'checkout', 'b', 'c', 'person', 'acted', 'ann', 'r', 't', 1, 'completed', 'ended', '[]')`,
    run('beside', 'finished', 'met'),
    override('beside'),
  );
  const store = await openStore({ file });
  const states = await Promise.all(
    ['open', 'acted', 'beside'].map(async (id) => store.override(id)),
  );
  expect(states.map((one) => [one?.id, one?.state, one?.cause])).toStrictEqual([
    ['override-open', 'waiting', undefined],
    ['override-acted', 'acted', 'breached'],
    ['override-beside', 'stands', 'met'],
  ]);
  expect(states[0]).toMatchObject({ actor: 'ann', reason: 'because of it', order: 'promote' });
  await store.close();
});

it('knows of each old measurement when it ended', async () => {
  raw(
    run('r', 'finished', 'met'),
    ...[1, 2].map(
      (n) =>
        `insert into measurements values ('m-${n}', 'r', ${n}, 't', '{"id":"m-${n}","endedAt":"2026-01-0${n}"}')`,
    ),
  );
  const store = await openStore({ file });
  const prunable = await store.prunableMeasurements('2026-01-02', 10);
  expect(prunable.map(({ id }) => id)).toStrictEqual(['m-1']);
  await store.close();
});

it('is as it was when a migration fails', async () => {
  // A row that cannot be chained: its data is no JSON.
  raw("insert into audit values (1, 't', 'a', 'x', 's', null, null, 'spoilt')");
  await expect(openStore({ file })).rejects.toThrow(/0003-audit-chain/);
  expect(() => {
    raw(
      'insert into audit (sequence, at, actor, action, subject, data, hash) values (2, 1, 1, 1, 1, 1, 1)',
    );
  }).toThrow(/no column named hash/);
  raw("update audit set data = '{}'");
  await (await openStore({ file })).close();
});

it('is refused by an older version than the one that used it last', async () => {
  await (await openStore({ file })).close();
  raw("insert into kysely_migration values ('9999-later', '2026-01-01T00:00:00.000Z')");
  await expect(openStore({ file })).rejects.toThrow(/newer version/);
  await expect(openStore({ file, migrate: false })).rejects.toThrow(/newer version.*9999-later/);
});
