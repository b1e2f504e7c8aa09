/** Starts and talks to the process that serves the API. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { StorePlace } from '../../../gate-service/src/store/store.ts';
import type { FromServer, ToServer } from './messages.ts';

const PROGRAM = path.join(import.meta.dirname, 'server-process.ts');

export interface Server {
  readonly url: string;
  /** From the start of the program's own code to an open port, and from the start of the process. */
  readonly startMs: number;
  readonly processStartMs: number;
  /** Appends an event to a run, as its driver would. */
  append(runId: string, text: string, last: boolean): Promise<void>;
  /** Makes a build known. */
  build(digest: string): Promise<void>;
  /** Resident memory after a collection of garbage. */
  residentMiB(): Promise<number>;
  stop(): Promise<void>;
}

/** @throws Error when the process ends before it serves */
export async function startServer(place: StorePlace): Promise<Server> {
  const began = performance.now();
  const child = fork(PROGRAM, {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the API's process ended with ${String(code)}`);
  });
  // Said by whoever waits for an answer.
  ended.catch(() => undefined);
  const ask = async <Type extends FromServer['type']>(
    message: ToServer,
    type: Type,
  ): Promise<Extract<FromServer, { type: Type }>> => {
    child.send(message);
    const [answer] = (await Promise.race([once(child, 'message'), ended])) as [FromServer];
    if (answer.type !== type) throw new Error(`expected ${type}, got ${answer.type}`);
    return answer as Extract<FromServer, { type: Type }>;
  };
  const { port, startMs } = await ask({ type: 'serve', place }, 'ready');
  return {
    url: `http://127.0.0.1:${port}`,
    startMs,
    processStartMs: performance.now() - began,
    append: async (runId, text, last) => {
      await ask({ type: 'append', runId, text, last }, 'appended');
    },
    build: async (digest) => {
      await ask({ type: 'build', digest }, 'appended');
    },
    residentMiB: async () => (await ask({ type: 'memory' }, 'memory')).residentMiB,
    stop: async () => {
      child.send({ type: 'stop' } satisfies ToServer);
      await once(child, 'exit');
    },
  };
}
