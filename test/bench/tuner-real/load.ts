/** Load on one node, straight: a closed loop by autocannon, an open one by the sender of gate runs. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { defaultFitnessLimits, unfitReason } from '../../../gate-service/src/judge/fitness.ts';
import { ChildSender } from '../../../gate-service/src/load/child-sender.ts';
import { capacity } from '../../../gate-service/src/load/closed-loop.ts';
import { CpuWatch, foreignCores } from '../../../gate-service/src/load/cpu-watch.ts';
import { readSampleFile } from '../../../gate-service/src/load/sample-file.ts';
import type { Sample } from '../../../gate-service/src/load/sample.ts';
import { windowOf, type LoadWindow } from './window.ts';
import type { BenchWorkload, ClosedWorkload, OpenWorkload } from './workloads.ts';

export interface LoadPlan {
  /** Of the node's httpd. */
  readonly port: number;
  /** Host header. */
  readonly authority: string;
  /** Load before the first window that counts; whole. 0 is none. */
  readonly warmSeconds: number;
  readonly windows: number;
  /** Whole. */
  readonly windowSeconds: number;
  /** Processes of the nodes and their platform: what they use is not foreign. */
  readonly ownPids: readonly number[];
  readonly signal: AbortSignal;
}

const HOST = '127.0.0.1';
/** Far above what any legal configuration makes a request wait here; a lost one still ends the window soon. */
const TIMEOUT_SECONDS = 10;
/** The sender may open as many as an open loop needs when the node falls behind. */
const OPEN_CONNECTIONS = 1024;

/** @throws Error when the node refuses all connections, or with the reason of the signal */
export type LoadNode = (workload: BenchWorkload, plan: LoadPlan) => Promise<LoadWindow[]>;

export const loadNode: LoadNode = (workload, plan) =>
  workload.loop === 'closed' ? closedLoop(workload, plan) : openLoop(workload, plan);

async function closedLoop(workload: ClosedWorkload, plan: LoadPlan): Promise<LoadWindow[]> {
  const watch = new CpuWatch({ trees: [...plan.ownPids, process.pid], alone: [] }, (error) => {
    console.error(`bench tuner-real: other processes' CPU is not watched: ${error.message}`);
  });
  const turn = async (seconds: number): Promise<LoadWindow> => {
    const before = await watch.read();
    const result = await capacity({
      target: { host: HOST, port: plan.port },
      authority: plan.authority,
      requests: workload.requests,
      connections: workload.connections,
      requestTimeoutSeconds: TIMEOUT_SECONDS,
      seconds,
      signal: plan.signal,
    });
    const foreign = foreignCores(before, await watch.read());
    return windowOf(result.latenciesMs, result.failed, result.seconds, contention(foreign));
  };
  try {
    if (plan.warmSeconds > 0) await turn(plan.warmSeconds);
    const windows: LoadWindow[] = [];
    while (windows.length < plan.windows) windows.push(await turn(plan.windowSeconds));
    return windows;
  } finally {
    await watch.close();
  }
}

/** Strangers on these few cores take away what is measured. */
function contention(foreign: number): string | undefined {
  const limit = defaultFitnessLimits.foreignCores;
  return foreign > limit
    ? `other processes used ${foreign.toFixed(2)} cores (limit ${limit})`
    : undefined;
}

async function openLoop(workload: OpenWorkload, plan: LoadPlan): Promise<LoadWindow[]> {
  const { windows, windowSeconds } = plan;
  // The sender opens its connections in it.
  const warmSeconds = Math.max(1, plan.warmSeconds);
  const file = path.join(tmpdir(), `speed-gate-tuner-real-${randomUUID()}.csv.gz`);
  try {
    await new ChildSender().measure(
      {
        target: { host: HOST, port: plan.port },
        authority: plan.authority,
        // Both of a pair go to this node: the sender's two arms are one here.
        arms: [
          { name: 'baseline', headers: {} },
          { name: 'candidate', headers: {} },
        ],
        workload: workload.workload,
        pairsPerSecond: workload.perSecond / 2,
        arrivals: 'poisson',
        windowSeconds,
        windows,
        warmup: { minSeconds: warmSeconds, maxSeconds: warmSeconds, minRequests: 0 },
        limits: {
          connections: OPEN_CONNECTIONS,
          requestTimeoutMs: TIMEOUT_SECONDS * 1000,
          maxSeconds: warmSeconds + windows * windowSeconds + 60,
        },
        freshConnections: 0,
        ownPids: [...plan.ownPids],
        seed: 1,
      },
      file,
      { stopRequested: () => false, window: () => undefined },
      plan.signal,
    );
    const { fitness, samples } = await readSampleFile(file);
    return Array.from({ length: windows }, (_, index) => {
      const report = fitness.find(({ window }) => window === index);
      const unfit = report === undefined ? 'the sender made no report' : unfitReason(report);
      return ofSamples(
        samples.filter(({ window }) => window === index),
        windowSeconds,
        unfit,
      );
    });
  } finally {
    await rm(file, { force: true });
  }
}

function ofSamples(
  samples: readonly Sample[],
  seconds: number,
  unfit: string | undefined,
): LoadWindow {
  const right = samples.filter(({ status }) => status === 'ok');
  const latencies = right.map(({ latencyUs }) => latencyUs / 1000);
  return windowOf(latencies, samples.length - right.length, seconds, unfit);
}
