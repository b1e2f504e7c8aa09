/** The command as it is called: lines, exit codes, and nothing of its insides on the screen. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeMeasurement } from '../judge/test-measurement.ts';
import { writeSampleFile } from '../load/sample-file.ts';
import type { FileReport } from './judge-file.ts';

// Many cases, or processes of their own: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000 });

const MAIN = join(import.meta.dirname, '../main.ts');

let folder: string;
let good: string;
let slow: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'judge-command-'));
  good = join(folder, 'good.csv.gz');
  slow = join(folder, 'slow.csv');
  await writeSampleFile(good, makeMeasurement({ windows: 8, pairs: 120 }));
  await writeSampleFile(slow, makeMeasurement({ windows: 8, pairs: 120, slower: 1.6 }));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

interface Called {
  readonly code: number;
  readonly reports: readonly FileReport[];
  readonly errors: string;
}

function called(...args: readonly string[]): Promise<Called> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'judge', ...args], (error, stdout, stderr) => {
      resolve({
        code: error === null ? 0 : Number(error.code),
        reports: stdout
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as FileReport),
        errors: stderr,
      });
    });
  });
}

describe('speed-gate judge', () => {
  test('prints a line for each file, in order, and ends with 0 whatever the decisions', async () => {
    const { code, reports, errors } = await called(
      '--threshold',
      'p50 <= baseline + 15%',
      good,
      slow,
    );
    expect(code).toBe(0);
    expect(reports.map(({ file, decision, cause }) => [file, decision, cause])).toEqual([
      [good, 'pass', 'met'],
      [slow, 'rollback', 'breached'],
    ]);
    expect(reports[1]!.evidence[0]!.effect).toBeGreaterThan(0.2);
    expect(reports[0]!.looks).toBeGreaterThanOrEqual(1);
    expect(errors).toContain('[2/2]');
  });

  test('says which thresholds it took when none was named', async () => {
    const { reports, errors } = await called(good);
    expect(reports[0]!.evidence.map(({ threshold }) => threshold)).toEqual([
      'p50 <= baseline + 10%',
      'p95 <= baseline + 15%',
      'errors < 1%',
    ]);
    expect(reports[0]!.notes[0]).toContain('judged by the defaults');
    expect(errors).toContain('no --threshold');
  });

  test('ends with 1 after a file that cannot be read, and goes on with the next', async () => {
    const broken = join(folder, 'broken.csv');
    await writeFile(broken, '# format: speed-gate-samples/1\nno header\n');
    const { code, reports, errors } = await called('--threshold', 'errors < 5%', broken, good);
    expect(code).toBe(1);
    expect(reports).toMatchObject([
      { file: broken, decision: 'rollback', cause: 'invalid' },
      { file: good, decision: 'pass' },
    ]);
    expect(reports[0]!.error).toContain('line 2: the header row has no column "arm"');
    expect(errors).toContain('broken.csv: line 2');
    expect(errors).not.toMatch(/\bat .*\.ts:\d/);
  });

  test.each([
    [[], 'no sample file'],
    [['--threshold', 'p99 <= base + 5%', 'x'], '^ expected a limit'],
    [['--controls', 'maybe', 'x'], 'required or optional'],
    [['--seed', '1.5', 'x'], 'whole number'],
    [['--planted-delay-us', '-1', 'x'], 'planted-delay-us'],
    [['--arms', 'baseline,planted', 'x'], 'two of baseline'],
    [['--colour', 'x'], '--colour'],
  ])('ends with 2 for %j, and prints nothing', async (args, words) => {
    const { code, reports, errors } = await called(...args);
    expect(code).toBe(2);
    expect(reports).toEqual([]);
    expect(errors).toContain(words);
    expect(errors).toContain('usage:');
    expect(errors).not.toMatch(/\bat .*\.ts:\d/);
  });
});
