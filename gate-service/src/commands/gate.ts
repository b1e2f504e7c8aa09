/** Puts the rooms together: one gate with the local platform and its store, below one state folder. */
import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import { ChildSender } from '../load/child-sender.ts';
import { replay } from '../load/closed-loop.ts';
import { ARM_HEADER, PLANTED_HEADER } from '../mesh/plan.ts';
import type { LocalPlatform } from '../platforms/local/local-platform.ts';
import { openLocalPlatform } from '../platforms/local/local-platform.ts';
import { createRuns, type Runs } from '../runs/create.ts';
import type { Catalogue } from '../settings/catalogue.ts';
import { loadComponents } from '../settings/components.ts';
import { machineShare } from '../settings/node-resources.ts';
import { stockConfiguration } from '../stack/stock.ts';
import { openBuildFiles, type BuildFiles } from '../store/build-files.ts';
import { openStore, type Store } from '../store/store.ts';

import { createPrometheusTelemetry } from '../telemetry/prometheus.ts';
import { digestOfFile } from './digest.ts';

const DEFAULT_BUILD_BYTES = 512 * 1024 * 1024;

export interface GateOptions {
  /** Absolute path: database, builds, samples, components' records and logs. */
  readonly stateDirectory: string;
  readonly catalogue: Catalogue;
  /** Ports of the environments' proxies; 0 takes a free one. */
  readonly ports: { readonly staging: number; readonly production: number };
  readonly maxBuildBytes?: number;
  readonly log: Logger;
}

/** Everything but HTTP. */
export interface Gate {
  readonly platform: LocalPlatform;
  readonly store: Store;
  readonly buildFiles: BuildFiles;
  readonly runs: Runs;
  /** Stores a WAR from disk as a build, as an upload would. Answers its SHA-256. */
  addBuild(file: string, actor: string): Promise<string>;
  /** Brings a service's first build into production with the stock configuration, where nothing is in force. */
  ensureProduction(service: string, digest: string, actor: string): Promise<void>;
  /** Ends this process's part; the components go on and are adopted by the next start. */
  close(): Promise<void>;
}

/** Starts the platform's components (or adopts running ones) and opens the store. Runs start with `runs.start()`. */
export async function openGate(options: GateOptions): Promise<Gate> {
  const { catalogue, log, stateDirectory } = options;
  await mkdir(stateDirectory, { recursive: true });
  const resources = machineShare();
  const store = await openStore({ file: path.join(stateDirectory, 'speed-gate.sqlite') });
  const buildFiles = await openBuildFiles({
    directory: path.join(stateDirectory, 'builds'),
    maxBytes: options.maxBuildBytes ?? DEFAULT_BUILD_BYTES,
  });
  const platform = await openLocalPlatform({
    state: stateDirectory,
    components: loadComponents(),
    ports: options.ports,
    nodeResources: resources,
    log: (message) => {
      log.info({ room: 'platform' }, message);
    },
  });
  await platform.start();
  const runs = createRuns({
    store,
    platform,
    sender: new ChildSender(),
    replay,
    telemetry: createPrometheusTelemetry({ url: platform.prometheusUrl() }),
    services: catalogue.services,
    nodeResources: resources,
    stateDirectory,
    headers: { arm: ARM_HEADER, planted: PLANTED_HEADER },
    ownProcesses: () => Promise.resolve(platform.processes()),
    problem: (error) => {
      log.error({ err: error }, 'runs cannot go on');
    },
  });
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
      const configuration = stockConfiguration(resources);
      await store.saveConfiguration(configuration.hash, configuration.values);
      await runs.ensureProduction(
        service,
        { build: digest, configurationHash: configuration.hash },
        actor,
      );
    },
    async close() {
      await runs.stop();
      await platform.close();
      await store.close();
    },
  };
}
