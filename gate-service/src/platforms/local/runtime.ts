/** The parts of a local platform, put together from its state; nothing is started here. */
import type { Environment } from '../../mesh/plan.ts';
import { freePorts } from '../../processes/free-port.ts';
import type { NodeResources } from '../../stack/resources.ts';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { PlatformError } from '../platform.ts';
import type { Component } from './component.ts';
import type { PlatformContext } from './context.ts';
import { EnvoyAdmin } from './envoy-admin.ts';
import { envoyComponent, envoyPlacement } from './envoy-component.ts';
import type { Folders } from './folders.ts';
import type { PlatformLog } from './log.ts';
import { MeshControl, type EnvironmentProxy } from './mesh-control.ts';
import { MeshPublisher } from './mesh-publisher.ts';
import { NodeFleet } from './node-fleet.ts';
import { prometheusComponent } from './prometheus-component.ts';
import {
  localComponentsSchema,
  StateFile,
  type LocalComponents,
  type PlatformState,
} from './state.ts';
import { Supervisor } from './supervisor.ts';

/** Ports that a person chose; 0 or absent takes a free one, which is kept. */
export interface ChosenPorts {
  readonly staging?: number;
  readonly production?: number;
  readonly prometheus?: number;
}

export interface RuntimeOptions {
  readonly folders: Folders;
  readonly components: LocalComponents;
  readonly ports: ChosenPorts;
  readonly resources: NodeResources;
  readonly fastStart: boolean;
  readonly log: PlatformLog;
}

export interface Runtime {
  readonly context: PlatformContext;
  readonly supervisor: Supervisor;
  readonly proxies: Readonly<Record<Environment, EnvironmentProxy>>;
  readonly prometheus: Component;
}

export const ENVIRONMENTS = ['staging', 'production'] as const;

/** Opens the state, or begins one. @throws PlatformError `refused` when it has other ports than chosen */
export async function buildRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { folders, components, resources, fastStart, log } = options;
  const state = await StateFile.open(folders.stateFile, () => initialState(options));
  requireChosenPorts(state.state, options.ports);
  const supervisor = new Supervisor(
    log,
    () => existsSync(folders.stateFile) && !existsSync(folders.downMarker),
  );
  const proxies = {
    staging: await proxyOf('staging', state.state, options),
    production: await proxyOf('production', state.state, options),
  };
  const { token } = state.state;
  const context = {
    folders,
    state,
    resources,
    log,
    mesh: new MeshControl(state, proxies),
    fleet: new NodeFleet({ folders, components, resources, token, fastStart, supervisor, log }),
  };
  const prometheus = await prometheusComponent(folders, state.state, components.prometheus.path);
  return { context, supervisor, proxies, prometheus };
}

async function proxyOf(
  environment: Environment,
  state: PlatformState,
  { folders, components }: RuntimeOptions,
): Promise<EnvironmentProxy> {
  const ports = state.ports[environment];
  const envoy = components.envoy.path;
  const admin = new EnvoyAdmin(ports.admin);
  return {
    admin,
    component: await envoyComponent(environment, folders, ports, envoy),
    publisher: new MeshPublisher({
      placement: envoyPlacement(environment, folders, ports),
      temporary: folders.temporary,
      envoy,
      admin,
    }),
  };
}

async function initialState({
  ports: chosen,
  components,
  resources,
}: RuntimeOptions): Promise<PlatformState> {
  const known = Object.values(chosen);
  const free = (await freePorts(5 + known.length)).filter((port) => !known.includes(port));
  const port = (wanted?: number): number =>
    wanted === undefined || wanted === 0 ? (free.pop() ?? 0) : wanted;
  return {
    format: 1,
    ports: {
      staging: { listener: port(chosen.staging), admin: port() },
      production: { listener: port(chosen.production), admin: port() },
      prometheus: port(chosen.prometheus),
    },
    token: randomBytes(24).toString('hex'),
    components: localComponentsSchema.parse(components),
    resources: { ...resources },
    arms: [],
    measurement: {},
    production: {},
  };
}

function requireChosenPorts({ ports }: PlatformState, chosen: ChosenPorts): void {
  const kept = {
    staging: ports.staging.listener,
    production: ports.production.listener,
    prometheus: ports.prometheus,
  };
  for (const [name, port] of Object.entries(kept)) {
    const wanted = chosen[name as keyof ChosenPorts];
    if (wanted === undefined || wanted === 0 || wanted === port) continue;
    throw new PlatformError(
      'refused',
      `The platform of this state folder has ${name} on port ${port}, not on ${wanted}. Keep that port, or run "speed-gate down" with this state folder first.`,
    );
  }
}
