import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSessionsFile, sameTask } from './sessions-file.ts';
import type { TaskDone } from './worker.ts';

const session: TaskDone = {
  task: { stack: 'mild', method: 'random', seed: 1, budgets: [15] },
  outcomes: [
    { budget: 15, gapPercent: 3.5, bestUnsafe: false, evaluations: 15, unsafe: 2, rejected: 0 },
  ],
};

describe('the file of finished sessions', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-sessions-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('gives back what was added, also after a kill in the middle of a line', async () => {
    const file = path.join(folder, 'sessions.jsonl');
    const first = await openSessionsFile(file);
    expect(first.done).toEqual([]);
    await first.add(session);
    await appendFile(file, '{"task":{"sta');
    const second = await openSessionsFile(file);
    expect(second.done).toEqual([session]);
    await second.add(session);
    await second.add(session);
    expect((await openSessionsFile(file)).done).toEqual([session, session, session]);
  });

  it('names a line of something else', async () => {
    const file = path.join(folder, 'other.jsonl');
    await writeFile(file, '{"bench":"judge"}\n');
    await expect(openSessionsFile(file)).rejects.toThrow(/other\.jsonl:1 .*--sessions/s);
  });

  it('tells sessions of other budgets apart', () => {
    expect(sameTask(session.task, { ...session.task })).toBe(true);
    expect(sameTask(session.task, { ...session.task, budgets: [15, 30] })).toBe(false);
  });
});
