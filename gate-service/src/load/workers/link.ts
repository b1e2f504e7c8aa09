/** A worker of the sender as its coordinator has it: lines there, lines back. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface WorkerLink {
  readonly name: string;
  send(line: string): void;
  /** Whole lines, until the worker is gone or the link is closed. Rejects when the connection breaks. */
  readonly lines: AsyncIterable<string>;
  /** The worker ends at once. */
  close(): void;
}

/** First line to a worker: who may tell it what to send. */
export const TOKEN_LINE = 'token ';

/** Between two attempts to reach a worker that does not listen yet. */
const RETRY_MS = 100;

export interface WorkerToken {
  readonly token: string;
  readonly sha256: string;
}

/** Good for one measurement, and known to its gate alone: a worker has its SHA-256. */
export function newToken(): WorkerToken {
  const token = randomBytes(32).toString('hex');
  return { token, sha256: sha256Of(token) };
}

export function sha256Of(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/**
 * Connects to a worker, again and again until it listens.
 * @throws Error when it cannot be reached within `withinMs`; the signal's reason
 */
export async function connectWorker(
  { host, name, port }: { readonly host: string; readonly name: string; readonly port: number },
  token: string,
  withinMs: number,
  signal: AbortSignal,
): Promise<WorkerLink> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    signal.throwIfAborted();
    const socket = createConnection({ host, port, noDelay: true, keepAlive: true });
    try {
      await once(socket, 'connect', {
        signal: AbortSignal.any([
          signal,
          AbortSignal.timeout(Math.max(1, Math.ceil(deadline - performance.now()))),
        ]),
      });
      socket.write(`${TOKEN_LINE}${token}\n`);
      return linkOf(name, socket);
    } catch (error) {
      socket.destroy();
      signal.throwIfAborted();
      if (performance.now() >= deadline) {
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(
          `worker ${name} was not reached at ${host}:${port} within ${withinMs / 1000} s: ${why}; does a NetworkPolicy keep the gate from it?`,
          { cause: error },
        );
      }
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

function linkOf(name: string, socket: Socket): WorkerLink {
  // Whoever reads the lines hears of it; writing to a worker that has gone is nobody's failure.
  socket.on('error', () => undefined);
  return {
    name,
    send: (line) => {
      if (socket.writable) socket.write(`${line}\n`);
    },
    lines: linesOf(socket),
    close: () => {
      socket.destroy();
    },
  };
}

/** What was cut off in the middle of a line says nothing. */
async function* linesOf(socket: Socket): AsyncGenerator<string> {
  socket.setEncoding('utf8');
  let rest = '';
  for await (const chunk of socket) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
