import { expect, it } from 'vitest';
import { mkdtemp, mkdir, rm, writeFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sampleFilesIn } from './adapters/sample-files.ts';
import type { MeasurementRecord } from './records.ts';
import { keepPruning, pruneSamples, removeSettled } from './retention.ts';
import { FakeClock } from './test-support/fake-clock.ts';

/** Measurements by file, and which of them are marked; so many messages and keys that are settled. */
function fakeStore(
  files: readonly string[],
  settled = 0,
): {
  readonly asked: string[];
  readonly settledBefore: string[];
  readonly marked: string[];
  prunableMeasurements(before: string, limit: number): Promise<readonly MeasurementRecord[]>;
  markSamplesPruned(id: string): Promise<void>;
  removeSettled(before: string, limit: number): Promise<number>;
  readonly kept: number[];
  forgetLearnt(keep: number): Promise<number>;
} {
  const asked: string[] = [];
  const settledBefore: string[] = [];
  const marked: string[] = [];
  let remaining = settled;
  const kept: number[] = [];
  return {
    kept,
    forgetLearnt: (keep) => {
      kept.push(keep);
      return Promise.resolve(0);
    },
    asked,
    marked,
    settledBefore,
    removeSettled: (before, limit) => {
      settledBefore.push(before);
      const removed = Math.min(limit, remaining);
      remaining -= removed;
      return Promise.resolve(removed);
    },
    prunableMeasurements: (before, limit) => {
      asked.push(before);
      const left = files.filter((file) => !marked.includes(file)).slice(0, limit);
      return Promise.resolve(left.map((file) => ({ id: file, file }) as MeasurementRecord));
    },
    markSamplesPruned: (id) => {
      marked.push(id);
      return Promise.resolve();
    },
  };
}

it('removes the files first and marks them, in as many goes as it takes', async () => {
  const state = await mkdtemp(join(tmpdir(), 'speed-gate-test-'));
  try {
    const files = Array.from(
      { length: 250 },
      (_, index) => `samples/run-${String(index)}/a.csv.gz`,
    );
    for (const file of files.slice(0, 249)) {
      await mkdir(join(state, file, '..'), { recursive: true });
      await writeFile(join(state, file), '');
    }
    const store = fakeStore(files);
    const clock = new FakeClock();
    const removed = await pruneSamples(
      {
        store,
        sampleFiles: sampleFilesIn(state),
        clock,
        days: 30,
        problem: (error) => {
          throw error;
        },
      },
      new AbortController().signal,
    );
    expect(removed).toBe(250);
    expect(store.marked).toEqual(files);
    expect(await readdir(join(state, 'samples'))).toEqual([]);
    expect(clock.now() - Date.parse(store.asked[0]!)).toBe(30 * 86_400_000);
  } finally {
    await rm(state, { recursive: true, force: true });
  }
});

it('touches nothing outside the folder of samples', async () => {
  for (const file of ['../secret', 'samples/../tokens.yaml', 'samplesx/a', 'samples']) {
    await expect(sampleFilesIn('/nowhere').remove(file)).rejects.toThrow('it stays');
  }
});

it('leaves what cannot be removed unmarked, says so once, and goes on', async () => {
  const store = fakeStore(['samples/a/a.csv.gz', '../secret', 'samples/b/b.csv.gz'], 1);
  const problems: string[] = [];
  const clock = new FakeClock();
  const signal = new AbortController();
  const pruning = keepPruning(
    {
      store,
      sampleFiles: {
        remove: (file) =>
          file.startsWith('samples/') ? Promise.resolve() : Promise.reject(new Error('not ours')),
      },
      clock,
      days: 1,
      problem: ({ message }) => problems.push(message),
    },
    signal.signal,
  );
  await clock.run(clock.sleep(1_800_000));
  expect(store.marked).toEqual(['samples/a/a.csv.gz', 'samples/b/b.csv.gz']);
  expect(problems).toEqual([expect.stringContaining('../secret')]);
  expect(store.settledBefore).toHaveLength(2);
  expect(store.kept).toEqual([120]);
  await clock.run(clock.sleep(3_600_000));
  expect(problems).toHaveLength(2);
  signal.abort();
  await pruning;
});

it.each([
  [30, 30],
  [1, 2],
])(
  'removes what is settled after %i days, %i at least, in as many goes as it takes',
  async (days, after) => {
    const clock = new FakeClock();
    const store = fakeStore([], 1_200);
    const { signal } = new AbortController();
    expect(await removeSettled({ clock, days, store }, signal)).toBe(1_200);
    expect(store.settledBefore.length).toBeGreaterThan(2);
    expect(clock.now() - Date.parse(store.settledBefore[0]!)).toBe(after * 86_400_000);
  },
);
