/** Puts the rooms together: one gate with the local platform and its store, below one state folder. */
import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import { ChildSender } from '../load/child-sender.ts';
import { replay } from '../load/closed-loop.ts';
import { ARM_HEADER, PLANTED_HEADER } from '../mesh/plan.ts';
import type { LocalPlatform } from '../platforms/local/local-platform.ts';
import { hasEnded, processName } from '../processes/process-name.ts';
import { openLocalPlatform } from '../platforms/local/local-platform.ts';
import { createRuns, type Runs } from '../runs/create.ts';
import type { Driving } from '../runs/driving.ts';
import type { Notifier } from '../runs/notifier.ts';
import type { Catalogue } from '../settings/catalogue.ts';
import { loadComponents } from '../settings/components.ts';
import type { Components } from '../settings/components.ts';
import { nodeResources } from '../settings/node-resources.ts';
import { stockConfiguration } from '../stack/stock.ts';
import { openBuildFiles, type BuildFiles } from '../store/build-files.ts';
import { openStore, type Store } from '../store/store.ts';
import { createPrometheusTelemetry } from '../telemetry/prometheus.ts';
import { digestOfFile } from './digest.ts';
import { withEventLog } from './event-log.ts';
import { withoutSecrets } from './logger.ts';

const DEFAULT_BUILD_BYTES = 512 * 1024 * 1024;

export interface GateOptions {
  /** Absolute path: database, builds, samples, components' records and logs. */
  readonly stateDirectory: string;
  readonly catalogue: Catalogue;
  /** Ports of the environments' proxies; 0 takes a free one. */
  readonly ports: { readonly staging: number; readonly production: number };
  readonly maxBuildBytes?: number;
  /** PostgreSQL that several replicas share; a SQLite file in the state folder unless told. */
  readonly databaseUrl?: string;
  /** Days that samples are kept after their run has ended. */
  readonly retentionDays?: number;
  /** Who hears of decisions and promotions; made when the store is open. */
  readonly notifier?: (store: Store) => Notifier;
  readonly log: Logger;
  /** Whether events of runs go into the log; not where a person is told of them anyway. */
  readonly logEvents?: boolean;
}

/** Everything but HTTP. */
export interface Gate {
  readonly platform: LocalPlatform;
  readonly store: Store;
  readonly buildFiles: BuildFiles;
  readonly runs: Runs;
  /** Stores a WAR from disk as a build, as an upload would. Answers its SHA-256. */
  addBuild(file: string, actor: string): Promise<string>;
  /**
   * Brings a service's first build into production with the stock configuration, where nothing is in force.
   * Left to the replica that drives, where this one does not.
   */
  ensureProduction(service: string, digest: string, actor: string): Promise<void>;
  /** Ends this process's part; the components go on and are adopted by whoever drives next. */
  close(): Promise<void>;
  /**
   * After a start that failed: ends this process's part, and the components as well where this process has
   * started them and none of them carries production.
   */
  abandon(): Promise<void>;
}

/**
 * Opens the store. Nothing is started before `runs.start()`: that starts the platform's components (or
 * adopts running ones) in the one process that drives.
 */
export async function openGate(options: GateOptions): Promise<Gate> {
  const { stateDirectory } = options;
  await mkdir(stateDirectory, { recursive: true });
  const components = loadComponents();
  const opened = await openStore(
    options.databaseUrl === undefined
      ? { file: path.join(stateDirectory, 'speed-gate.sqlite') }
      : { url: options.databaseUrl },
  );
  try {
    return await compose(options, components, opened);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function compose(options: GateOptions, components: Components, opened: Store): Promise<Gate> {
  const { catalogue, log, stateDirectory } = options;
  const resources = nodeResources(components.java.version);
  const store = options.logEvents === true ? withEventLog(opened, log) : opened;
  const buildFiles = await openBuildFiles({
    directory: path.join(stateDirectory, 'builds'),
    maxBytes: options.maxBuildBytes ?? DEFAULT_BUILD_BYTES,
  });
  const platform = await openLocalPlatform({
    state: stateDirectory,
    components,
    ports: options.ports,
    nodeResources: resources,
    log: (message) => {
      log.info({ room: 'platform' }, message);
    },
  });
  // Last: it sends from here on, and nothing after this fails.
  const notifier = options.notifier?.(store);
  let hasDriven = false;
  const runs = createRuns({
    store,
    platform,
    sender: new ChildSender(),
    replay,
    // Its place is known when the platform is started.
    telemetry: {
      armTraffic: (...asked) =>
        createPrometheusTelemetry({ url: platform.prometheusUrl() }).armTraffic(...asked),
    },
    services: catalogue.services,
    nodeResources: resources,
    stateDirectory,
    headers: { arm: ARM_HEADER, planted: PLANTED_HEADER },
    ownProcesses: () => Promise.resolve(platform.processes()),
    driver: {
      holder: processName(),
      isGone: hasEnded,
      begin: async () => {
        await platform.start();
        hasDriven = true;
      },
      end: () => platform.close(),
      changed: (driving) => {
        log.info({ driving }, wordsOf(driving));
      },
    },
    ...(options.retentionDays === undefined ? {} : { retentionDays: options.retentionDays }),
    ...(notifier === undefined ? {} : { notifier }),
    problem: (error) => {
      log.error({ err: error }, 'runs cannot go on');
      const message = withoutSecrets(error.message);
      void notifier?.notify({ type: 'problem', at: new Date().toISOString(), message });
    },
  });
  const close = async (): Promise<void> => {
    await runs.stop();
    await platform.close();
    await store.close();
  };
  return {
    platform,
    store,
    buildFiles,
    runs,
    async addBuild(file, actor) {
      const digest = await digestOfFile(file);
      const stored = await buildFiles.receive(digest, createReadStream(file));
      await store.saveBuild({
        digest,
        location: stored.path,
        sizeBytes: stored.sizeBytes,
        uploadedBy: actor,
        uploadedAt: new Date().toISOString(),
      });
      return digest;
    },
    async ensureProduction(service, digest, actor) {
      if (!runs.driving().here) {
        log.info({ service }, 'another replica drives: the first build is left to it');
        return;
      }
      const configuration = stockConfiguration(resources);
      await store.saveConfiguration(configuration.hash, configuration.values);
      await runs.ensureProduction(
        service,
        { build: digest, configurationHash: configuration.hash },
        actor,
      );
    },
    close,
    async abandon() {
      const services = hasDriven ? await runs.service.services() : [];
      await close();
      if (hasDriven && services.every(({ inForce }) => inForce === undefined)) {
        await platform.down();
      }
    },
  };
}

function wordsOf({ here, holder }: Driving): string {
  if (here) return 'this replica drives runs and promotions';
  return holder === undefined
    ? 'no replica is known to drive'
    : `this replica stands by: ${holder} drives runs and promotions`;
}
