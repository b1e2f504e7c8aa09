/** Starts and stops the cluster's own processes: each detached, known by pid and start time, with a log of its own. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { interrupted, SetupError } from '../../../resources/components/command.ts';
import {
  isRunning,
  startDetached,
  stopProcess,
} from '../../../gate-service/src/processes/detached-process.ts';
import { tailOf } from '../../../gate-service/src/processes/log-tail.ts';
import {
  readProcessRecord,
  removeProcessRecord,
  writeProcessRecord,
} from '../../../gate-service/src/processes/process-record.ts';
import type { ProcessRecord } from '../../../gate-service/src/processes/process-record.ts';
import { pathsOf } from './layout.ts';
import type { ClusterLayout } from './layout.ts';
import { holderOf, listenerOn } from './listeners.ts';
import type { Listener } from './listeners.ts';

const LETS_GO_WITHIN_MS = 10_000;

/** A process of the cluster, started in the order of the list and stopped in the opposite one. */
export interface Component {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Files that it reads at its start, by path: other content, another start. */
  readonly files?: Readonly<Record<string, string>>;
  /** Where it listens: told before the start when something else is there already. */
  readonly listens: readonly { readonly address: string; readonly port: number }[];
  /** Whether it can do its work; an exception says why not yet. */
  readonly ready: () => Promise<boolean>;
  /** How long the first `ready` may take on a busy machine. */
  readonly withinMs: number;
  /** What its end must not be waited for: nothing of it is kept. */
  readonly killAtOnce?: boolean;
}

export function logOf(layout: ClusterLayout, name: string): string {
  return path.join(pathsOf(layout).logs, `${name}.log`);
}

function recordOf(layout: ClusterLayout, name: string): string {
  return path.join(pathsOf(layout).processes, `${name}.json`);
}

/** Whether the component's process runs, of this boot and not another with its pid. */
export async function runs(layout: ClusterLayout, name: string): Promise<boolean> {
  return (await recordOfRunning(layout, name)) !== undefined;
}

/** Its record while it runs. */
export async function recordOfRunning(
  layout: ClusterLayout,
  name: string,
): Promise<ProcessRecord | undefined> {
  const record = await readProcessRecord(recordOf(layout, name));
  return record !== undefined && isRunning(record) ? record : undefined;
}

/**
 * Checks, before anything is changed, that every component which does not run yet finds its ports free.
 * @throws SetupError naming component, address and port of each that is taken
 */
export async function requireFreePorts(
  layout: ClusterLayout,
  components: readonly Component[],
): Promise<void> {
  const taken: string[] = [];
  for (const component of components) {
    if (await runs(layout, component.name)) continue;
    for (const { address, port } of component.listens) {
      const other = await listenerAfter(layout, component.name, address, port);
      if (other !== undefined) {
        const who = holderOf(other) ?? 'something else';
        taken.push(`${component.name} needs ${address}:${port}, where ${who} listens`);
      }
    }
  }
  if (taken.length === 0) return;
  throw new SetupError(
    [
      'the cluster cannot be started:',
      ...taken.map((line) => `  - ${line}`),
      'Stop it, or let it listen elsewhere. Nothing was started.',
    ].join('\n'),
  );
}

/** Who is in the way of a component; a former process of its own that was just killed may take a moment to let go. */
async function listenerAfter(
  layout: ClusterLayout,
  name: string,
  address: string,
  port: number,
): Promise<Listener | undefined> {
  const former = await readProcessRecord(recordOf(layout, name));
  const deadline = performance.now() + (former === undefined ? 0 : LETS_GO_WITHIN_MS);
  for (;;) {
    const other = listenerOn(address, port);
    if (other === undefined || performance.now() >= deadline) return other;
    await sleep(100);
  }
}

/**
 * Starts the component unless it runs just so, and waits until it is ready.
 * @returns whether it had to be started
 * @throws SetupError with the end of its log when it ends or does not get ready in time
 */
export async function ensureRunning(layout: ClusterLayout, component: Component): Promise<boolean> {
  const file = recordOf(layout, component.name);
  const former = await readProcessRecord(file);
  const command = [component.command, ...component.args];
  const changed = await writeFiles(component.files ?? {});
  const same = former?.command.join('\0') === command.join('\0');
  let record = former;
  const keep = former !== undefined && isRunning(former) && same && !changed;
  if (!keep) {
    if (former !== undefined) await stopComponent(layout, component.name, component.killAtOnce);
    record = await startDetached({
      command: component.command,
      args: component.args,
      cwd: layout.state,
      logFile: logOf(layout, component.name),
    });
    await writeProcessRecord(file, record);
  }
  const deadline = performance.now() + component.withinMs;
  let why = '';
  for (;;) {
    interrupted.throwIfAborted();
    try {
      if (await component.ready()) return !keep;
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    if (record === undefined || !isRunning(record)) {
      throw await failure(layout, component, 'ended right after its start', '');
    }
    if (performance.now() > deadline) {
      throw await failure(
        layout,
        component,
        `was not ready in ${component.withinMs / 1000} s`,
        why,
      );
    }
    await sleep(100);
  }
}

/** Writes what differs; whether anything did. */
async function writeFiles(files: Readonly<Record<string, string>>): Promise<boolean> {
  let changed = false;
  for (const [file, content] of Object.entries(files)) {
    if (existsSync(file) && (await readFile(file, 'utf8')) === content) continue;
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content, { mode: 0o600 });
    changed = true;
  }
  return changed;
}

async function failure(layout: ClusterLayout, component: Component, what: string, why: string) {
  const log = logOf(layout, component.name);
  const tail = await tailOf(log, 15);
  const because = why === '' ? '' : ` (${why.trim()})`;
  return new SetupError(
    `${component.name} ${what}${because}. The end of ${log}:\n  ${tail.replaceAll('\n', '\n  ')}\n` +
      '"npm run cluster -- down" takes away what was started.',
  );
}

/** Stops the component's process, if it still runs, and forgets it. */
export async function stopComponent(
  layout: ClusterLayout,
  name: string,
  killAtOnce = false,
): Promise<void> {
  const file = recordOf(layout, name);
  const record = await readProcessRecord(file);
  if (record !== undefined) {
    const signal = killAtOnce ? 'SIGKILL' : 'SIGTERM';
    await stopProcess(record, { signal, graceMs: 10_000 });
  }
  await removeProcessRecord(file);
}

/** Names of everything that was ever started and not stopped again. */
export async function startedNames(layout: ClusterLayout): Promise<readonly string[]> {
  const { processes } = pathsOf(layout);
  if (!existsSync(processes)) return [];
  return (await readdir(processes))
    .filter((name) => name.endsWith('.json'))
    .map((name) => path.basename(name, '.json'));
}
