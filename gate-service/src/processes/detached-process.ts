/**
 * Processes that outlive their starter: each leads a session and process group of its own, writes
 * to a log file, and is known by its record (pid and start time) to whoever comes later.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  allStats,
  bootId,
  commandOf,
  readStat,
  residentMiB,
  type ProcessStat,
} from './proc-stat.ts';
import type { ProcessRecord } from './process-record.ts';

const POLL_MS = 25;
const KILL_WAIT_MS = 5000;

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface DetachedProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; defaults to this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Takes standard output and error, appended; its folder is made. */
  readonly logFile: string;
  /** Called when the process ends while its starter still lives. */
  readonly onExit?: (exit: ProcessExit) => void;
}

/** Starts a process in its own session. Rejects when the command cannot be executed. */
export async function startDetached(options: DetachedProcessOptions): Promise<ProcessRecord> {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a', 0o640);
  try {
    const child = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      detached: true,
      stdio: ['ignore', log, log],
    });
    // Read before the event loop can reap it: even one that ended at once still has its entry.
    const stat = child.pid === undefined ? undefined : readStat(child.pid);
    if (options.onExit !== undefined) {
      const { onExit } = options;
      child.once('exit', (code, signal) => {
        onExit({ code, signal });
      });
    }
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    if (child.pid === undefined || stat === undefined) {
      throw new Error('the process was gone before its start time could be read');
    }
    return {
      pid: child.pid,
      startTime: stat.startTime,
      command: [options.command, ...options.args],
      bootId: bootId(),
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot start ${options.command} in ${options.cwd}: ${why}`, { cause: error });
  } finally {
    closeSync(log);
  }
}

/** Whether this very process still runs; a zombie does not, nor does another that got its pid. */
export function isRunning(record: ProcessRecord): boolean {
  const stat = statOf(record);
  return stat !== undefined && !stat.zombie;
}

/**
 * Living members of the process's group, also when its leader is gone (an httpd whose parent was
 * killed). None when the pid belongs to another process by now.
 */
export function groupMembers(record: ProcessRecord): number[] {
  return livingGroup(record, allStats()).map((stat) => stat.pid);
}

/** Leaders of process groups whose command line fits: for what was started but never recorded. */
export function findLeaders(fits: (command: readonly string[]) => boolean): ProcessRecord[] {
  return allStats()
    .filter((stat) => stat.pid === stat.group && !stat.zombie)
    .map(({ pid, startTime }) => ({ pid, startTime, command: commandOf(pid), bootId: bootId() }))
    .filter(({ command }) => command.length > 0 && fits(command));
}

export interface StopOptions {
  /** First signal; KILL follows when `graceMs` have passed. */
  readonly signal: NodeJS.Signals;
  readonly graceMs: number;
  /** `leader` signals the process alone at first (httpd tells its children itself). */
  readonly target?: 'group' | 'leader';
}

export type StopOutcome = 'already-gone' | 'ended' | 'killed';

/**
 * Ends a process and everything in its group, and waits until none is left.
 * @throws when something is still there after KILL.
 */
export async function stopProcess(
  record: ProcessRecord,
  options: StopOptions,
): Promise<StopOutcome> {
  if (groupMembers(record).length === 0) return 'already-gone';
  // Without its leader nobody would pass the signal on.
  const toLeader = options.target === 'leader' && isRunning(record);
  signalSafely(toLeader ? record.pid : -record.pid, options.signal);
  if (await groupGone(record, options.graceMs)) return 'ended';
  signalSafely(-record.pid, 'SIGKILL');
  if (await groupGone(record, KILL_WAIT_MS)) return 'killed';
  throw new Error(
    `process group ${record.pid} (${record.command[0] ?? '?'}) is still there after SIGKILL: ${groupMembers(record).join(', ')}`,
  );
}

export interface ProcessUsage {
  /** CPU seconds of the tree, with those of children that ended. */
  readonly cpuSeconds: number;
  /** Sum over the tree; pages that processes share count for each. */
  readonly residentMiB: number;
}

/** What a process and its descendants have used, or undefined when it is gone. */
export function usageOf(record: ProcessRecord): ProcessUsage | undefined {
  if (!isRunning(record)) return undefined;
  const tree = treeOf(record, allStats());
  return {
    cpuSeconds: tree.reduce((sum, stat) => sum + stat.cpuSeconds, 0),
    residentMiB: tree.reduce((sum, stat) => sum + residentMiB(stat.pid), 0),
  };
}

function statOf(record: ProcessRecord): ProcessStat | undefined {
  if (record.bootId !== undefined && record.bootId !== bootId()) return undefined;
  const stat = readStat(record.pid);
  return stat?.startTime === record.startTime ? stat : undefined;
}

function livingGroup(record: ProcessRecord, stats: readonly ProcessStat[]): ProcessStat[] {
  if (record.bootId !== undefined && record.bootId !== bootId()) return [];
  const leader = readStat(record.pid);
  // The kernel keeps a pid out of use while a group has it as its number: a stranger there means our group is gone.
  if (leader !== undefined && leader.startTime !== record.startTime) return [];
  return stats.filter(
    (stat) =>
      stat.group === record.pid &&
      stat.session === record.pid &&
      !stat.zombie &&
      stat.startTime >= record.startTime,
  );
}

function treeOf(record: ProcessRecord, stats: readonly ProcessStat[]): ProcessStat[] {
  const members = new Map(livingGroup(record, stats).map((stat) => [stat.pid, stat]));
  let grown = true;
  while (grown) {
    grown = false;
    for (const stat of stats) {
      if (members.has(stat.parent) && !members.has(stat.pid)) {
        members.set(stat.pid, stat);
        grown = true;
      }
    }
  }
  return [...members.values()];
}

async function groupGone(record: ProcessRecord, milliseconds: number): Promise<boolean> {
  const deadline = performance.now() + milliseconds;
  while (groupMembers(record).length > 0) {
    if (performance.now() >= deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

function signalSafely(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    // Gone between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
