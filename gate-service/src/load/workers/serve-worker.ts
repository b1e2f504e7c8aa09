/** A worker of the sender: takes one measurement's part from one connection, sends it, and ends. */
import { timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { parseMeasurementPlan } from '../plan.ts';
import { Session } from '../session.ts';
import { sha256Of, TOKEN_LINE } from './link.ts';
import { parseOrder, PROBLEM_REMARK, type Order } from './orders.ts';

export interface WorkerOptions {
  /** All addresses of this machine when absent. */
  readonly host?: string | undefined;
  readonly port: number;
  /** In hex: who knows what it was made of may say what is sent. */
  readonly tokenSha256: string;
  /** How long it waits for that. */
  readonly waitSeconds: number;
  /** Told the port when it listens. */
  readonly listening?: (port: number) => void;
}

/** For a caller to show its token. */
const TOKEN_MS = 10_000;
/** Who leads the workers asks for their clocks each second: after so long without a word it is gone. */
const MOST_SILENT_MS = 30_000;
/** Longest first line. */
const TOKEN_CHARACTERS = 256;

/**
 * Resolves when its part is sent. The connection is its leash: when it closes before, the measurement is nobody's.
 * @throws Error when nobody comes, the plan is not usable, the target is not there or the connection closes
 */
export async function serveWorker(options: WorkerOptions): Promise<void> {
  const socket = await firstWithToken(options);
  // Its end is heard by the lines.
  socket.on('error', () => undefined);
  const lines = createInterface({ input: socket });
  const leash = Promise.withResolvers<never>();
  leash.promise.catch(() => undefined);
  lines.once('close', () => {
    leash.reject(new Error('the connection closed: the gate is gone, or wants no more'));
  });
  const silence = setTimeout(() => {
    leash.reject(new Error(`nothing was heard of the gate for ${MOST_SILENT_MS / 1000} s`));
  }, MOST_SILENT_MS);
  lines.on('line', () => {
    silence.refresh();
  });
  try {
    await Promise.race([work(lines, socket), leash.promise]);
    await new Promise<void>((resolve) => {
      socket.end(resolve);
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    await said(socket, `${PROBLEM_REMARK}${message.replace(/\s+/g, ' ')}\n`);
    throw error;
  } finally {
    clearTimeout(silence);
    socket.destroy();
    lines.close();
  }
}

async function work(lines: Interface, socket: Socket): Promise<void> {
  const first = Promise.withResolvers<string>();
  const early: Order[] = [];
  let planRead = false;
  const running: { session?: Session } = {};
  lines.on('line', (line) => {
    if (!planRead) {
      planRead = true;
      first.resolve(line);
      return;
    }
    const order = parseOrder(line);
    if (order === undefined) return;
    if (running.session === undefined) early.push(order);
    else running.session.order(order);
  });
  const plan = parseMeasurementPlan(await first.promise);
  if (plan.share === undefined) throw new Error('the plan is not a part of one: it has no share');
  const session = new Session(plan, (text) => {
    if (socket.writable) socket.write(text);
  });
  running.session = session;
  const sending = session.run();
  for (const order of early) session.order(order);
  await sending;
}

/** The first caller that shows the token; no other one is served. */
async function firstWithToken(options: WorkerOptions): Promise<Socket> {
  const { host, listening, port, tokenSha256, waitSeconds } = options;
  const found = Promise.withResolvers<Socket>();
  const server: Server = createServer((socket) => {
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    socket.on('error', () => undefined);
    readToken(socket, tokenSha256, found.resolve);
  });
  server.on('error', found.reject);
  server.listen({ port, host }, () => {
    const address = server.address();
    if (typeof address === 'object' && address !== null) listening?.(address.port);
  });
  const timer = setTimeout(() => {
    found.reject(new Error(`nobody came with a plan within ${waitSeconds} s`));
  }, waitSeconds * 1000);
  try {
    return await found.promise;
  } finally {
    clearTimeout(timer);
    server.close();
  }
}

/** Byte by byte up to the first line's end: what follows is left for who reads on. */
function readToken(socket: Socket, sha256: string, accept: (socket: Socket) => void): void {
  const timer = setTimeout(() => socket.destroy(), TOKEN_MS);
  let text = '';
  const read = (): void => {
    for (let byte = take(socket); byte !== undefined; byte = take(socket)) {
      if (byte !== '\n') {
        text += byte;
        if (text.length > TOKEN_CHARACTERS) break;
        continue;
      }
      clearTimeout(timer);
      socket.off('readable', read);
      const given = Buffer.from(sha256Of(text.slice(TOKEN_LINE.length)));
      const wanted = Buffer.from(sha256);
      const known =
        text.startsWith(TOKEN_LINE) &&
        given.length === wanted.length &&
        timingSafeEqual(given, wanted);
      if (known) accept(socket);
      else socket.destroy();
      return;
    }
    if (text.length > TOKEN_CHARACTERS) socket.destroy();
  };
  socket.on('readable', read);
}

function take(socket: Socket): string | undefined {
  const byte: unknown = socket.read(1);
  return Buffer.isBuffer(byte) ? byte.toString('latin1') : undefined;
}

/** Best effort: the connection may be what failed. */
function said(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (!socket.writable) {
      resolve();
      return;
    }
    socket.once('close', () => {
      resolve();
    });
    socket.end(text);
  });
}
