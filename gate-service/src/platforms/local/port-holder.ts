/** Who listens on a port, as Linux knows it. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isPortFree } from '../../processes/free-port.ts';
import { PlatformError } from '../platform.ts';
import { waitUntil } from '../wait-until.ts';

export interface PortHolder {
  readonly pid: number;
  readonly command: string;
}

const LISTEN = '0A';

/** The process that listens on a TCP port, as far as this user may see it. */
export function portHolder(port: number): PortHolder | undefined {
  const inodes = new Set([
    ...listenInodes('/proc/net/tcp', port),
    ...listenInodes('/proc/net/tcp6', port),
  ]);
  if (inodes.size === 0) return undefined;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    if (holdsAny(name, inodes)) return { pid: Number(name), command: commandLine(name) };
  }
  return undefined;
}

/** The command line of a process, its arguments joined by spaces; empty when it is gone. */
export function commandLine(pid: string | number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
  } catch {
    return '';
  }
}

/** A killed process's ports are free a moment after the process is gone. */
const CLOSING_MS = 5000;

/** @throws PlatformError `port-taken`, naming who has it and what to do */
export async function requireFreePort(port: number, what: string): Promise<void> {
  const free = await waitUntil(
    async () => {
      if (await isPortFree(port)) return true;
      return portHolder(port) === undefined ? undefined : false;
    },
    { timeoutMs: CLOSING_MS },
  );
  if (free === true) return;
  const holder = portHolder(port);
  const who =
    holder === undefined
      ? 'by a process that this user may not see'
      : `by process ${holder.pid} (${holder.command.slice(0, 120)})`;
  throw new PlatformError(
    'port-taken',
    `Port ${port} of 127.0.0.1, needed for ${what}, is taken ${who}. End that process, or choose another port for Speed Gate.`,
  );
}

function listenInodes(table: string, port: number): string[] {
  let text: string;
  try {
    text = readFileSync(table, 'utf8');
  } catch {
    return [];
  }
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN && fields[1]?.endsWith(`:${wanted}`) === true)
    .map((fields) => fields[9] ?? '');
}

function holdsAny(pid: string, inodes: ReadonlySet<string>): boolean {
  let descriptors: string[];
  try {
    descriptors = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return false;
  }
  return descriptors.some((descriptor) => {
    try {
      const match = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`));
      return match?.[1] !== undefined && inodes.has(match[1]);
    } catch {
      return false;
    }
  });
}
