/** An Envoy on the local rendering's files, as platform `local` runs it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, vi } from 'vitest';
import { parseDump } from '../../../gate-service/src/mesh/effect/of-dump.ts';
import {
  renderBootstrap,
  type EnvoyPlacement,
} from '../../../gate-service/src/mesh/envoy/bootstrap.ts';
import { renderXds, type XdsFile } from '../../../gate-service/src/mesh/envoy/render.ts';
import type { MeshPlan } from '../../../gate-service/src/mesh/plan.ts';
import { freePort } from '../../../gate-service/src/processes/free-port.ts';
import { loadComponents } from '../../../gate-service/src/settings/components.ts';

export interface LocalEnvoy {
  /** Lays the plan's files out; the Envoy takes them in its own time. */
  publish(plan: MeshPlan): Promise<void>;
  dump(): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts one on a plan. Its health checks ask the plan's endpoints. */
export async function startLocalEnvoy(plan: MeshPlan): Promise<LocalEnvoy> {
  const folder = await mkdtemp(path.join(tmpdir(), 'equality-envoy-'));
  const directory = path.join(folder, 'xds');
  await mkdir(directory);
  const placement: EnvoyPlacement = {
    directory,
    listen: { address: '127.0.0.1', port: await freePort() },
    admin: { address: '127.0.0.1', port: await freePort() },
    nodeId: plan.environment,
  };
  const dump = async (): Promise<unknown> => {
    const url = `http://127.0.0.1:${placement.admin.port}/config_dump?include_eds`;
    return (await fetch(url, { signal: AbortSignal.timeout(10_000) })).json();
  };
  const lay = async (files: readonly XdsFile[]): Promise<void> => {
    for (const { name, text } of files) {
      const staged = path.join(folder, name);
      await writeFile(staged, text);
      await rename(staged, path.join(directory, name));
    }
  };
  /** Routes come after their clusters: an Envoy refuses those whose cluster it does not have. */
  const publish = async (next: MeshPlan): Promise<void> => {
    const files = renderXds(next, placement);
    await lay(files.filter(({ kind }) => kind === 'eds' || kind === 'cds'));
    const names = files.flatMap(({ cluster }) => cluster ?? []);
    await vi.waitFor(
      async () => {
        const { clusters } = parseDump(await dump());
        expect([...clusters.keys()]).toEqual(expect.arrayContaining(names));
      },
      { timeout: 60_000, interval: 100 },
    );
    await lay(files.filter(({ kind }) => kind === 'rds' || kind === 'lds'));
  };
  await lay(renderXds(plan, placement));
  const bootstrap = path.join(folder, 'bootstrap.json');
  await writeFile(bootstrap, JSON.stringify(renderBootstrap(placement)));
  const envoy = spawn(
    loadComponents().envoy.path,
    ['-c', bootstrap, '--concurrency', '1', '--disable-hot-restart', '-l', 'error'],
    { stdio: 'ignore' },
  );
  return {
    publish,
    dump,
    stop: async () => {
      await stopped(envoy);
      await rm(folder, { recursive: true });
    },
  };
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
