/** Processes of this machine as /proc shows them, and waiting for what they do. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from '../../gate-service/src/processes/detached-process.ts';
import { allStats } from '../../gate-service/src/processes/proc-stat.ts';

export interface KnownProcess {
  readonly pid: number;
  /** Whether this very process still runs. */
  isRunning(): boolean;
}

export function knownProcess(pid: number): KnownProcess {
  const stat = allStats().find((one) => one.pid === pid);
  const startTime = stat?.startTime ?? -1;
  return { pid, isRunning: () => isRunning({ pid, startTime, command: [] }) };
}

/** Children that end with a process; what it has detached has a session of its own and is not among them. */
export function childrenOf(parent: number): readonly KnownProcess[] {
  const stats = allStats();
  const session = stats.find(({ pid }) => pid === parent)?.session;
  return stats
    .filter((stat) => stat.parent === parent && stat.session === session)
    .map(({ pid }) => knownProcess(pid));
}

/** `PID COMMAND` of every living process whose command line has this text, but for our own. */
export function processesNaming(text: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(text) ? [`${name} ${command.slice(0, 200)}`] : [];
      } catch {
        return [];
      }
    });
}

/**
 * Looks until there is an answer, and gives it.
 * @throws Error saying what was waited for, and whatever `look` throws
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  { withinMs = 60_000, everyMs = 50 } = {},
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > deadline) {
      throw new Error(`not within ${withinMs / 1000} s: ${what}`);
    }
    await sleep(everyMs);
  }
}
