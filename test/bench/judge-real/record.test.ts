import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRecord, type PushRecord } from './record.ts';

const settings = { windows: 12, windowSeconds: 2, rate: 200, slowFactor: 1.1 };
const push = (number: number): PushRecord => ({
  push: number,
  build: 'same',
  seed: number,
  startedAt: '2026-11-21T08:00:00.000Z',
  seconds: 50,
  file: `push-${number}.csv.gz`,
  problems: [],
});

let folder: string;
beforeEach(async () => {
  folder = path.join(await mkdtemp(path.join(tmpdir(), 'speed-gate-record-test-')), 'record');
});
afterEach(async () => {
  await rm(path.dirname(folder), { recursive: true, force: true });
});

describe('record of judge-real', () => {
  it('goes on with what it holds', async () => {
    const first = await openRecord(folder, settings, false);
    await first.append(push(1));
    await first.append(push(2));
    expect(first.pushes).toEqual([push(1), push(2)]);
    const second = await openRecord(folder, settings, true);
    expect(second.pushes).toEqual([push(1), push(2)]);
    await second.append(push(3));
    expect((await openRecord(folder, settings, true)).pushes).toHaveLength(3);
  });

  it('measures a push again whose line was cut off', async () => {
    await (await openRecord(folder, settings, false)).append(push(1));
    await appendFile(path.join(folder, 'pushes.jsonl'), '{"push":2,"build":"sa');
    const again = await openRecord(folder, settings, true);
    expect(again.pushes).toEqual([push(1)]);
    await again.append(push(2));
    const lines = (await readFile(path.join(folder, 'pushes.jsonl'), 'utf8')).trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as PushRecord).push)).toEqual([1, 2]);
  });

  it('does not mix records: neither over an old one nor with other settings', async () => {
    await openRecord(folder, settings, false);
    await expect(openRecord(folder, settings, false)).rejects.toThrow(/--resume/);
    await expect(openRecord(folder, { ...settings, windows: 10 }, true)).rejects.toThrow(
      /windows 12, not 10/,
    );
  });
});
