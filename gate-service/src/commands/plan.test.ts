import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { makeMeasurement } from '../judge/test-measurement.ts';
import { writeSampleFile } from '../load/sample-file.ts';
import type { Measurement } from '../load/sample.ts';
import { openStore } from '../store/store.ts';
import type { PlanAnswer } from './plan-answer.ts';
import { plan } from './plan.ts';

// Many cases, or processes of their own: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let printed: string[];
let said: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plan-'));
  printed = [];
  said = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => printed.push(text));
  vi.spyOn(console, 'error').mockImplementation((text: string) => said.push(text));
});
afterEach(async () => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  await rm(folder, { recursive: true });
});

const threshold = ['--threshold', 'p50 <= baseline + 5%'];

async function store(measurements: readonly Measurement[]): Promise<void> {
  const database = await openStore({ file: join(folder, 'speed-gate.sqlite') });
  const at = '2026-01-05T08:00:00Z';
  await mkdir(join(folder, 'samples'));
  for (const [index, measurement] of measurements.entries()) {
    const id = `run-${index}`;
    await database.createRun({
      id,
      service: 'shop',
      build: 'a'.repeat(64),
      request: { service: 'shop', build: 'a'.repeat(64) },
      settings: {
        workload: { rate: 1, arrivals: 'poisson', freshConnections: 0, requests: [] },
        thresholds: [],
        shown: [],
        tune: 'off',
        promote: 'manual',
        profile: 'quick',
        against: 'production',
        seed: 1,
      },
      requestedBy: 'ci',
      createdAt: at,
      phase: 'queued',
      phases: [],
    });
    const file = join('samples', `${id}.csv.gz`);
    await writeSampleFile(join(folder, file), measurement);
    const arm = (name: 'baseline' | 'candidate') => ({
      name,
      armId: `${name}-1`,
      build: 'a'.repeat(64),
      configurationHash: 'stock',
    });
    await database.saveMeasurement({
      id: `measurement-${index}`,
      runId: id,
      attempt: 1,
      purpose: 'measuring',
      file,
      startedAt: at,
      endedAt: at,
      arms: [arm('baseline'), arm('candidate')],
      windowsPlanned: measurement.windowsPlanned,
      windowsMeasured: measurement.windowsPlanned,
      windowsCounted: measurement.windowsPlanned,
      windowSeconds: 2,
      pairsPerSecond: 30,
      seed: 1,
      steady: true,
      counters: { sent: 1, received: 1, inFlight: 0, cpuSeconds: 1 },
    });
  }
  await database.close();
}

async function answered(args: readonly string[]): Promise<PlanAnswer> {
  await plan([...threshold, ...args, '--json']);
  return JSON.parse(printed.at(-1) ?? '') as PlanAnswer;
}

describe('speed-gate plan', () => {
  test('from a service: its stored comparisons together, those of another length passed over', async () => {
    const alike = [1, 2, 3].map((seed) => makeMeasurement({ seed, windows: 12, pairs: 60 }));
    await store([...alike, makeMeasurement({ windows: 6, pairs: 200 })].toReversed());
    await rm(join(folder, 'samples', 'run-2.csv.gz'));
    const answer = await answered(['--service', 'shop', '--state', folder, '--seconds', '60']);
    expect(answer.from).toMatchObject({ windowSeconds: 2, requestsPerWindow: 60, measurements: 2 });
    expect(said.join('\n')).toContain('there is no such file');
    expect(said.join('\n')).toContain('another length or rate');
    expect(answer.toMeet.map(({ power }) => power)).toEqual([0.8, 0.9, 0.95]);
    const seconds = answer.toMeet.map((duration) => duration.seconds!);
    expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
    expect(answer.toMeet[0]!.secondsLow).toBeLessThanOrEqual(seconds[0]!);
    expect(answer.toMeet[0]!.secondsHigh).toBeGreaterThanOrEqual(seconds[0]!);
    expect(answer.within!.windows).toBe(30);
    expect(answer.within!.detectable[0]!.effect).toBeGreaterThanOrEqual(0.05);
  });

  test('windows of another length are passed over, although as many requests are in each', async () => {
    const usual = makeMeasurement({ windows: 8, pairs: 60 });
    const slower = usual.samples.map((sample) => ({
      ...sample,
      intendedUs: 2 * sample.intendedUs,
    }));
    await store([{ ...usual, samples: slower }, usual]);
    const { from } = await answered(['--service', 'shop', '--state', folder]);
    expect(from).toMatchObject({ measurements: 1, windows: 8 });
  });

  test('from files, in words, and how unsure few data are', async () => {
    const file = join(folder, 'x.csv');
    await writeSampleFile(file, makeMeasurement({ windows: 6, pairs: 60 }));
    await plan([...threshold, '--file', file, '--effect', '10%', '--seconds', '30']);
    const text = printed.join('\n');
    expect(text).toMatch(/from 1 measurement with 6 windows of 2\.0 s/);
    expect(text).toContain('until a build with 10 % is found to breach it');
    expect(text).toContain('few data');
    expect(text).toContain('one measurement only');
    expect(text).not.toMatch(/NaN|undefined|null/);
  });

  test('an effect within the limit', async () => {
    const file = join(folder, 'x.csv');
    await writeSampleFile(file, makeMeasurement({ windows: 6, pairs: 60 }));
    const answer = await answered(['--file', file, '--effect', '3%']);
    expect(answer.toFind!.durations.every(({ seconds }) => seconds === null)).toBe(true);
    expect(answer.notes.join()).toContain('breaches nothing');
  });

  test.each([
    [['--service', 'shop'], '--threshold is missing'],
    [[...threshold], 'either a --service or one --file'],
    [[...threshold, '--file', 'x', '--seconds', '-3'], 'seconds'],
    [[...threshold, '--file', 'x', '--effect', '10ms'], 'the threshold is in %'],
    [[...threshold, '--file', 'x', '--colour'], 'colour'],
    [['--threshold', 'p50 <= base', '--file', 'x'], 'baseline'],
  ])('wrong arguments %j', async (args, words) => {
    await plan(args);
    expect(process.exitCode).toBe(2);
    expect(said.join('\n')).toContain(words);
    expect(printed).toEqual([]);
  });

  test('nothing to plan from is said, and nothing is made', async () => {
    await expect(plan([...threshold, '--service', 'shop', '--state', folder])).rejects.toThrow(
      'no state folder',
    );
    await store([]);
    await expect(plan([...threshold, '--service', 'shop', '--state', folder])).rejects.toThrow(
      'no measurement of a service shop',
    );
    const file = join(folder, 'x.csv');
    await writeSampleFile(file, makeMeasurement({ windows: 6, pairs: 60 }));
    await expect(
      plan(['--threshold', 'capacity >= baseline - 5%', '--file', file]),
    ).rejects.toThrow('not measured window by window');
    await expect(
      plan(['--threshold', 'cpu_per_request <= baseline + 5%', '--file', file]),
    ).rejects.toThrow('no CPU seconds by window');
  });
});
