/** Workers of the sender as processes of this machine: the same program that pods run. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type {
  LaunchedFleet,
  FleetRequest,
  WorkerLauncher,
} from '../../gate-service/src/load/workers/launcher.ts';

const MAIN = fileURLToPath(new URL('../../gate-service/src/main.ts', import.meta.url));

export class WorkerProcesses implements WorkerLauncher {
  readonly started: ChildProcess[] = [];
  readonly requests: FleetRequest[] = [];
  removed = false;

  async launch(request: FleetRequest): Promise<LaunchedFleet> {
    this.requests.push(request);
    const workers = await Promise.all(
      Array.from({ length: request.workers }, async (_, place) => ({
        name: `worker-${place}`,
        host: '127.0.0.1',
        port: await this.#start(request.tokenSha256),
      })),
    );
    return {
      workers,
      whyGone: () => Promise.resolve('its process was killed'),
      remove: async () => {
        this.removed = true;
        await this.end();
      },
    };
  }

  /** Of processes that have not ended by themselves. */
  async end(): Promise<void> {
    await Promise.all(
      this.started
        .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
        .map(async (child) => {
          const ended = once(child, 'exit');
          child.kill('SIGKILL');
          await ended;
        }),
    );
  }

  async #start(tokenSha256: string): Promise<number> {
    const child = spawn(process.execPath, [MAIN, 'sender', '--listen', '127.0.0.1:0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env.PATH,
        NODE_NO_WARNINGS: '1',
        SPEED_GATE_SENDER_TOKEN_SHA256: tokenSha256,
      },
    });
    this.started.push(child);
    for await (const line of createInterface({ input: child.stdout })) {
      const port = /port (\d+)$/.exec(line)?.[1];
      if (port !== undefined) return Number(port);
    }
    throw new Error('a worker ended before it listened');
  }
}
