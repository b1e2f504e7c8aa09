/** Puts the rooms together: one gate with its platform and its store, below one state folder. */
import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import { replay } from '../load/closed-loop.ts';
import { ARM_HEADER, PLANTED_HEADER } from '../mesh/plan.ts';
import { hasEnded, processName } from '../processes/process-name.ts';
import { createRuns, type Runs } from '../runs/create.ts';
import type { Driving } from '../runs/driving.ts';
import { BUILD_NAME } from '../runs/named-build.ts';
import type { Notifier } from '../runs/notifier.ts';
import type { Catalogue } from '../settings/catalogue.ts';
import type { PlatformSettings } from '../settings/platform-settings.ts';
import { stockConfiguration } from '../stack/stock.ts';
import { openBuildFiles, type BuildFiles } from '../store/build-files.ts';
import { openStore, type Store } from '../store/store.ts';
import { digestOfFile } from './digest.ts';
import { withEventLog } from './event-log.ts';
import { withoutSecrets } from './logger.ts';
import { openKubernetes } from './platform/kubernetes.ts';
import { openLocal } from './platform/local.ts';
import type { OpenedPlatform } from './platform/opened.ts';

const DEFAULT_BUILD_BYTES = 512 * 1024 * 1024;

export interface GateOptions {
  /** Absolute path: database, builds, samples, components' records and logs. */
  readonly stateDirectory: string;
  readonly catalogue: Catalogue;
  /** Where nodes run; this machine unless told. */
  readonly platform?: PlatformSettings;
  /** Ports of the environments' proxies on platform `local`; 0 takes a free one. */
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
  readonly store: Store;
  readonly buildFiles: BuildFiles;
  readonly runs: Runs;
  /**
   * Stores a WAR from disk as a build, as an upload would; or an image by `REPOSITORY@sha256:HEX`, where builds are images.
   * Answers its SHA-256.
   * @throws Error when there is no such file, and for what names no image
   */
  addBuild(fileOrImage: string, actor: string): Promise<string>;
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
  /** Ends the components of platform `local`; pods go on. */
  down(): Promise<void>;
}

/**
 * Opens the store. Nothing is started before `runs.start()`: that starts the platform's components (or
 * adopts running ones) in the one process that drives.
 */
export async function openGate(options: GateOptions): Promise<Gate> {
  const { stateDirectory } = options;
  await mkdir(stateDirectory, { recursive: true });
  const at = await openPlatform(options);
  try {
    const opened = await openStore(
      options.databaseUrl === undefined
        ? { file: path.join(stateDirectory, 'speed-gate.sqlite') }
        : { url: options.databaseUrl },
    );
    try {
      return await compose(options, at, opened);
    } catch (error) {
      await opened.close();
      throw error;
    }
  } catch (error) {
    await at.close();
    throw error;
  }
}

function openPlatform({
  catalogue,
  platform: settings = { kind: 'local' },
  log,
  ports,
  stateDirectory,
}: GateOptions): Promise<OpenedPlatform> {
  const say = (message: string): void => {
    log.info({ room: 'platform' }, message);
  };
  return settings.kind === 'local'
    ? openLocal({ stateDirectory, ports, log: say })
    : openKubernetes({ settings, catalogue, log: say });
}

async function compose(options: GateOptions, at: OpenedPlatform, opened: Store): Promise<Gate> {
  const { catalogue, log, stateDirectory } = options;
  const store = options.logEvents === true ? withEventLog(opened, log) : opened;
  const buildFiles = await openBuildFiles({
    directory: path.join(stateDirectory, 'builds'),
    maxBytes: options.maxBuildBytes ?? DEFAULT_BUILD_BYTES,
  });
  // Last: it sends from here on, and nothing after this fails.
  const notifier = options.notifier?.(store);
  let hasDriven = false;
  const runs = createRuns({
    store,
    platform: at.platform,
    sender: at.sender,
    replay,
    telemetry: at.telemetry,
    services: catalogue.services,
    nodeResources: at.nodeResources,
    stateDirectory,
    headers: { arm: ARM_HEADER, planted: PLANTED_HEADER },
    ...(at.ownProcesses === undefined ? {} : { ownProcesses: at.ownProcesses }),
    driver: {
      holder: processName(),
      isGone: hasEnded,
      begin: async () => {
        await at.begin();
        hasDriven = true;
      },
      end: () => at.end(),
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
    await at.close();
    await store.close();
  };
  return {
    store,
    buildFiles,
    runs,
    async addBuild(fileOrImage, actor) {
      if (at.platform.kind === 'kubernetes') return addImage(store, fileOrImage, actor);
      const file = fileOrImage;
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
      const configuration = stockConfiguration(at.nodeResources);
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
        await at.down();
      }
    },
    down: () => at.down(),
  };
}

async function addImage(store: Store, image: string, actor: string): Promise<string> {
  const [, repository, digest] = BUILD_NAME.exec(image) ?? [];
  if (repository === undefined || digest === undefined) {
    throw new Error(
      `${image}: builds are images on platform kubernetes: expected REPOSITORY@sha256:HEX, e.g. registry.example.com/checkout@sha256:…`,
    );
  }
  const uploadedAt = new Date().toISOString();
  await store.saveBuild({
    digest,
    location: repository,
    sizeBytes: 0,
    uploadedBy: actor,
    uploadedAt,
  });
  return digest;
}

function wordsOf({ here, holder }: Driving): string {
  if (here) return 'this replica drives runs and promotions';
  return holder === undefined
    ? 'no replica is known to drive'
    : `this replica stands by: ${holder} drives runs and promotions`;
}
