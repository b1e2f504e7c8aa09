/** What one node of the local platform may use of this machine. */
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import type { NodeResources } from '../stack/resources.ts';

/** Baseline, candidate, current and canary with two nodes each can be up together. */
const NODES_AT_ONCE = 8;
/** The rest is for proxies, sender, service and the operating system. */
const SHARE_FOR_NODES = 0.75;
const MIB = 1024 * 1024;

export interface MachineShare {
  readonly cores: number;
  readonly memoryMiB: number;
  readonly fileDescriptors: number;
}

/** Cores are shared by all nodes; memory is divided; descriptors are this process's soft limit, which nodes inherit. */
export function machineShare(): MachineShare {
  return {
    cores: availableParallelism(),
    memoryMiB: Math.floor((totalmem() * SHARE_FOR_NODES) / NODES_AT_ONCE / MIB),
    fileDescriptors: softFileLimit(readFileSync('/proc/self/limits', 'utf8')),
  };
}

/** The share of one node whose JVM is of this version (`17.0.15`, `21`, `1.8.0_292`). */
export function nodeResources(javaVersion: string): NodeResources {
  const feature = /^(?:1\.)?(\d+)/.exec(javaVersion)?.[1];
  return { ...machineShare(), ...(feature !== undefined && { javaVersion: Number(feature) }) };
}

/**
 * The soft limit of open files in the text of /proc/PID/limits.
 * @throws Error when the line is missing
 */
export function softFileLimit(limits: string): number {
  const value = /^Max open files\s+(\d+|unlimited)\s/m.exec(limits)?.[1];
  if (value === undefined) throw new Error('/proc/self/limits names no limit of open files');
  return value === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(value);
}
