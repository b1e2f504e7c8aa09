/** Several processes on one SQLite file: two gate services by mistake, or a command beside one. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStore } from '../../gate-service/src/store/store.ts';
import { verifyAudit } from '../../gate-service/src/store/verify-audit.ts';
import { newRun } from '../support/store/records.ts';

const RACER = path.join(import.meta.dirname, '..', 'support', 'store', 'race-process.ts');
const PROCESSES = 4;
const TIMES = 40;

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-sqlite-'));
  file = path.join(folder, 'speed-gate.sqlite');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function race(name: string): Promise<readonly number[]> {
  const args = [RACER, file, name, String(TIMES)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as number[];
}

it('are one after the other: no gap, no fork, no token twice', async () => {
  const store = await openStore({ file });
  await store.createRun(newRun('run-1'));
  const tokens = await Promise.all(Array.from({ length: PROCESSES }, (_, n) => race(`p-${n}`)));
  const total = PROCESSES * TIMES;
  const events = await store.events('run-1', 0, 1000);
  expect(events.map(({ sequence }) => sequence)).toStrictEqual(
    Array.from({ length: total }, (_, n) => n + 1),
  );
  expect(await verifyAudit(store)).toMatchObject({ entries: total, head: { sequence: total } });
  const all = tokens.flat();
  expect(new Set(all).size).toBe(all.length);
  for (const own of tokens) expect(own).toStrictEqual([...own].sort((a, b) => a - b));
  await store.close();
});

it('migrate a new file once, whoever is first', async () => {
  const stores = Array.from({ length: PROCESSES }, (_, n) =>
    promisify(execFile)(process.execPath, [RACER, file, `p-${n}`, '0']),
  );
  for (const { stdout } of await Promise.all(stores)) expect(stdout.trim()).toBe('[]');
  const store = await openStore({ file, migrate: false });
  expect(await store.queuedRuns()).toStrictEqual([]);
  await store.close();
});
