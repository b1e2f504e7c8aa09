/** One detached process of the platform: started, adopted, watched and ended by its record. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, startDetached, stopProcess } from '../../processes/detached-process.ts';
import { tailOf } from '../../processes/log-tail.ts';
import {
  readProcessRecord,
  removeProcessRecord,
  writeProcessRecord,
  type ProcessRecord,
} from '../../processes/process-record.ts';
import { PlatformError } from '../platform.ts';
import { requireFreePort } from './port-holder.ts';
import { endStrays } from './strays.ts';
import { messageOf, waitUntil } from '../wait-until.ts';

export interface ComponentDefinition {
  /** Unique in the state folder; names its record and its log. */
  readonly name: string;
  /** How a person calls it, e.g. `the Envoy of staging`. */
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Absolute path in the arguments that no other process has: finds a process whose record was lost. */
  readonly marker: string;
  readonly cwd: string;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  readonly isReady: () => Promise<boolean>;
  readonly readyMs: number;
  readonly stop: { readonly signal: NodeJS.Signals; readonly graceMs: number };
}

interface ComponentFacts {
  readonly name: string;
  readonly title: string;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  /** How often this gate service had to start it again. */
  readonly restarts: number;
}

/** `since` is ISO 8601. */
export type ComponentStatus = ComponentFacts &
  (
    | { readonly running: true; readonly pid: number; readonly since: string }
    | { readonly running: false; readonly pid?: undefined; readonly since?: undefined }
  );

const LOG_LINES = 15;
const TICKS_PER_SECOND = 100;

export class Component {
  readonly definition: ComponentDefinition;
  readonly logFile: string;
  readonly #recordFile: string;
  #restarts = 0;
  #record: ProcessRecord | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  /** @param folders where records and logs are kept */
  constructor(
    definition: ComponentDefinition,
    folders: { readonly records: string; readonly logs: string },
  ) {
    this.definition = definition;
    this.#recordFile = join(folders.records, `${definition.name}.json`);
    this.logFile = join(folders.logs, `${definition.name}.log`);
  }

  /**
   * Adopts the process when it runs, else starts it, and waits until it is ready.
   * @throws PlatformError `port-taken` or `component-failed`
   */
  ensureRunning(signal?: AbortSignal): Promise<'adopted' | 'started'> {
    return this.#inTurn(() => this.#ensureRunning(signal));
  }

  /** Ends the process and its group. Nothing happens when it is not there. */
  stop(): Promise<void> {
    return this.#inTurn(async () => {
      const record = await this.#load();
      if (record !== undefined) await stopProcess(record, this.definition.stop);
      await endStrays(this.definition.marker, [this.definition.command]);
      await removeProcessRecord(this.#recordFile);
      this.#record = undefined;
    });
  }

  async isRunning(): Promise<boolean> {
    const record = await this.#load();
    return record !== undefined && isRunning(record);
  }

  async status(): Promise<ComponentStatus> {
    const { name, title, ports } = this.definition;
    const record = await this.#load();
    const common = { name, title, ports, restarts: this.#restarts };
    if (record === undefined || !isRunning(record)) return { ...common, running: false };
    return { ...common, running: true, pid: record.pid, since: startedAt(record) };
  }

  /** Its process as far as it is known without asking the disk. */
  get record(): ProcessRecord | undefined {
    return this.#record;
  }

  /** The end of its log, for an error. */
  logTail(): Promise<string> {
    return tailOf(this.logFile, LOG_LINES);
  }

  async #ensureRunning(signal?: AbortSignal): Promise<'adopted' | 'started'> {
    const former = await this.#load();
    if (former !== undefined && isRunning(former)) {
      // One that was just killed still looks alive for a moment: it is replaced as if found dead.
      if ((await this.#untilReady(former, signal)) !== 'ended') return 'adopted';
    }
    // A leader that was killed may have left children, and a crash between start and record a process.
    if (former !== undefined) await stopProcess(former, { signal: 'SIGKILL', graceMs: 0 });
    await endStrays(this.definition.marker, [this.definition.command]);
    for (const { name, port } of this.definition.ports) {
      await requireFreePort(port, `${this.definition.title} (${name})`);
    }
    const { command, args, cwd } = this.definition;
    let record: ProcessRecord;
    try {
      record = await startDetached({ command, args, cwd, logFile: this.logFile });
    } catch (error) {
      throw new PlatformError('component-failed', messageOf(error), { cause: error });
    }
    await writeProcessRecord(this.#recordFile, record);
    this.#record = record;
    if (former !== undefined) this.#restarts += 1;
    if ((await this.#untilReady(record, signal)) === 'ready') return 'started';
    throw await this.#failure('ended right after its start');
  }

  /** @throws PlatformError `component-failed` when it runs, but does not get ready in time */
  async #untilReady(record: ProcessRecord, signal?: AbortSignal): Promise<'ready' | 'ended'> {
    const { isReady, readyMs } = this.definition;
    const seen = await waitUntil(
      async () => {
        if (await isReady()) return 'ready';
        return isRunning(record) ? undefined : 'ended';
      },
      { timeoutMs: readyMs, signal },
    );
    if (seen !== undefined) return seen;
    throw await this.#failure(`did not get ready in ${readyMs / 1000} s`);
  }

  async #failure(what: string): Promise<PlatformError> {
    const log = (await this.logTail()) || '(empty)';
    return new PlatformError(
      'component-failed',
      `${this.definition.title} ${what}. The end of its log (${this.logFile}):\n${log}`,
    );
  }

  async #load(): Promise<ProcessRecord | undefined> {
    this.#record ??= await readProcessRecord(this.#recordFile);
    return this.#record;
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(act, act);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

function startedAt(record: ProcessRecord): string {
  const uptime = Number.parseFloat(readFileSync('/proc/uptime', 'utf8'));
  const age = uptime - record.startTime / TICKS_PER_SECOND;
  return new Date(Date.now() - age * 1000).toISOString();
}
