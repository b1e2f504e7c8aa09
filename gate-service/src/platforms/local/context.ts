/** What every operation of the local platform works with, and the questions they share. */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { freePorts } from '../../processes/free-port.ts';
import { requireStackConfiguration, type StackConfiguration } from '../../stack/configuration.ts';
import type { NodeResources } from '../../stack/resources.ts';
import { PlatformError, type Arm, type ArmRole } from '../platform.ts';
import type { Folders } from './folders.ts';
import type { PlatformLog } from './log.ts';
import type { MeshControl } from './mesh-control.ts';
import type { NodeFleet } from './node-fleet.ts';
import { writeNodeTargets } from './prometheus-component.ts';
import {
  armIn,
  type ArmState,
  type NodeState,
  type PlatformState,
  type StateFile,
} from './state.ts';

export interface PlatformContext {
  readonly folders: Folders;
  readonly state: StateFile;
  readonly mesh: MeshControl;
  readonly fleet: NodeFleet;
  readonly resources: NodeResources;
  readonly log: PlatformLog;
}

/** Starting a JVM takes a core: more at once only makes all of them late. */
export const PARALLEL_STARTS = Math.max(1, availableParallelism());

/** @throws PlatformError `not-found` */
export function requireArm({ state }: PlatformContext, armId: string): ArmState {
  const arm = armIn(state.state, armId);
  if (arm !== undefined) return arm;
  const known = state.state.arms.map(({ id }) => id).join(', ') || 'none';
  throw new PlatformError(
    'not-found',
    `There is no arm ${armId} on this platform; there are: ${known}.`,
  );
}

export function armOf(arm: ArmState): Arm {
  const counted = arm.phase === 'present' ? presentNodes(arm) : arm.nodes;
  return {
    id: arm.id,
    service: arm.service.name,
    environment: arm.environment,
    role: arm.role,
    buildDigest: arm.build.digest,
    configurationHash: arm.hash,
    nodes: counted.map(({ name, ports }) => ({ name, address: '127.0.0.1', port: ports.httpd })),
  };
}

export function presentNodes(arm: ArmState): readonly NodeState[] {
  return arm.nodes.filter(({ phase }) => phase === 'present');
}

/** The configuration that the state says is in force. */
export function configurationOf(context: PlatformContext, arm: ArmState): StackConfiguration {
  return requireStackConfiguration(arm.values, context.resources);
}

/** Unique and never used again: six random bytes. Short enough for the names made from it. */
export function newArmId(service: string, role: ArmRole): string {
  const suffix = randomBytes(6).toString('hex').slice(0, 8);
  return `${service.slice(0, 36).replace(/-+$/, '')}-${role}-${suffix}`;
}

const PORTS_PER_NODE = 7;

/**
 * Puts new nodes into the state, with ports that nobody on this machine or in the state has. Ports are
 * chosen while the state is changed: two arms that come up side by side never choose the same.
 * @param add puts the nodes where they belong
 * @param candidates free ports, at least as many as asked for
 */
export async function addNodes(
  state: StateFile,
  arm: Pick<ArmState, 'id' | 'nodes'>,
  count: number,
  add: (draft: PlatformState, nodes: readonly NodeState[]) => void,
  candidates: (count: number) => Promise<readonly number[]> = freePorts,
): Promise<readonly NodeState[]> {
  const needed = count * PORTS_PER_NODE;
  for (;;) {
    const found = await candidates(2 * needed);
    let nodes: readonly NodeState[] | undefined;
    await state.update((draft) => {
      const taken = portsOf(draft);
      const free = found.filter((port) => !taken.has(port));
      if (free.length < needed) return;
      nodes = newNodes(arm, count, free);
      add(draft, nodes);
    });
    if (nodes !== undefined) return nodes;
  }
}

function portsOf(state: PlatformState): ReadonlySet<number> {
  const { production, prometheus, staging } = state.ports;
  return new Set([
    ...[production.admin, production.listener, prometheus, staging.admin, staging.listener],
    ...state.arms.flatMap(({ nodes }) =>
      nodes.flatMap(({ ports }) => [
        ...[ports.agent, ports.httpd, ...ports.jetty, ...ports.jolokia],
        ...(ports.status === undefined ? [] : [ports.status]),
      ]),
    ),
  ]);
}

function newNodes(
  arm: Pick<ArmState, 'id' | 'nodes'>,
  count: number,
  free: readonly number[],
): NodeState[] {
  const first = Math.max(0, ...arm.nodes.map(({ name }) => Number(name.split('-').at(-1)))) + 1;
  const ports = free.values();
  const port = (): number => ports.next().value ?? 0;
  return Array.from({ length: count }, (_, index) => ({
    name: `${arm.id}-${first + index}`,
    phase: 'starting' as const,
    draining: false,
    ports: {
      agent: port(),
      httpd: port(),
      jetty: [port(), port()],
      jolokia: [port(), port()],
      status: port(),
    },
  }));
}

/** Changes one arm in the draft of a state; nothing when it is gone. */
export function inArm(armId: string, change: (arm: ArmState) => void) {
  return (draft: PlatformState): void => {
    const arm = armIn(draft, armId);
    if (arm !== undefined) change(arm);
  };
}

/** Prometheus scrapes the nodes that the state has. */
export async function updateTargets({ folders, state }: PlatformContext): Promise<void> {
  await writeNodeTargets(folders, state.state);
}
