import { createServer, type Server } from 'node:net';
import { randomInt } from 'node:crypto';

/**
 * Ports are looked for below the kernel's range of outgoing ports (32768 and up by default): a
 * connection under load could otherwise take the port before its server listens.
 */
const USUAL = { lowest: 12_000, highest: 32_000 };
/** For a port that is bound only after others have been looked for: those are never of this range. */
export const BOUND_LATER: PortRange = { lowest: 10_000, highest: 12_000 };
const TRIES = 200;

export interface PortRange {
  readonly lowest: number;
  /** Not in it any more. */
  readonly highest: number;
}

/** A TCP port on which nobody listens now. It is not reserved: use it soon. */
export async function freePort(address = '127.0.0.1'): Promise<number> {
  const [port] = await freePorts(1, address);
  if (port === undefined) throw new Error(`no free port found on ${address}`);
  return port;
}

/** `count` different free ports. */
export async function freePorts(
  count: number,
  address = '127.0.0.1',
  { highest, lowest }: PortRange = USUAL,
): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  try {
    for (let tries = 0; ports.length < count; tries += 1) {
      if (tries === TRIES + count) {
        throw new Error(`no free port found on ${address} in ${tries} tries`);
      }
      const port = randomInt(lowest, highest);
      const server = await hold(port, address);
      if (server === undefined) continue;
      held.push(server);
      ports.push(port);
    }
  } finally {
    await Promise.all(
      held.map(
        (server) =>
          new Promise<void>((resolve) =>
            server.close(() => {
              resolve();
            }),
          ),
      ),
    );
  }
  return ports;
}

/** Whether nobody listens on a port now. */
export async function isPortFree(port: number, address = '127.0.0.1'): Promise<boolean> {
  const server = await hold(port, address);
  if (server === undefined) return false;
  await new Promise<void>((resolve) =>
    server.close(() => {
      resolve();
    }),
  );
  return true;
}

async function hold(port: number, address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    server.listen({ port, host: address, exclusive: true }, () => {
      resolve(server);
    });
  });
}
