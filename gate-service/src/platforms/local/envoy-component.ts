/** One environment's Envoy as a component. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Environment } from '../../mesh/plan.ts';
import { renderBootstrap, type EnvoyPlacement } from '../../mesh/envoy/bootstrap.ts';
import { writeFileAtomically } from '../../processes/process-record.ts';
import { Component } from './component.ts';
import { EnvoyAdmin } from './envoy-admin.ts';
import type { Folders } from './folders.ts';

export interface EnvoyPorts {
  readonly listener: number;
  readonly admin: number;
}

const LOOPBACK = '127.0.0.1';
/** A listener that is closed ends its connections within this time. */
const DRAIN_SECONDS = 2;

export function envoyPlacement(
  environment: Environment,
  folders: Folders,
  ports: EnvoyPorts,
): EnvoyPlacement {
  return {
    directory: folders.envoy(environment).watched,
    listen: { address: LOOPBACK, port: ports.listener },
    admin: { address: LOOPBACK, port: ports.admin },
    nodeId: `speed-gate-${environment}`,
  };
}

/** Writes the bootstrap and gives the component; its xDS files must be there before it starts. */
export async function envoyComponent(
  environment: Environment,
  folders: Folders,
  ports: EnvoyPorts,
  envoy: string,
): Promise<Component> {
  const placement = envoyPlacement(environment, folders, ports);
  const { bootstrap, watched } = folders.envoy(environment);
  await mkdir(watched, { recursive: true });
  await writeFileAtomically(bootstrap, `${JSON.stringify(renderBootstrap(placement), null, 1)}\n`);
  const admin = new EnvoyAdmin(ports.admin);
  return new Component(
    {
      name: `envoy-${environment}`,
      title: `the Envoy of ${environment}`,
      command: envoy,
      args: [
        '--config-path',
        bootstrap,
        '--concurrency',
        '1',
        // No shared memory between Envoys: a killed one can be started again under any id.
        '--disable-hot-restart',
        '--reject-unknown-dynamic-fields',
        '--drain-time-s',
        String(DRAIN_SECONDS),
        '--log-level',
        'warn',
      ],
      marker: bootstrap,
      cwd: dirname(bootstrap),
      ports: [
        { name: 'listener', port: ports.listener },
        { name: 'admin', port: ports.admin },
      ],
      isReady: () => admin.isReady(),
      readyMs: 30_000,
      stop: { signal: 'SIGTERM', graceMs: 5000 },
    },
    folders,
  );
}
