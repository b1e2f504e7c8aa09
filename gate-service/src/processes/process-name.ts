/** A name for a running process that is like no other's, also across machines, containers and reboots. */
import { createHash } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { bootId, readStat } from './proc-stat.ts';

/** `HOST/SPACE/PID/START`: SPACE is the boot and process namespace in which the pid means something. */
export function processName(pid: number = process.pid): string {
  const start = readStat(pid)?.startTime ?? 0;
  return [hostname(), space(), String(pid), String(start)].join('/');
}

/**
 * Whether the process of this name is known to have ended. False for one of another machine, container or
 * boot, which cannot be known from here, and for text that is no such name.
 */
export function hasEnded(name: string): boolean {
  const [host, its, pid, start, ...more] = name.split('/');
  if (host !== hostname() || its !== space() || start === undefined || more.length > 0) {
    return false;
  }
  const stat = readStat(Number(pid));
  return stat === undefined || stat.zombie || String(stat.startTime) !== start;
}

/** Containers share the kernel's boot and may share the host's name, but not the numbers of processes. */
function space(): string {
  return createHash('sha256')
    .update(`${bootId()} ${readlinkSync('/proc/self/ns/pid')}`)
    .digest('hex')
    .slice(0, 12);
}
