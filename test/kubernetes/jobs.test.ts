/** The sender as Jobs on the real cluster: real pods, led from here as the gate leads them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { findContradictions } from '../../gate-service/src/judge/contradictions.ts';
import { readSampleFile } from '../../gate-service/src/load/sample-file.ts';
import type { WindowFitness } from '../../gate-service/src/load/sample.ts';
import type { MeasurementPlan, WindowReport } from '../../gate-service/src/load/sender.ts';
import { FleetSender } from '../../gate-service/src/load/workers/fleet-sender.ts';
import type { WorkerLauncher } from '../../gate-service/src/load/workers/launcher.ts';
import { connectWorker, newToken } from '../../gate-service/src/load/workers/link.ts';
import { shareOut } from '../../gate-service/src/load/workers/share-out.ts';
import { POD } from '../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import { JOB } from '../../gate-service/src/platforms/kubernetes/jobs/job.ts';
import {
  createJobLauncher,
  type JobLauncherOptions,
} from '../../gate-service/src/platforms/kubernetes/jobs/launcher.ts';
import {
  listSenderJobs,
  removeSenderJob,
} from '../../gate-service/src/platforms/kubernetes/jobs/leftovers.ts';
import { Listener, planFor } from '../integration/sender-fixture.ts';
import { until } from '../support/processes.ts';
import { jobsBed, type JobsBed } from './jobs-bed.ts';

let bed: JobsBed;
let folder: string;
const noSignal = new AbortController().signal;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-jobs-'));
  bed = await jobsBed();
}, 600_000);
afterAll(async () => {
  await bed.close();
  await rm(folder, { recursive: true });
}, 120_000);

function launcher(change: Partial<JobLauncherOptions> = {}): WorkerLauncher {
  return createJobLauncher({
    client: bed.limited,
    namespaceOf: () => bed.namespace,
    image: bed.image,
    resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
    ...change,
  });
}

function plan(change: Partial<MeasurementPlan> = {}): MeasurementPlan {
  return planFor(bed.target.port, {
    target: bed.target,
    service: 'checkout',
    arrivals: 'constant',
    pairsPerSecond: 50,
    windowSeconds: 1,
    windows: 6,
    warmup: { minSeconds: 1, maxSeconds: 2, minRequests: 20 },
    limits: { connections: 64, requestTimeoutMs: 5000, maxSeconds: 120 },
    ...change,
  });
}

const torn = ({ missingWorkers = 0 }: WindowFitness): boolean => missingWorkers > 0;

async function workerPods(): Promise<readonly string[]> {
  const pods = await bed.client.list({
    kind: POD,
    namespace: bed.namespace,
    labels: { 'app.kubernetes.io/managed-by': 'speed-gate' },
  });
  return pods.map(({ metadata }) => metadata.name).toSorted();
}

test('two workers send one measurement: the asked rate, both arms alike, and nothing is left', async () => {
  const before = await bed.seen();
  const listener = new Listener();
  const file = path.join(folder, 'two.csv.gz');
  const result = await new FleetSender(launcher(), { workers: 2 }).measure(
    plan(),
    file,
    listener,
    noSignal,
  );
  expect(result.ended).toBe('planned');
  const measurement = await readSampleFile(file);
  expect(findContradictions(measurement)).toEqual([]);
  const rows = measurement.samples.filter(({ window }) => window >= 0);
  // 6 s at 100 requests a second; a pair stands in the window of its first request.
  expect(Math.abs(rows.length - 600)).toBeLessThanOrEqual(12);
  const of = (arm: string): number => rows.filter((row) => row.arm === arm).length;
  expect(of('baseline')).toBe(of('candidate'));
  expect(rows.filter(({ status }) => status !== 'ok')).toEqual([]);
  const after = await bed.seen();
  const seen = (['baseline', 'candidate'] as const).map(
    (arm) => (after[arm] ?? 0) - (before[arm] ?? 0),
  );
  expect(seen[0]).toBe(seen[1]);
  expect((seen[0] ?? 0) + (seen[1] ?? 0)).toBe(result.counters.sent);
  expect(measurement.fitness.filter(torn)).toEqual([]);
  const text = gunzipSync(await readFile(file)).toString();
  expect(text.match(/^# worker-fitness: worker=[01] window=0 /gm)).toHaveLength(2);
  expect(await bed.owned()).toEqual([]);
});

test('a worker killed in the middle: its windows are dropped, that is said, and the rest counts', async () => {
  const said: string[] = [];
  const killed = Promise.withResolvers<string>();
  const listener = new (class extends Listener {
    override window(report: WindowReport): void {
      super.window(report);
      if (report.window === 1) killed.resolve(kill());
    }
    said(message: string): void {
      said.push(message);
    }
    windowsWanted(): number {
      return 8 + this.reports.filter(({ fitness }) => torn(fitness)).length;
    }
  })();
  const kill = async (): Promise<string> => {
    const [, name = ''] = await workerPods();
    await bed.client.delete({ kind: POD, namespace: bed.namespace, name }, { graceSeconds: 0 });
    return name;
  };
  const file = path.join(folder, 'killed.csv.gz');
  const result = await new FleetSender(launcher(), { workers: 2 }).measure(
    plan({ windows: 8, replacements: 3 }),
    file,
    listener,
    noSignal,
  );
  const name = await killed.promise;
  expect(result.ended).toBe('planned');
  const { fitness } = await readSampleFile(file);
  const dropped = fitness.filter((one) => one.window >= 0 && torn(one));
  const whole = fitness.filter((one) => one.window >= 0 && !torn(one));
  expect(dropped.length).toBeGreaterThan(0);
  expect(whole).toHaveLength(8);
  expect(Math.max(...whole.map(({ window }) => window))).toBeGreaterThan(
    Math.max(...dropped.map(({ window }) => window)),
  );
  // Also after the loss at the asked rate: the other worker has taken the part over.
  for (const { sent } of whole) expect(Math.abs(sent - 100)).toBeLessThanOrEqual(4);
  expect(said).toHaveLength(1);
  expect(said[0]).toContain(name);
  expect(said[0]).toMatch(/was deleted/);
  expect(await bed.owned()).toEqual([]);
});

test('an abort ends all of it and leaves nothing', async () => {
  const abort = new AbortController();
  const listener = new (class extends Listener {
    override window(report: WindowReport): void {
      super.window(report);
      if (report.window === 0) abort.abort(new Error('the run was cancelled'));
    }
  })();
  const measuring = new FleetSender(launcher(), { workers: 2 }).measure(
    plan({ windows: 60 }),
    path.join(folder, 'aborted.csv.gz'),
    listener,
    abort.signal,
  );
  await expect(measuring).rejects.toThrow('the run was cancelled');
  expect(await bed.owned()).toEqual([]);
  const { samples } = await readSampleFile(path.join(folder, 'aborted.csv.gz'));
  expect(samples.length).toBeGreaterThan(0);
});

const finishedSchema = z.looseObject({
  spec: z.looseObject({ ttlSecondsAfterFinished: z.int(), activeDeadlineSeconds: z.int() }),
  status: z.looseObject({
    conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).default([]),
  }),
});

test('when the gate dies the workers end by themselves; the Job is found again, and Kubernetes will remove it', async () => {
  const { sha256, token } = newToken();
  const request = { service: 'checkout', workers: 2, tokenSha256: sha256, seconds: 300 };
  const fleet = await launcher().launch(request, noSignal);
  const parts = shareOut(plan({ windows: 60 }), 2);
  const links = await Promise.all(
    fleet.workers.map((worker) => connectWorker(worker, token, 30_000, noSignal)),
  );
  links.forEach((link, place) => {
    link.send(JSON.stringify(parts[place]));
  });
  for (const link of links) {
    for await (const line of link.lines) if (line === '# worker: ready') break;
  }
  // What a dead process leaves: closed connections and a Job that nobody knows of.
  for (const link of links) link.close();
  const [left, ...others] = await listSenderJobs(bed.limited, bed.namespace);
  expect(others).toEqual([]);
  expect(left).toMatchObject({ service: 'checkout', namespace: bed.namespace });
  const place = { kind: JOB, namespace: bed.namespace, name: left!.name };
  const job = await until('the Job has ended', async () => {
    const { status, spec } = finishedSchema.parse(await bed.client.find(place));
    const ended = status.conditions.some(
      ({ status: holds, type }) => holds === 'True' && (type === 'Failed' || type === 'Complete'),
    );
    return ended ? spec : undefined;
  });
  expect(job.activeDeadlineSeconds).toBe(300);
  expect(job.ttlSecondsAfterFinished).toBeLessThanOrEqual(300);
  await removeSenderJob(bed.limited, left!, noSignal);
  expect(await bed.owned()).toEqual([]);
});

test('workers that cannot start are told of with the reason, and nothing is left', async () => {
  const started = launcher({ image: 'localhost/speed-gate-test/none:1' }).launch(
    { service: 'checkout', workers: 2, tokenSha256: 'a'.repeat(64), seconds: 60 },
    noSignal,
  );
  await expect(started).rejects.toThrow(/0 of 2 workers[^]*none:1[^]*registry/);
  expect(await bed.owned()).toEqual([]);
  const crashing = launcher().launch(
    { service: 'checkout', workers: 1, tokenSha256: 'no hash', seconds: 60 },
    noSignal,
  );
  // Whoever looks in the moment in which it runs is told when it is gone.
  const told = await crashing.then(
    async (launched) => {
      const name = launched.workers[0]!.name;
      const why = await until('its end is told', () => launched.whyGone(name));
      await launched.remove();
      return why;
    },
    (error: unknown) => String(error),
  );
  expect(told).toMatch(/SPEED_GATE_SENDER_TOKEN_SHA256|ended with exit code [1-9]/);
  expect(await bed.owned()).toEqual([]);
});
