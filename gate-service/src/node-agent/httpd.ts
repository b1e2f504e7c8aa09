/** The httpd of one node: configurations by version behind a symlink, checked before they take effect. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  groupMembers,
  isRunning,
  startDetached,
  stopProcess,
  usageOf,
} from '../processes/detached-process.ts';
import type { ProcessExit, ProcessUsage } from '../processes/detached-process.ts';
import { freePort, isPortFree } from '../processes/free-port.ts';
import { tailOf } from '../processes/log-tail.ts';
import {
  readProcessRecord,
  removeProcessRecord,
  writeFileAtomically,
  writeProcessRecord,
  type ProcessRecord,
} from '../processes/process-record.ts';
import type { StackConfiguration } from '../stack/configuration.ts';
import {
  GRACEFUL_SHUTDOWN_TIMEOUT_S,
  HTTPD_FILE,
  HTTPD_RUNTIME_FILES,
  POOL_FILE,
  STATUS_PATH,
  renderHttpd,
  renderPool,
} from '../stack/httpd.ts';
import { ComponentError } from './component-error.ts';
import { askLocally } from './local-http.ts';
import { parseModStatus, type ModStatus } from './mod-status.ts';
import type { NodeStore } from './node-state.ts';
import { poll } from './poll.ts';
import type { NodeDescription } from './protocol.ts';
import type { HttpdUser } from './runtime-directory.ts';

/** Response header by which a node names itself: NODE_HEADER of the mesh, which this room may not import. */
const NODE_HEADER = 'x-speed-gate-node';
const STATUS_TIMEOUT_MS = 3000;
const START_TIMEOUT_MS = 20_000;
/** A graceful restart shows within about a second, on a busy machine later. */
const GENERATION_TIMEOUT_MS = 15_000;
const STOPPING_TIMEOUT_MS = (GRACEFUL_SHUTDOWN_TIMEOUT_S + 15) * 1000;
const KEPT_VERSIONS = 3;

export class Httpd {
  readonly #description: NodeDescription;
  readonly #store: NodeStore;
  readonly #runtime: string;
  readonly #user: HttpdUser | undefined;
  readonly #directory: string;
  readonly #recordFile: string;
  #record: ProcessRecord | undefined;
  #exit: ProcessExit | undefined;

  constructor(
    description: NodeDescription,
    store: NodeStore,
    placement: { readonly runtimeDirectory: string; readonly user: HttpdUser | undefined },
  ) {
    this.#description = description;
    this.#store = store;
    this.#runtime = placement.runtimeDirectory;
    this.#user = placement.user;
    this.#directory = join(description.directory, 'httpd');
    this.#recordFile = join(description.directory, 'processes', 'httpd.json');
  }

  /** Takes over what an earlier agent started; true when it runs. */
  async adopt(): Promise<boolean> {
    this.#record = await readProcessRecord(this.#recordFile);
    return this.isRunning();
  }

  pid(): number | undefined {
    return this.#record?.pid;
  }

  isRunning(): boolean {
    return this.#record !== undefined && isRunning(this.#record);
  }

