/** The bench's side of the known server. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Distribution } from './truth.ts';

export interface BeginCommand {
  readonly do: 'begin';
  readonly seed: number;
  readonly distribution: Distribution;
  /** After the first request; no stall when absent. */
  readonly stallAfterMs?: number;
}
export type TargetCommand = BeginCommand | { readonly do: 'count' } | { readonly do: 'end' };

/** Times on the clock of the machine, microseconds. */
export interface TargetReport {
  requests: number;
  firstUs?: number;
  stall?: { fromUs: number; toUs: number };
  /** When each request was read. */
  readonly arrivedUs: number[];
  /** Of every request that did not meet the stall. */
  readonly serviceUs: number[];
}

export interface TargetCount {
  readonly requests: number;
  readonly atUs: number;
}

export type TargetReply =
  | { readonly port: number }
  | { readonly begun: true }
  | TargetCount
  | { readonly report: TargetReport };

const PROCESS = fileURLToPath(new URL('target-process.ts', import.meta.url));

export class KnownServer {
  readonly #process: ChildProcess;
  readonly port: number;
  readonly pid: number;

  private constructor(child: ChildProcess, port: number) {
    this.#process = child;
    this.port = port;
    this.pid = child.pid ?? 0;
  }

  static async start(): Promise<KnownServer> {
    const child = fork(PROCESS, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new KnownServer(child, port);
  }

  /** Forgets what was; everything that follows is of this load. */
  async begin(command: Omit<BeginCommand, 'do'>): Promise<void> {
    await this.#ask<{ begun: true }>({ ...command, do: 'begin' });
  }

  /** How many requests have come so far. */
  count(): Promise<TargetCount> {
    return this.#ask<TargetCount>({ do: 'count' });
  }

  async end(): Promise<TargetReport> {
    return (await this.#ask<{ report: TargetReport }>({ do: 'end' })).report;
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.disconnect();
    await gone;
  }

  /** One question at a time. */
  async #ask<T>(command: TargetCommand): Promise<T> {
    const answer = once(this.#process, 'message') as Promise<[T]>;
    this.#process.send(command);
    return (await answer)[0];
  }
}
