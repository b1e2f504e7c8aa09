/** Starts and ends the load, which is a process of its own. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Exchange, LoadMessage, LoadPlan } from './exchange.ts';

const PROCESS = fileURLToPath(new URL('load-process.ts', import.meta.url));
/** For the answers in flight, on top of their time-out. */
const STOP_MARGIN_MS = 10_000;

export interface Load {
  /** Ended requests so far, in the order of their ends. */
  readonly exchanges: readonly Exchange[];
  /** @throws Error when the load has ended by itself: what follows would be measured without load */
  requireRunning(): void;
  /** Sends no more and waits for what is in flight. Rejects when the process ended otherwise. */
  stop(): Promise<readonly Exchange[]>;
  /** Ends it at once; safe to call at any time. */
  kill(): Promise<void>;
}

/** Sends from now on to 127.0.0.1. */
export function startLoad(plan: LoadPlan): Load {
  const child = fork(PROCESS, [JSON.stringify(plan)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exchanges: Exchange[] = [];
  let inOrder = false;
  let gone: string | undefined;
  child.on('message', (message) => {
    const said = message as LoadMessage;
    if (said.type === 'exchanges') exchanges.push(...said.exchanges);
    else inOrder = true;
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      gone = `the load's process ended with ${signal ?? `exit code ${code ?? 'unknown'}`}`;
      resolve();
    });
    child.once('error', (error) => {
      gone = `the load's process failed: ${error.message}`;
      resolve();
    });
  });
  return {
    exchanges,
    requireRunning() {
      if (gone !== undefined)
        throw new Error(`${gone}; what follows would be measured without load`);
    },
    async stop() {
      this.requireRunning();
      child.send('stop');
      const late = setTimeout(() => child.kill('SIGKILL'), plan.timeoutMs + STOP_MARGIN_MS);
      await ended;
      clearTimeout(late);
      if (!inOrder) throw new Error(`${gone ?? 'the load ended'} before all answers were counted`);
      return exchanges;
    },
    async kill() {
      if (gone === undefined) child.kill('SIGKILL');
      await ended;
    },
  };
}
