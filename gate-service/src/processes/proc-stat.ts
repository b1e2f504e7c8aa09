/** What Linux says of processes in /proc. Readings are snapshots: a process may be gone at the next one. */
import { readFileSync, readdirSync } from 'node:fs';

/** USER_HZ: 100 on every Linux architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /**
   * A zombie has ended; it only waits for its parent to take notice. One whose first thread has
   * ended but others have not is none yet: until the last is gone its ports are taken.
   */
  readonly zombie: boolean;
  /** Clock ticks since boot. */
  readonly startTime: number;
  /** Own CPU seconds and those of children that ended and were waited for. */
  readonly cpuSeconds: number;
}

/** One process as /proc/PID/stat has it, or undefined when there is none. */
export function readStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  return parseStat(text);
}

/** Parses /proc/PID/stat; the name (field 2) may hold spaces and parentheses. See proc(5). */
export function parseStat(text: string): ProcessStat | undefined {
  const end = text.lastIndexOf(')');
  if (end < 0) return undefined;
  // Field 3 (state) is at index 0.
  const fields = text.slice(end + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  const state = fields[0] ?? '';
  const ticks = field(14) + field(15) + field(16) + field(17);
  if (!Number.isFinite(ticks) || !Number.isFinite(field(22))) return undefined;
  return {
    pid: Number.parseInt(text, 10),
    parent: field(4),
    group: field(5),
    session: field(6),
    zombie: (state === 'Z' || state === 'X') && field(20) <= 1,
    startTime: field(22),
    cpuSeconds: ticks / TICKS_PER_SECOND,
  };
}

/** Every process that this process may see. */
export function allStats(): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined);
}

/** The command line; empty when the process is gone or a zombie. */
export function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/** Resident memory in MiB, or 0 when the process is gone. Shared pages count for each process that has them. */
export function residentMiB(pid: number): number {
  try {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(match?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

let boot: string | undefined;

/** The kernel's boot id; it changes with every boot. */
export function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return boot;
}
