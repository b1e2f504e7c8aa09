/** Bringing up the fresh nodes of a new arm. */
import { PlatformError, type Arm, type ArmRequest } from '../platform.ts';
import {
  addNodes,
  armOf,
  inArm,
  newArmId,
  PARALLEL_STARTS,
  requireArm,
  updateTargets,
  type PlatformContext,
} from './context.ts';
import { dismantle } from './dismantle.ts';
import { inParallel } from './in-parallel.ts';
import type { ArmState } from './state.ts';
import { messageOf, throwIfAborted } from '../wait-until.ts';

const MOST_NODES = 16;

/**
 * Nodes side by side, each ready on its own and healthy in the proxy; nothing is routed to them yet.
 * On failure all that was made is removed.
 */
export async function deployArm(
  context: PlatformContext,
  request: ArmRequest,
  signal: AbortSignal,
): Promise<Arm> {
  requireSensible(request);
  throwIfAborted(signal);
  const { state, mesh, fleet, log } = context;
  const id = newArmId(request.service.name, request.role);
  const nodes = await addNodes(state, { id, nodes: [] }, request.nodes, (draft, fresh) => {
    draft.arms.push(newArm(id, request, [...fresh]));
  });
  try {
    await updateTargets(context);
    const arm = requireArm(context, id);
    await inParallel(nodes, PARALLEL_STARTS, signal, (node, either) =>
      fleet.start(arm, node, either),
    );
    await mesh.change(
      request.environment,
      inArm(id, (draft) => {
        draft.phase = 'present';
        for (const node of draft.nodes) node.phase = 'present';
      }),
    );
    await mesh.untilHealthy(requireArm(context, id), nodes, signal);
  } catch (error) {
    throw await afterRemoval(context, id, error);
  }
  log.info(`arm ${id}: ${nodes.length} node(s) ready in ${request.environment}`);
  return armOf(requireArm(context, id));
}

async function afterRemoval(
  context: PlatformContext,
  id: string,
  error: unknown,
): Promise<PlatformError> {
  const failure = error instanceof PlatformError ? error.failure : 'component-failed';
  const arm = requireArm(context, id);
  try {
    await dismantle(context, id);
  } catch (second) {
    return new PlatformError(
      failure,
      `${messageOf(error)}\nWhat was made of arm ${id} could not all be removed: ${messageOf(second)}`,
      { cause: error },
    );
  }
  const what = `The ${arm.role} of ${arm.service.name} was not brought up in ${arm.environment}; what was made of it has been removed.`;
  return new PlatformError(failure, `${messageOf(error)}\n${what}`, { cause: error });
}

function newArm(id: string, request: ArmRequest, nodes: ArmState['nodes']): ArmState {
  const { service, configuration } = request;
  return {
    id,
    phase: 'deploying',
    environment: request.environment,
    role: request.role,
    service: {
      name: service.name,
      hosts: [...service.hosts],
      healthPath: service.healthPath,
      systemProperties: { ...service.systemProperties },
    },
    build: { ...request.build },
    values: { ...configuration.values },
    hash: configuration.hash,
    meshValues: { ...configuration.values },
    nodes,
  };
}

function requireSensible({ nodes, service }: ArmRequest): void {
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > MOST_NODES) {
    throw new PlatformError('refused', `An arm has 1 to ${MOST_NODES} nodes, not ${nodes}.`);
  }
  if (service.hosts.length === 0) {
    throw new PlatformError('refused', `Service ${service.name} has no host to route by.`);
  }
}
