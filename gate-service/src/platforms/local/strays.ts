/** Processes that the platform started but has no record of, known by a path only they have. */
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { allStats, type ProcessStat } from '../../processes/proc-stat.ts';
import { commandLine } from './port-holder.ts';

const TRIES = 100;

/**
 * Kills every process of the given programs that has `path`, or something below it, in its command
 * line; waits until all are gone. A person's `tail` or editor on such a path is left alone.
 * @param programs paths or names of executables
 */
export async function endStrays(path: string, programs: readonly string[]): Promise<number> {
  const ended = new Set<number>();
  for (let tries = 0; tries < TRIES; tries += 1) {
    const found = straysOf(path, programs);
    if (found.length === 0) return ended.size;
    for (const { pid } of found) {
      ended.add(pid);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    await sleep(20);
  }
  throw new Error(
    `processes of ${path} are still there: ${straysOf(path, programs)
      .map(({ pid }) => pid)
      .join(', ')}`,
  );
}

function straysOf(path: string, programs: readonly string[]): ProcessStat[] {
  const known = new Set(programs.map((program) => basename(program)));
  const session = ownSession();
  return allStats().filter((stat) => {
    if (stat.zombie || stat.session === session) return false;
    const command = commandLine(stat.pid);
    return known.has(basename(command.split(' ')[0] ?? '')) && names(command, path);
  });
}

function names(command: string, path: string): boolean {
  for (let at = command.indexOf(path); at >= 0; at = command.indexOf(path, at + 1)) {
    const after = command.charAt(at + path.length);
    if (after === '' || /[\s/,;:'"]/.test(after)) return true;
  }
  return false;
}

function ownSession(): number {
  return allStats().find((stat) => stat.pid === process.pid)?.session ?? 0;
}
