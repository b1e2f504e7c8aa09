/**
 * An archive of Jetty's classes (AppCDS), made once per JDK and Jetty: with it a node's start takes
 * less CPU from the nodes that are being measured. JDK 17's `-XX:ArchiveClassesAtExit`.
 */
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startDetached, stopProcess, isRunning } from '../processes/detached-process.ts';
import { freePorts } from '../processes/free-port.ts';
import { tailOf } from '../processes/log-tail.ts';
import { jettyCommand } from '../stack/jetty.ts';
import { stockConfiguration } from '../stack/stock.ts';
import { ComponentError } from './component-error.ts';
import { withoutStartJar } from './jetty-class-path.ts';
import { askLocally } from './local-http.ts';
import { poll } from './poll.ts';
import { JETTY_HEAP } from './jetty.ts';

export interface ArchiveComponents {
  /** `bin/java`; the archive serves this very JDK only. */
  readonly java: string;
  readonly jettyHome: string;
  readonly jolokia: string;
  /** Any application that answers: the classes that deploying and asking it loads are archived. */
  readonly war: string;
}

const START_TIMEOUT_MS = 90_000;
/** Writing the archive at the end of the JVM takes some seconds. */
const DUMP_TIMEOUT_MS = 60_000;
const REQUESTS = 20;

/**
 * Changes whenever an archive made here would not serve nodes any more, besides JDK and Jetty: part of its cache key.
 */
export const ARCHIVE_GENERATION = 'direct-start-1';

/**
 * Starts one Jetty by the command line that nodes use, asks it something and lets it write the
 * archive to `outFile` as it ends; a file that is there is replaced at once, never in part.
 * Rejects with the end of Jetty's log when there is no archive. A JVM that an archive does not
 * fit ignores it, so it can only save time.
 */
export async function createClassDataArchive(
  components: ArchiveComponents,
  outFile: string,
  signal?: AbortSignal,
): Promise<void> {
  await mkdir(dirname(outFile), { recursive: true });
  const folder = await mkdtemp(join(dirname(outFile), 'class-data-'));
  try {
    const archive = join(folder, 'archive.jsa');
    await dump(components, folder, archive, signal);
    await rename(archive, outFile);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function dump(
  components: ArchiveComponents,
  folder: string,
  archive: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const base = join(folder, 'base');
  const [http, jolokia] = await freePorts(2);
  if (http === undefined || jolokia === undefined) throw new Error('no free ports');
  const launch = jettyCommand(
    stockConfiguration({ cores: 2, memoryMiB: 2048, fileDescriptors: 65_536 }),
    {
      java: components.java,
      jettyHome: components.jettyHome,
      jolokiaJar: components.jolokia,
      ports: { http, jolokia },
      jolokiaLogin: { user: 'none', password: 'none' },
      base,
      war: components.war,
      heap: JETTY_HEAP,
      systemProperties: {},
    },
  );
  for (const name of launch.directories) await mkdir(join(base, name), { recursive: true });
  for (const [name, { text, mode }] of Object.entries(launch.files)) {
    await writeFile(join(base, name), text, { mode });
  }
  const [command, ...args] = withoutStartJar(launch, components.jettyHome);
  const logFile = join(folder, 'jetty.log');
  const record = await startDetached({
    command,
    args: [
      `-XX:ArchiveClassesAtExit=${archive}`,
      // A JVM with an agent writes no archive. One without it serves JVMs with an agent all the same.
      ...args.filter((argument) => !argument.startsWith('-javaagent:')),
    ],
    cwd: base,
    logFile,
  });
  try {
    const failed = async (why: string): Promise<never> => {
      throw new ComponentError('jetty', `${why}; its log says:\n${await tailOf(logFile, 10)}`);
    };
    const answers = await poll(
      async () => {
        signal?.throwIfAborted();
        if (!isRunning(record)) return failed('the Jetty to be archived ended');
        return answered(http);
      },
      { everyMs: 50, timeoutMs: START_TIMEOUT_MS },
    );
    if (answers === undefined) await failed('the Jetty to be archived does not answer');
    for (let sent = 0; sent < REQUESTS; sent += 1) await answered(http);
    signal?.throwIfAborted();
    await stopProcess(record, { signal: 'SIGTERM', graceMs: DUMP_TIMEOUT_MS });
    const size = await stat(archive).then(
      (found) => found.size,
      () => 0,
    );
    if (size === 0) await failed('the JVM wrote no class data archive');
  } finally {
    await stopProcess(record, { signal: 'SIGKILL', graceMs: 1000 });
  }
}

async function answered(port: number): Promise<true | undefined> {
  return askLocally({ port, path: '/', timeoutMs: 5000 }).then(
    () => true,
    () => undefined,
  );
}