  /** Writes a new version of the configuration and lets httpd check it. Nothing that runs is touched. */
  async prepare(configuration: StackConfiguration, statusPort: number): Promise<number> {
    const version = await this.#store.next('httpdVersion');
    const { components, address, ports, name } = this.#description;
    const files = renderHttpd(configuration, {
      serverRoot: components.httpdServerRoot,
      runtimeDirectory: this.#runtime,
      listen: { address, port: ports.httpd },
      statusPort,
      node: name,
      nodeHeader: NODE_HEADER,
      jettyPorts: ports.jetty,
      ...(this.#user && { user: this.#user }),
    });
    const folder = this.#versionFolder(version);
    await mkdir(folder, { recursive: true });
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
    await this.#check(join(folder, HTTPD_FILE));
    return version;
  }

  /** Makes a prepared version the one that the next start or restart reads. */
  async activate(version: number): Promise<void> {
    const temporary = join(this.#directory, `current.${process.pid}.tmp`);
    await rm(temporary, { force: true });
    await symlink(join('configurations', String(version)), temporary);
    await rename(temporary, join(this.#directory, 'current'));
  }

  /** Sends requests to the Jetty on this port from now on, without a restart. */
  async pointAt(jettyPort: number): Promise<void> {
    await writeFileAtomically(join(this.#runtime, POOL_FILE), renderPool(jettyPort), 0o644);
  }

  /** Starts httpd on the active version and waits until it reports its status. Ends what is left of an earlier one first. */
  async start(statusPort: number): Promise<void> {
    await this.endRemains();
    const { components } = this.#description;
    await this.requireFreePorts(statusPort);
    // A pid file of a killed httpd names a process that is gone, or by now another.
    await rm(join(this.#runtime, HTTPD_RUNTIME_FILES.pid), { force: true });
    await this.#check(this.#currentFile());
    this.#exit = undefined;
    const record = await startDetached({
      command: components.httpd,
      args: ['-d', components.httpdServerRoot, '-f', this.#currentFile(), '-D', 'FOREGROUND'],
      cwd: this.#directory,
      logFile: join(this.#directory, 'httpd.log'),
      onExit: (exit) => {
        if (this.#record === record) this.#exit = exit;
      },
    });
    this.#record = record;
    await writeProcessRecord(this.#recordFile, record);
    const up = await poll(
      async () => {
        if (!isRunning(record)) throw new ComponentError('httpd', await this.causeOfEnd());
        return this.status(statusPort).catch(() => undefined);
      },
      { everyMs: 25, timeoutMs: START_TIMEOUT_MS },
    );
    if (up === undefined) {
      await this.stop(0);
      throw new ComponentError(
        'httpd',
        `httpd did not report its status within ${START_TIMEOUT_MS / 1000} s; ${await this.#logTail()}`,
      );
    }
  }

  /** Rejects, naming the port, when another process listens where httpd shall. */
  async requireFreePorts(statusPort: number): Promise<void> {
    const { address, ports } = this.#description;
    for (const [host, port] of [
      [address, ports.httpd],
      ['127.0.0.1', statusPort],
    ] as const) {
      if (!(await isPortFree(port, host))) {
        throw new ComponentError(
          'httpd',
          `port ${host}:${port}, meant for httpd, is taken by another process; end that process or give the node another port`,
        );
      }
    }
  }

  /**
   * Restarts gracefully on the active version and waits until the new generation serves. The file
   * is checked right before: the signal with a broken one would end the server. (`-k graceful`
   * does the same, but would start a second, unsupervised httpd if this one had just died.)
   */
  async graceful(statusPort: number): Promise<void> {
    const settled = await poll(
      async () => {
        const status = await this.status(statusPort);
        return status.stopping === 0 ? status : undefined;
      },
      { everyMs: 200, timeoutMs: STOPPING_TIMEOUT_MS },
    );
    if (settled === undefined) {
      throw new ComponentError(
        'httpd',
        `children of the former generation still end after ${STOPPING_TIMEOUT_MS / 1000} s; a further graceful restart would run out of places for children`,
      );
    }
    await this.#check(this.#currentFile());
    const record = this.#record;
    if (record === undefined || !isRunning(record)) {
      throw new ComponentError('httpd', await this.causeOfEnd());
    }
    process.kill(record.pid, 'SIGUSR1');
    const risen = await poll(
      async () => {
        if (!isRunning(record)) throw new ComponentError('httpd', await this.causeOfEnd());
        const status = await this.status(statusPort).catch(() => undefined);
        return status !== undefined &&
          status.configGeneration > settled.configGeneration &&
          status.busyWorkers + status.idleWorkers > 0
          ? status
          : undefined;
      },
      { everyMs: 25, timeoutMs: GENERATION_TIMEOUT_MS },
    );
    if (risen === undefined) {
      throw new ComponentError(
        'httpd',
        `httpd shows no new generation ${GENERATION_TIMEOUT_MS / 1000} s after a graceful restart; ${await this.#logTail()}`,
      );
    }
  }

  /** Lets requests in flight finish (bounded by GracefulShutdownTimeout), then nothing of it is left. */
  async stop(graceMs = (GRACEFUL_SHUTDOWN_TIMEOUT_S + 5) * 1000): Promise<void> {
    if (this.#record !== undefined) {
      await stopProcess(this.#record, { signal: 'SIGWINCH', graceMs, target: 'leader' });
    }
    await removeProcessRecord(this.#recordFile);
    this.#record = undefined;
  }

  /** Children of a killed parent still hold the port and would answer beside the next httpd. */
  async endRemains(): Promise<void> {
    const record = this.#record;
    if (record !== undefined && groupMembers(record).length > 0) {
      await stopProcess(record, { signal: 'SIGTERM', graceMs: 1000 });
    }
  }

  async status(statusPort: number): Promise<ModStatus> {
    const { status, body } = await askLocally({
      port: statusPort,
      path: `${STATUS_PATH}?auto`,
      timeoutMs: STATUS_TIMEOUT_MS,
    });
    if (status !== 200) throw new ComponentError('httpd', `mod_status answered ${status}`);
    return parseModStatus(body);
  }

  usage(): (ProcessUsage & { readonly pid: number }) | undefined {
    const record = this.#record;
    const usage = record === undefined ? undefined : usageOf(record);
    return record === undefined || usage === undefined ? undefined : { pid: record.pid, ...usage };
  }

  /** How it ended, with the end of its logs. */
  async causeOfEnd(): Promise<string> {
    const exit = this.#exit;
    const how =
      exit === undefined
        ? 'ended'
        : exit.signal === null
          ? `ended with exit code ${exit.code ?? '?'}`
          : `was ended by ${exit.signal}`;
    return `httpd ${how}; ${await this.#logTail()}`;
  }

  /** The status port that was given, or one that nobody uses now and that is not one of the node's own, not yet open ones. */
  async chooseStatusPort(): Promise<number> {
    const { agent, httpd, jetty, jolokia, status } = this.#description.ports;
    if (status !== undefined) return status;
    const own = [agent, httpd, ...jetty, ...jolokia];
    for (;;) {
      const port = await freePort();
      if (!own.includes(port)) return port;
    }
  }

  /** Removes old versions, but never the one in force. */
  async prune(inForce: number): Promise<void> {
    const folder = join(this.#directory, 'configurations');
    const versions = (await readdir(folder)).map(Number).sort((a, b) => b - a);
    for (const version of versions.slice(KEPT_VERSIONS)) {
      if (version !== inForce) await rm(this.#versionFolder(version), { recursive: true });
    }
  }

  /** Removes what lies outside the node's folder. */
  async removeRuntimeDirectory(): Promise<void> {
    if (!this.#runtime.startsWith(`${this.#description.directory}/`)) {
      await rm(this.#runtime, { recursive: true, force: true });
    }
  }

  #versionFolder(version: number): string {
    return join(this.#directory, 'configurations', String(version));
  }

  #currentFile(): string {
    return join(this.#directory, 'current', HTTPD_FILE);
  }

  async #check(file: string): Promise<void> {
    const { httpd, httpdServerRoot } = this.#description.components;
    await new Promise<void>((resolve, reject) => {
      execFile(
        httpd,
        ['-d', httpdServerRoot, '-f', file, '-t'],
        { timeout: 20_000 },
        (error, _stdout, stderr) => {
          if (error === null) resolve();
          else {
            const said = stderr.trim() === '' ? error.message : stderr.trim();
            reject(
              new ComponentError('httpd', `httpd -t refuses ${file}: ${said}`, { cause: error }),
            );
          }
        },
      );
    });
  }

  async #logTail(): Promise<string> {
    const logs = [
      join(this.#directory, 'httpd.log'),
      join(this.#runtime, HTTPD_RUNTIME_FILES.errorLog),
    ];
    const tails = await Promise.all(logs.map(async (file) => tailOf(file, 6)));
    const text = tails.filter((tail) => tail !== '').join('\n');
    return text === '' ? 'its log is empty' : `its log says:\n${text}`;
  }
}
