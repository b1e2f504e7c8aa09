import { spawn } from 'node:child_process';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GateClient } from './gate-client.ts';

export interface ServiceOptions {
  /** The whole environment of the service. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `--production`: SERVICE=WAR. */
  readonly production: string;
  readonly logFile: string;
}

export interface ServiceProcess {
  readonly pid: number;
  /** Waits until the service is ready. @throws Error with the end of its log when it is not in time */
  ready(client: GateClient, timeoutMs: number): Promise<void>;
  /** Drains the service and waits for its end. */
  stop(): Promise<void>;
}

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

/** Starts `speed-gate serve` as a process of its own, in a process group of its own: Ctrl-C reaches the demo only. */
export function startService(options: ServiceOptions): ServiceProcess {
  const log = openSync(options.logFile, 'a');
  const child = spawn(process.execPath, [main, 'serve', '--production', options.production], {
    env: options.environment,
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  const exit = Promise.withResolvers<number | null>();
  let exited = false;
  child.once('exit', (code) => {
    exited = true;
    exit.resolve(code);
  });
  child.once('error', exit.reject);
  const logEnd = (): string =>
    readFileSync(options.logFile, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
  if (child.pid === undefined) throw new Error('the gate service could not be started');
  return {
    pid: child.pid,
    async ready(client, timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      while (!(await client.isReady())) {
        if (exited) throw new Error(`the gate service ended while starting:\n${logEnd()}`);
        if (performance.now() > deadline) {
          throw new Error(
            `the gate service was not ready within ${String(timeoutMs / 1000)} s:\n${logEnd()}`,
          );
        }
        await sleep(100);
      }
    },
    async stop() {
      if (!exited) child.kill('SIGTERM');
      await exit.promise;
    },
  };
}
