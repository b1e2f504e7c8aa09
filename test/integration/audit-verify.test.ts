/** What `speed-gate audit verify` says of an audit that somebody with the database file has tampered with. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { auditHash } from '../../gate-service/src/runs/run-store.ts';
import type { AuditEntry } from '../../gate-service/src/runs/run-store.ts';
import { openStore } from '../../gate-service/src/store/store.ts';

const MAIN = path.join(import.meta.dirname, '..', '..', 'gate-service', 'src', 'main.ts');
const ENTRIES = 12;

let state: string;
let file: string;
let entries: readonly AuditEntry[];

beforeEach(async () => {
  state = await mkdtemp(path.join(tmpdir(), 'speed-gate-audit-'));
  file = path.join(state, 'speed-gate.sqlite');
  const store = await openStore({ file });
  for (let n = 1; n <= ENTRIES; n += 1) {
    await store.appendAudit({
      at: `2026-01-01T00:00:${String(n).padStart(2, '0')}.000Z`,
      actor: 'ann',
      action: 'run.override',
      subject: `run-${n}`,
      service: 'checkout',
      reason: 'the shop must open today',
      data: { order: 'promote', n },
    });
  }
  entries = await store.auditFrom(1, 100);
  await store.close();
});
afterEach(async () => {
  await rm(state, { recursive: true });
});

/** As an attacker with the file would: the triggers are dropped first. */
function tamper(...statements: readonly string[]): void {
  const database = new DatabaseSync(file);
  for (const change of ['update', 'delete']) database.exec(`drop trigger audit_no_${change}`);
  for (const statement of statements) database.exec(statement);
  database.close();
}

interface Answer {
  readonly code: number;
  readonly output: string;
}

function verify(...options: readonly string[]): Promise<Answer> {
  return auditVerify({}, '--state', state, ...options);
}

async function auditVerify(
  environment: Readonly<Record<string, string>>,
  ...options: readonly string[]
): Promise<Answer> {
  const env = { ...process.env, DATABASE_URL: '', ...environment };
  const args = [MAIN, 'audit', 'verify', ...options];
  return promisify(execFile)(process.execPath, args, { env }).then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    (error: unknown) => {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, output: stdout + stderr };
    },
  );
}

it('says that it is whole, and its head', async () => {
  const { code, output } = await verify();
  expect(code, output).toBe(0);
  expect(output).toContain(`is whole: ${ENTRIES} entries`);
  expect(output).toContain(`head: ${entries.at(-1)!.hash} (entry ${ENTRIES}`);
});

it.each([
  ['a changed field', "update audit set actor = 'bob' where sequence = 5", 'entry 5 was changed'],
  [
    'a changed structure',
    `update audit set data = '{"order":"rollback","n":6}' where sequence = 6`,
    'entry 6 was changed',
  ],
  ['data that is no JSON', "update audit set data = 'x' where sequence = 2", 'entry 2 was changed'],
  ['a deleted entry', 'delete from audit where sequence = 4', 'entry 4 is missing'],
  ['several', 'delete from audit where sequence between 4 and 6', 'entries 4 to 6 are missing'],
  [
    'an entry before the first',
    "insert into audit values (0, 't', 'a', 'x', 's', null, null, '{}', '', '')",
    'entry 0 was put before the first',
  ],
  ['a deleted beginning', 'delete from audit where sequence < 3', 'entries 1 to 2 are missing'],
  [
    'two swapped entries',
    `update audit set sequence = 99 where sequence = 7;
     update audit set sequence = 7 where sequence = 8;
     update audit set sequence = 8 where sequence = 99`,
    'entry 7 was changed',
  ],
  [
    'a renumbered rest',
    `delete from audit where sequence = 3;
     update audit set sequence = sequence - 1 where sequence > 3`,
    'entry 3 was changed',
  ],
])('finds %s', async (_what, statement, words) => {
  tamper(statement);
  const { code, output } = await verify();
  expect(output).toContain('BROKEN');
  expect(output).toContain(words);
  expect(code).toBe(1);
});

it('finds an entry that was changed and hashed anew', async () => {
  const original = entries[4]!;
  const forged = auditHash(original.previousHash, { ...original, actor: 'bob' });
  tamper(`update audit set actor = 'bob', hash = '${forged}' where sequence = 5`);
  const { code, output } = await verify();
  expect(code).toBe(1);
  expect(output).toContain('entry 6 does not follow on entry 5');
  expect(output).toContain('Whole up to entry 5');
});

it('finds a tail that was cut off by a head that was noted before, and only by it', async () => {
  const noted = entries.at(-1)!.hash;
  expect(await verify('--expect', noted)).toMatchObject({ code: 0 });
  tamper(`delete from audit where sequence > 9`);
  expect(await verify()).toMatchObject({ code: 0 });
  const cut = await verify('--expect', noted);
  expect(cut.code).toBe(1);
  expect(cut.output).toContain('what followed entry 9 was cut off');
  // An older head is still in the chain.
  expect(await verify('--expect', entries[8]!.hash)).toMatchObject({ code: 0 });
});

it('answers in JSON, and says what is wrong with its options', async () => {
  const { output } = await verify('--json');
  expect(JSON.parse(output)).toMatchObject({ entries: ENTRIES, head: { sequence: ENTRIES } });
  expect(await verify('--expect', 'abc')).toMatchObject({ code: 1 });
  await rm(file);
  const missing = await verify();
  expect(missing.code).toBe(1);
  expect(missing.output).toContain('is no state folder');
});

it('asks the database that the settings name, and none that they only may have meant', async () => {
  const url = 'postgresql://ann:secret@127.0.0.1:1/gate';
  const settings = path.join(state, 'settings.yaml');
  await writeFile(settings, `state: ${state}\n`);
  const environment = { SPEED_GATE_SETTINGS: settings, SPEED_GATE_STATE: '' };
  expect(await auditVerify(environment)).toMatchObject({ code: 0 });
  // There is a whole audit in the state folder, but it is not the service's.
  await writeFile(settings, `state: ${state}\ndatabaseUrl: ${url}\n`);
  const away = await auditVerify(environment);
  expect(away.code).toBe(1);
  expect(away.output).toContain('127.0.0.1:1/gate does not answer');
  await writeFile(settings, `state: ${state}\nstat: typo\n`);
  const broken = await auditVerify(environment);
  expect(broken.code).toBe(1);
  expect(broken.output).toContain('unknown: stat');
});
