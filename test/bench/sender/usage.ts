/** CPU that a tool uses in the middle of its load: neither its start nor its end is in it. */
import { readFileSync } from 'node:fs';
import { machineCpuSeconds } from '../../../gate-service/src/load/machine-cpu.ts';
import { allStats, type ProcessStat } from '../../../gate-service/src/processes/proc-stat.ts';
import type { KnownServer } from './target.ts';

export interface Usage {
  /** Requests that reached the server per second. */
  readonly requestsPerSecond: number;
  /** Of the tool's processes. */
  readonly cpuSecondsPer1000: number;
  /** Cores in use on average; 1 is one core all the time. */
  readonly cores: number;
  /** Of the process that reads and stores the samples, where there is one. */
  readonly readerCores: number;
  /** Used by others than tool, reader and server: what they take, the tool seems to be late by. */
  readonly foreignCores: number;
}

interface Reading {
  readonly atUs: number;
  readonly requests: number;
  readonly toolSeconds: number;
  readonly readerSeconds: number;
  readonly serverSeconds: number;
  readonly machineSeconds: number;
}

/** Between these parts of the load. */
const FROM = 0.2;
const TO = 0.9;
const POLL_MS = 50;

/** @param seconds of the load, from the first request on; undefined when it ended too early */
export async function watchUsage(
  server: KnownServer,
  seconds: number,
  over: () => boolean,
): Promise<Usage | undefined> {
  const { firstUs } = await until(server, over, ({ requests }) => requests > 0);
  if (firstUs === undefined) return undefined;
  const at = async (share: number): Promise<Reading | undefined> => {
    const dueUs = firstUs + share * seconds * 1e6;
    const { firstUs: reached } = await until(server, over, ({ atUs }) => atUs >= dueUs);
    return reached === undefined ? undefined : take(server);
  };
  const from = await at(FROM);
  const to = await at(TO);
  if (from === undefined || to === undefined) return undefined;
  const elapsed = (to.atUs - from.atUs) / 1e6;
  const requests = to.requests - from.requests;
  const toolSeconds = to.toolSeconds - from.toolSeconds;
  const readerSeconds = to.readerSeconds - from.readerSeconds;
  const ownSeconds = toolSeconds + readerSeconds + to.serverSeconds - from.serverSeconds;
  return {
    requestsPerSecond: requests / elapsed,
    cpuSecondsPer1000: (toolSeconds / requests) * 1000,
    cores: toolSeconds / elapsed,
    readerCores: readerSeconds / elapsed,
    foreignCores: Math.max(0, (to.machineSeconds - from.machineSeconds - ownSeconds) / elapsed),
  };
}

/** The server's time at which the condition held; undefined when the load was over before. */
async function until(
  server: KnownServer,
  over: () => boolean,
  condition: (count: { readonly requests: number; readonly atUs: number }) => boolean,
): Promise<{ readonly firstUs: number | undefined }> {
  while (!over()) {
    const count = await server.count();
    if (condition(count)) return { firstUs: count.atUs };
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return { firstUs: undefined };
}

async function take(server: KnownServer): Promise<Reading> {
  const { atUs, requests } = await server.count();
  const { system, user } = process.cpuUsage();
  const stats = allStats();
  const toolSeconds = descendants(stats, process.pid, server.pid).reduce(
    (sum, { cpuSeconds }) => sum + cpuSeconds,
    0,
  );
  return {
    atUs,
    requests,
    toolSeconds,
    readerSeconds: (user + system) / 1e6,
    serverSeconds: stats.find(({ pid }) => pid === server.pid)?.cpuSeconds ?? 0,
    machineSeconds: machineCpuSeconds(readFileSync('/proc/stat', 'utf8')),
  };
}

/** Below a process, without one branch. */
export function descendants(
  stats: readonly ProcessStat[],
  root: number,
  without: number,
): ProcessStat[] {
  return stats
    .filter(({ parent, pid }) => parent === root && pid !== without)
    .flatMap((child) => [child, ...descendants(stats, child.pid, without)]);
}
