/** A platform of a state folder as any process may look at it and end it, whoever started it. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Component, ComponentStatus } from './component.ts';
import { PARALLEL_STARTS } from './context.ts';
import { foldersOf, type Folders } from './folders.ts';
import { inParallel } from './in-parallel.ts';
import { buildRuntime, ENVIRONMENTS, type Runtime } from './runtime.ts';
import { readState } from './state.ts';

const SILENT = { info: () => undefined, warn: () => undefined };

/** All components below a state folder, running or not; none when no platform was started there. */
export async function localPlatformStatus(state: string): Promise<readonly ComponentStatus[]> {
  const runtime = await existingRuntime(platformFolders(state));
  return runtime === undefined ? [] : statusOf(runtime);
}

/**
 * Ends the platform below a state folder and removes its files, but for the logs.
 * @returns names of the components that were running
 */
export async function localPlatformDown(state: string): Promise<readonly string[]> {
  const folders = platformFolders(state);
  const runtime = await existingRuntime(folders);
  return runtime === undefined ? [] : endPlatform(runtime, folders);
}

export function platformFolders(state: string): Folders {
  return foldersOf(join(state, 'platform'));
}

export function statusOf(runtime: Runtime): Promise<readonly ComponentStatus[]> {
  return Promise.all(componentsOf(runtime).map((component) => component.status()));
}

/** Nodes first (they drain), then the proxies, then what watches. */
export async function endPlatform(runtime: Runtime, folders: Folders): Promise<readonly string[]> {
  const { context, proxies, prometheus, supervisor } = runtime;
  // Whoever else watches this platform must not start anything again.
  await writeFile(folders.downMarker, `${new Date().toISOString()}\n`);
  supervisor.stop();
  const running = (await statusOf(runtime)).filter((one) => one.running).map(({ name }) => name);
  const nodes = context.state.state.arms.flatMap((arm) => arm.nodes);
  await inParallel(nodes, PARALLEL_STARTS, undefined, (node) => context.fleet.stop(node));
  for (const environment of ENVIRONMENTS) await proxies[environment].component.stop();
  await prometheus.stop();
  const { stateFile, records, temporary, nodes: nodeFolders, ownerFile, downMarker } = folders;
  for (const path of [
    ...[stateFile, records, temporary, nodeFolders, folders.prometheus, folders.mesh],
    ...[ownerFile, downMarker],
  ]) {
    await rm(path, { recursive: true, force: true });
  }
  return running;
}

export function componentsOf({ context, proxies, prometheus }: Runtime): readonly Component[] {
  const nodes = context.state.state.arms.flatMap((arm) => arm.nodes);
  return [
    ...ENVIRONMENTS.map((environment) => proxies[environment].component),
    prometheus,
    ...nodes.map((node) => context.fleet.component(node)),
  ];
}

/** Its parts by what the state says of them; `undefined` where there is no state. */
async function existingRuntime(folders: Folders): Promise<Runtime | undefined> {
  const state = await readState(folders.stateFile);
  if (state === undefined) return undefined;
  const { components, resources } = state;
  return buildRuntime({ folders, components, resources, ports: {}, fastStart: false, log: SILENT });
}
