/** Windows of the real sender: replaced where one was spoilt, blocks where the arms cannot be up together, unfit when it is overloaded. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { unfitReason } from '../../gate-service/src/judge/fitness.ts';
import { ChildSender, type ChildSenderOptions } from '../../gate-service/src/load/child-sender.ts';
import { readSampleFile } from '../../gate-service/src/load/sample-file.ts';
import type { Measurement } from '../../gate-service/src/load/sample.ts';
import type {
  MeasurementPlan,
  PlantedBlock,
  SenderResult,
} from '../../gate-service/src/load/sender.ts';
import {
  answerAfter,
  Listener,
  planFor,
  ReplacingListener,
  startTarget,
  type Target,
} from './sender-fixture.ts';

const MAIN = fileURLToPath(new URL('../../gate-service/src/main.ts', import.meta.url));

let folder: string;
let target: Target;
const hogs: ChildProcess[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sender-windows-'));
  target = await startTarget((_seen, response) => {
    answerAfter(response, 5);
  });
});
afterEach(() => {
  for (const hog of hogs.splice(0)) hog.kill('SIGKILL');
});
afterAll(async () => {
  await target.close();
  await rm(folder, { recursive: true });
});

let files = 0;
async function measure(
  change: Partial<MeasurementPlan>,
  listener: Listener,
  options: ChildSenderOptions = {},
): Promise<{ readonly result: SenderResult; readonly measurement: Measurement }> {
  const file = join(folder, `${(files += 1)}.csv.gz`);
  const plan = planFor(target.port, change);
  const { signal } = new AbortController();
  const result = await new ChildSender(options).measure(plan, file, listener, signal);
  return { result, measurement: await readSampleFile(file) };
}

const numbers = ({ samples }: Measurement): number[] =>
  [...new Set(samples.map(({ window }) => window))].sort((a, b) => a - b);

const planted = {
  name: 'planted' as const,
  headers: { 'x-speed-gate-arm': 'baseline', 'x-speed-gate-planted': '1' },
  windows: 1,
  delayMs: 5,
};

describe('replacements', () => {
  // 7 × 0.43 = 3.01: up to three.
  const replacing = { windows: 7, replacements: 3, windowSeconds: 0.2, planted };

  it.each([
    ['one in the middle', (window: number) => window === 3, [0, 1, 2, 3, 4, 5, 6, 7, 10]],
    ['the last one', (window: number) => window === 6, [0, 1, 2, 3, 4, 5, 6, 7, 10]],
    [
      'a replacement too',
      (window: number) => window === 6 || window === 7,
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 10],
    ],
    ['none', () => false, [0, 1, 2, 3, 4, 5, 6, 10]],
    ['all', () => true, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
  ])('are sent for a spoilt window: %s', async (_what, spoilt, windows) => {
    const listener = new ReplacingListener(7, spoilt);
    const { measurement, result } = await measure(replacing, listener);
    expect(numbers(measurement)).toEqual(windows);
    expect(result.ended).toBe('planned');
    expect(measurement).toMatchObject({ windowsPlanned: 7, replacements: 3 });
    // Whole windows, also after the sender had to wait for an answer.
    for (const { window, samples } of listener.reports) {
      const seconds = (samples.at(-1)!.intendedUs - samples[0]!.intendedUs) / 1e6;
      expect(seconds, `window ${window}`).toBeGreaterThan(0.1);
      const inArms = Map.groupBy(samples, ({ arm }) => arm);
      expect([...inArms.values()].map((of) => of.length)).toEqual(
        Array.from({ length: 2 }, () => samples.length / 2),
      );
    }
    expect(measurement.samples.length).toBe(result.counters.sent);
  });

  it('do not happen when nobody asks, and the plan goes on', async () => {
    const { measurement, result } = await measure(replacing, new Listener());
    expect(numbers(measurement)).toEqual([0, 1, 2, 3, 4, 5, 6, 10]);
    expect(result.ended).toBe('planned');
  });

  it('do not happen after a stop', async () => {
    class Stopping extends ReplacingListener {
      override stopRequested(): boolean {
        return this.reports.length >= 2;
      }
    }
    // So many that a pause of the machine does not get it to the end of the plan before it is stopped.
    const windows = 40;
    const { measurement, result } = await measure(
      { ...replacing, windows },
      new Stopping(windows, () => true),
    );
    expect(result.ended).toBe('stopped');
    expect(numbers(measurement).length).toBeLessThan(windows);
    expect(numbers(measurement).at(-1)).toBe(windows + 3);
  });
});

describe('a stop in the warm-up', () => {
  it('ends it there, with a file that can be read', async () => {
    const { measurement, result } = await measure(
      { warmup: { minSeconds: 5, maxSeconds: 30, minRequests: 1 } },
      new Listener((reports) => reports.length > 0),
    );
    expect(result).toMatchObject({ ended: 'stopped', steady: false });
    expect(numbers(measurement).at(-1)).toBeLessThan(0);
    expect(measurement.samples).toHaveLength(result.counters.sent);
  });
});

describe('the planted block', () => {
  class Planting extends ReplacingListener {
    asked = 0;
    readonly #delay: () => Promise<number>;
    readonly #half: boolean;
    constructor(delay: () => Promise<number>, half = false) {
      super(3, (window) => window === 2);
      this.#delay = delay;
      this.#half = half;
    }
    async plantedBlock(): Promise<PlantedBlock> {
      this.asked += 1;
      return { delayMs: await this.#delay(), half: this.#half };
    }
  }
  const plan = { windows: 3, replacements: 1, windowSeconds: 0.2, planted };

  it('waits until the listener says its delay, which the file then holds', async () => {
    const seen: number[] = [];
    const listener: Planting = new Planting(async () => {
      seen.push(target.seen.length);
      expect(listener.reports.map(({ window }) => window)).toEqual([0, 1, 2, 3]);
      await new Promise((resolve) => setTimeout(resolve, 300));
      seen.push(target.seen.length);
      return 7;
    });
    const before = target.seen.length;
    const { measurement, result } = await measure(plan, listener);
    expect(listener.asked).toBe(1);
    expect(measurement.plantedDelayUs).toBe(7000);
    expect(result.ended).toBe('planned');
    expect(numbers(measurement)).toEqual([0, 1, 2, 3, 4]);
    // Every counted request had come by then, and no other one came meanwhile.
    const counted = measurement.samples.filter(({ window }) => window < 4).length;
    expect(seen.map((count) => count - before)).toEqual([counted, counted]);
    const block = target.seen.slice(seen[1]);
    expect(block.filter((request) => request.planted)).toHaveLength(block.length / 2);
    expect(block.length).toBeGreaterThan(10);
  });

  it('holds half of the pairs where the whole would double the load', async () => {
    const sent = async (half: boolean): Promise<number> => {
      const wanted = { ...plan, arrivals: 'constant' as const, windowSeconds: 1 };
      const { measurement } = await measure(wanted, new Planting(() => Promise.resolve(7), half));
      return measurement.samples.filter(({ window }) => window >= 4).length;
    };
    const [whole, half] = [await sent(false), await sent(true)];
    expect(Math.abs(whole - 2 * half)).toBeLessThanOrEqual(4);
  });

  it('never comes when the proxy does not get the delay: the measurement fails', async () => {
    const before = target.seen.length;
    const listener = new Planting(() => Promise.reject(new Error('the proxy refused it')));
    await expect(measure(plan, listener)).rejects.toThrow('the proxy refused it');
    expect(target.seen.slice(before).some((request) => request.planted)).toBe(false);
  });

  it.each([0, Number.NaN, 1e6])('refuses a delay of %d ms', async (delay) => {
    await expect(measure(plan, new Planting(() => Promise.resolve(delay)))).rejects.toThrow(
      /a planted delay of/,
    );
  });
});

describe('blocks', () => {
  it('go to one arm at a time, both in one window, with the same payloads', async () => {
    const before = target.seen.length;
    const { measurement } = await measure(
      { blocks: { seconds: 2 }, windowSeconds: 4, windows: 1, pairsPerSecond: 50 },
      new Listener(),
    );
    const { samples, fitness } = measurement;
    expect(numbers(measurement)).toEqual([0]);
    expect(fitness[0]).toMatchObject({ sent: samples.length, received: samples.length });
    const arms = target.seen.slice(before).map(({ arm }) => arm);
    const changes = arms.filter((arm, i) => i > 0 && arm !== arms[i - 1]).length;
    expect(changes).toBe(1);
    const payloads = Map.groupBy(
      target.seen.slice(before),
      ({ url, method, body }) => `${method} ${url} ${body}`,
    );
    for (const requests of payloads.values()) expect(requests).toHaveLength(2);
    const [first, second] = ['baseline', 'candidate'].map((arm) =>
      samples.filter((sample) => sample.arm === arm).map(({ intendedUs }) => intendedUs),
    );
    expect(first).toHaveLength(second!.length);
    // 100 are expected of each.
    expect(first!.length).toBeGreaterThan(50);
  });
});

describe('an overloaded sender', () => {
  const onCore0 = ['-c', '0', process.execPath] as const;
  const startStrangers = (): void => {
    for (let i = 0; i < 3; i += 1) {
      hogs.push(spawn('taskset', [...onCore0, '-e', 'for (;;);'], { stdio: 'ignore' }));
    }
  };
  const command: ChildSenderOptions['command'] = ['taskset', ...onCore0, MAIN];

  it('that has a quarter of a core for 20,000 requests per second sends them all, late, and is unfit', async () => {
    startStrangers();
    const before = target.seen.length;
    const { measurement } = await measure(
      {
        pairsPerSecond: 10_000,
        windows: 1,
        windowSeconds: 0.4,
        limits: { connections: 128, requestTimeoutMs: 60_000, maxSeconds: 60 },
      },
      new Listener(),
      { command },
    );
    const { fitness, samples } = measurement;
    // The load is not thinned: 8,000 are due, 5 standard deviations.
    expect(Math.abs(samples.length - 8000)).toBeLessThan(450);
    expect(target.seen.length - before).toBe(samples.length);
    expect(fitness).toHaveLength(1);
    expect(unfitReason(fitness[0]!)).toMatch(/ms late/);
    // The wait is in the latencies: they reach from the intended time to the end.
    const longest = Math.max(...samples.map(({ latencyUs }) => latencyUs));
    expect(longest).toBeGreaterThanOrEqual(fitness[0]!.latenessP99Us);
  });

  it('that shares its core with strangers says so', async () => {
    startStrangers();
    const { measurement } = await measure(
      // No own processes but the sender and this one, whose children the strangers are.
      { windows: 2, windowSeconds: 1, pairsPerSecond: 1000, ownPids: [] },
      new Listener(),
      { command },
    );
    for (const window of measurement.fitness) {
      expect(window.foreignCores).toBeGreaterThan(0.4);
      expect(window.runQueueShare).toBeGreaterThan(0.2);
      expect(unfitReason(window)).toMatch(/late|waited for a core|other processes/);
    }
  });

  it('that was not asked to watch for strangers does not say that there were none', async () => {
    const { measurement } = await measure({ windows: 1 }, new Listener());
    expect(measurement.fitness[0]).not.toHaveProperty('foreignCores');
  });
});
