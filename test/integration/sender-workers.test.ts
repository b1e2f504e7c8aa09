/** Several workers of the sender, each a process of its own, led to one measurement. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findContradictions } from '../../gate-service/src/judge/contradictions.ts';
import { unfitReason } from '../../gate-service/src/judge/fitness.ts';
import { readSampleFile } from '../../gate-service/src/load/sample-file.ts';
import type { Measurement, Sample, WindowFitness } from '../../gate-service/src/load/sample.ts';
import type { MeasurementPlan, WindowReport } from '../../gate-service/src/load/sender.ts';
import { FleetSender } from '../../gate-service/src/load/workers/fleet-sender.ts';
import { answerAfter, Listener, planFor, startTarget, type Target } from './sender-fixture.ts';
import { WorkerProcesses } from './worker-processes.ts';

let folder: string;
let target: Target;
let workers: WorkerProcesses;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-workers-'));
  target = await startTarget((_, response) => {
    answerAfter(response, 2);
  });
  workers = new WorkerProcesses();
});
afterEach(async () => {
  await workers.end();
  await target.close();
  await rm(folder, { recursive: true });
});

const noSignal = new AbortController().signal;
const file = (): string => path.join(folder, 'samples.csv.gz');

function plan(change: Partial<MeasurementPlan> = {}): MeasurementPlan {
  return planFor(target.port, {
    service: 'checkout',
    pairsPerSecond: 100,
    windowSeconds: 0.5,
    windows: 6,
    warmup: { minSeconds: 1, maxSeconds: 3, minRequests: 50 },
    ...change,
  });
}

function counted(measurement: Measurement): readonly Sample[] {
  return measurement.samples.filter(
    ({ window }) => window >= 0 && window < measurement.windowsPlanned,
  );
}

describe('a fleet of workers', () => {
  it('sends at the asked rate together, both arms alike, each pair once, in one file', async () => {
    const listener = new Listener();
    const sender = new FleetSender(workers, { workers: 3 });
    const result = await sender.measure(
      plan({ arrivals: 'constant', pairsPerSecond: 150 }),
      file(),
      listener,
      noSignal,
    );
    expect(result.ended).toBe('planned');
    const measurement = await readSampleFile(result.file);
    const rows = counted(measurement);
    // 6 windows of 0.5 s at 300 requests a second; a pair stands in the window of its first request.
    expect(Math.abs(rows.length - 900)).toBeLessThanOrEqual(20);
    const of = (arm: string): number => rows.filter((row) => row.arm === arm).length;
    expect(of('baseline')).toBe(of('candidate'));
    expect(result.counters.sent).toBe(measurement.samples.length);
    expect(result.counters.sent).toBe(target.seen.length);
    // A number of its own for every pair, over all workers, and both of its requests.
    const numbers = Map.groupBy(
      target.seen.filter(({ method }) => method === 'GET'),
      ({ url }) => url,
    );
    for (const [url, seen] of numbers) {
      expect(seen.map(({ arm }) => arm).sort(), url).toEqual(['baseline', 'candidate']);
    }
    expect(findContradictions(measurement)).toEqual([]);
    const windows = listener.reports.map(({ window }) => window);
    expect(windows.filter((window) => window >= 0)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(windows.some((window) => window < 0)).toBe(true);
    for (const { fitness, samples } of listener.reports) {
      expect(fitness).toMatchObject({ contained: true, received: samples.length });
      expect(fitness.missingWorkers).toBeUndefined();
    }
    expect(workers.requests).toMatchObject([{ service: 'checkout', workers: 3 }]);
    expect(workers.removed).toBe(true);
    const text = gunzipSync(await readFile(result.file)).toString();
    expect(text).toMatch(/^# workers: 3$/m);
    expect(text).toMatch(/^# clock-error-us: \d+$/m);
    expect(text.match(/^# worker-fitness: worker=\d window=0 /gm)).toHaveLength(3);
  });

  it('begins windows in common: no request of a window leaves in the time of another', async () => {
    const sender = new FleetSender(workers, { workers: 2 });
    const { file: written } = await sender.measure(
      plan({ arrivals: 'constant' }),
      file(),
      new Listener(),
      noSignal,
    );
    const spans = Map.groupBy(counted(await readSampleFile(written)), ({ window }) => window);
    const starts = [...spans].map(
      ([window, rows]) => [window, Math.min(...rows.map(({ intendedUs }) => intendedUs))] as const,
    );
    const [[first, firstAt] = [0, 0]] = starts;
    for (const [window, at] of starts) {
      expect(Math.abs(at - firstAt - (window - first) * 500_000)).toBeLessThan(20_000);
    }
  });
});

describe('a worker that is lost', () => {
  it('takes its windows with it, which is said, and the others take its part over', async () => {
    const said: string[] = [];
    // By the workers alone: a busy machine spoils windows, too.
    const isTorn = ({ missingWorkers = 0 }: WindowFitness): boolean => missingWorkers > 0;
    const listener = new (class extends Listener {
      override window(report: WindowReport): void {
        super.window(report);
        if (report.window === 1) workers.started[1]?.kill('SIGKILL');
      }
      said(message: string): void {
        said.push(message);
      }
      windowsWanted(): number {
        return 8 + this.reports.filter(({ fitness }) => isTorn(fitness)).length;
      }
    })();
    const sender = new FleetSender(workers, { workers: 2 });
    const result = await sender.measure(
      plan({ arrivals: 'constant', windows: 8, replacements: 3 }),
      file(),
      listener,
      noSignal,
    );
    expect(result.ended).toBe('planned');
    const measurement = await readSampleFile(result.file);
    const [unfit = [], fit = []] = [true, false].map((torn) =>
      measurement.fitness.filter((one) => one.window >= 0 && isTorn(one) === torn),
    );
    expect(unfit.length).toBeGreaterThan(0);
    for (const fitness of unfit) {
      expect(fitness.missingWorkers).toBe(1);
      expect(unfitReason(fitness)).toContain("1 of the sender's workers never reported");
    }
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/worker-1: its process was killed.*do not count.*takes its part over/);
    expect(fit).toHaveLength(8);
    // Before and after the loss the rate is the asked one: 100 requests in half a second.
    for (const { sent } of fit) expect(Math.abs(sent - 100)).toBeLessThanOrEqual(4);
    expect(Math.max(...fit.map((fitness) => fitness.window))).toBeGreaterThan(
      Math.max(...unfit.map((fitness) => fitness.window)),
    );
    expect(findContradictions(measurement)).toEqual([]);
    const text = gunzipSync(await readFile(result.file)).toString();
    expect(text).toMatch(/^# worker-lost: worker-1: its process was killed$/m);
  });
});
