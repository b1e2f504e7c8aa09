/** What the expert policy is told of a load: measured on a node with the configuration in force. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExpertLoad } from '../../../gate-service/src/stack/expert-table.ts';
import { windowsOf, type Bench } from './measuring.ts';
import type { BenchNode } from './nodes.ts';
import { typical, type LoadWindow } from './window.ts';

const WINDOWS = 4;
const LOOK_MS = 500;

export interface Telemetry {
  readonly load: ExpertLoad;
  readonly windows: readonly LoadWindow[];
}

/** @throws ErrorBurst when the configuration in force cannot carry the load at all */
export async function readTelemetry(bench: Bench, node: BenchNode): Promise<Telemetry> {
  const looked = new AbortController();
  const busy: number[] = [];
  const look = async (): Promise<void> => {
    while (!looked.signal.aborted) {
      // A node at its limit may answer its status late; the next look counts then.
      const status = await node.status().catch(() => undefined);
      if (status?.httpd !== undefined) busy.push(status.httpd.busyWorkers);
      await sleep(LOOK_MS, undefined, { signal: looked.signal }).catch(() => undefined);
    }
  };
  const looking = look();
  let windows: LoadWindow[];
  const before = await cpuOf(node);
  let after: CpuAndAccesses | undefined;
  try {
    windows = await windowsOf(bench, node, WINDOWS);
    after = await cpuOf(node);
  } finally {
    looked.abort();
    await looking;
  }
  const load = {
    ratePerSecond: typical(windows, (window) => window.completedPerSecond),
    p50Ms: typical(windows, (window) => window.p50Ms),
    p99Ms: typical(windows, (window) => window.p99Ms),
    concurrency: medianOf(busy),
  };
  const cpuMs = cpuPerRequest(before, after);
  return { load: { ...load, ...(cpuMs === undefined ? {} : { cpuMsPerRequest: cpuMs }) }, windows };
}

/**
 * Features for memory: logarithms where only ratios matter, one decimal, so that noise is no other workload.
 * Without latency: the median of an overloaded node has two modes (600 and 340 ms within minutes).
 */
export function contextOf(
  { workload }: Pick<Bench, 'workload'>,
  { ratePerSecond, concurrency }: ExpertLoad,
): Readonly<Record<string, number>> {
  const log = (value: number): number => Math.round(Math.log(Math.max(value, 1e-3)) * 10) / 10;
  const asked = workload.loop === 'closed' ? workload.connections : workload.perSecond;
  return {
    ...workload.features,
    openLoop: workload.loop === 'open' ? 1 : 0,
    logAsked: log(asked),
    logRate: log(ratePerSecond),
    logBusy: log(concurrency),
  };
}

interface CpuAndAccesses {
  readonly cpuSeconds: number;
  readonly accesses: number;
}

async function cpuOf(node: BenchNode): Promise<CpuAndAccesses | undefined> {
  // Without it the expert policy has one formula less.
  const status = await node.status().catch(() => undefined);
  if (status?.httpd === undefined || status.jetty === undefined) return undefined;
  const { httpd, jetty } = status;
  return {
    cpuSeconds: httpd.usage.cpuSeconds + jetty.usage.cpuSeconds,
    accesses: httpd.totalAccesses,
  };
}

function cpuPerRequest(
  before: CpuAndAccesses | undefined,
  after: CpuAndAccesses | undefined,
): number | undefined {
  if (before === undefined || after === undefined) return undefined;
  const requests = after.accesses - before.accesses;
  const seconds = after.cpuSeconds - before.cpuSeconds;
  return requests > 0 && seconds > 0 ? (1000 * seconds) / requests : undefined;
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
