/** Who listens on a TCP port of this machine, as /proc tells it: also for an address that is not there yet. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { commandOf } from '../../../gate-service/src/processes/proc-stat.ts';

const LISTEN = '0A';

export interface Listener {
  /** As the kernel writes it: IPv4 and IPv6 in hex, `any` for all addresses. */
  readonly address: string;
  readonly port: number;
  readonly inode: string;
}

/** The listener that a server on `address` (IPv4) and `port` would collide with. */
export function listenerOn(address: string, port: number): Listener | undefined {
  const wanted = hexOf(address);
  return allListeners().find(
    (one) => one.port === port && (one.address === 'any' || one.address.endsWith(wanted)),
  );
}

/** `process PID (COMMAND)` of whoever holds the socket; undefined when it may not be seen. */
export function holderOf({ inode }: Listener): string | undefined {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const folder = path.join('/proc', pid, 'fd');
    try {
      const holds = readdirSync(folder).some((fd) => {
        try {
          return readlinkSync(path.join(folder, fd)) === `socket:[${inode}]`;
        } catch {
          return false;
        }
      });
      if (holds) return `process ${pid} (${commandOf(Number(pid)).join(' ').slice(0, 80)})`;
    } catch {
      // Ended meanwhile, or another user's.
    }
  }
  return undefined;
}

function allListeners(): readonly Listener[] {
  return ['tcp', 'tcp6'].flatMap((name) => {
    try {
      return parseListeners(readFileSync(`/proc/net/${name}`, 'utf8'));
    } catch {
      // A kernel without IPv6.
      return [];
    }
  });
}

/** Listening sockets in the text of /proc/net/tcp or tcp6. */
export function parseListeners(text: string): readonly Listener[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state !== LISTEN) return [];
      const [address = '', port = ''] = local.split(':');
      const any = /^0+$/.test(address) ? 'any' : address;
      return [{ address: any, port: Number.parseInt(port, 16), inode }];
    });
}

/** An IPv4 address as /proc/net/tcp has it on little-endian machines, which is also the end of its IPv6 form. */
function hexOf(address: string): string {
  return address
    .split('.')
    .reverse()
    .map((part) => Number(part).toString(16).padStart(2, '0').toUpperCase())
    .join('');
}
