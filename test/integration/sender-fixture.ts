/** A target for the sender: a real HTTP server on loopback that remembers what came and misbehaves on request. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type {
  MeasurementPlan,
  SenderListener,
  WindowReport,
} from '../../gate-service/src/load/sender.ts';
import { loadWorkload } from '../../gate-service/src/load/workload-file.ts';

export interface Seen {
  readonly arm: string;
  readonly planted: boolean;
  readonly url: string;
  readonly body: string;
  readonly host: string;
  readonly method: string;
  /** Number of the connection it came on, from 1. */
  readonly connection: number;
}

export interface Target {
  readonly port: number;
  readonly seen: readonly Seen[];
  readonly connections: () => number;
  close(): Promise<void>;
}

export type Behaviour = (seen: Seen, response: ServerResponse, request: IncomingMessage) => void;

/** Answers 200 after so many milliseconds. */
export function answerAfter(response: ServerResponse, milliseconds: number, body = 'fine'): void {
  setTimeout(() => response.end(body), milliseconds);
}

/** A port of its own on loopback. */
export async function startTarget(behave: Behaviour): Promise<Target> {
  const seen: Seen[] = [];
  let connections = 0;
  const numbers = new WeakMap<object, number>();
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const entry: Seen = {
        arm: String(request.headers['x-speed-gate-arm']),
        planted: request.headers['x-speed-gate-planted'] === '1',
        url: request.url ?? '',
        method: request.method ?? '',
        body: Buffer.concat(parts).toString(),
        host: request.headers.host ?? '',
        connection: numbers.get(request.socket) ?? 0,
      };
      seen.push(entry);
      response.setHeader('x-speed-gate-node', `node-of-${entry.arm}`);
      behave(entry, response, request);
    });
  });
  server.on('connection', (socket) => numbers.set(socket, (connections += 1)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

export const workload = loadWorkload(`
rate: 50
requests:
  - { name: read, path: "/read?n=\${sequence}", weight: 2 }
  - { name: write, method: POST, path: /write, body: "number \${sequence}" }
`);

/** A short plan; tests change what they are about. */
export function planFor(port: number, change: Partial<MeasurementPlan> = {}): MeasurementPlan {
  return {
    target: { host: '127.0.0.1', port },
    authority: 'checkout.test',
    arms: [
      { name: 'baseline', headers: { 'x-speed-gate-arm': 'baseline' } },
      { name: 'candidate', headers: { 'x-speed-gate-arm': 'candidate' } },
    ],
    workload,
    pairsPerSecond: 100,
    arrivals: 'poisson',
    windowSeconds: 0.5,
    windows: 3,
    warmup: { minSeconds: 0, maxSeconds: 0, minRequests: 0 },
    limits: { connections: 128, requestTimeoutMs: 3000, maxSeconds: 60 },
    freshConnections: 0,
    seed: 42,
    ...change,
  };
}

/** Remembers the reports; stops when `enough` says so. */
export class Listener implements SenderListener {
  readonly reports: WindowReport[] = [];
  readonly #enough: (reports: readonly WindowReport[]) => boolean;

  constructor(enough: (reports: readonly WindowReport[]) => boolean = () => false) {
    this.#enough = enough;
  }

  window(report: WindowReport): void {
    this.reports.push(report);
  }

  stopRequested(): boolean {
    return this.#enough(this.reports);
  }
}

/** Calls windows spoilt by number and wants one more for each. */
export class ReplacingListener extends Listener {
  readonly #planned: number;
  readonly #spoilt: (window: number) => boolean;

  constructor(planned: number, spoilt: (window: number) => boolean) {
    super();
    this.#planned = planned;
    this.#spoilt = spoilt;
  }

  windowsWanted(): number {
    return this.#planned + this.reports.filter(({ window }) => this.#spoilt(window)).length;
  }
}

/** Waits for a condition, not for a time. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited 30 s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
