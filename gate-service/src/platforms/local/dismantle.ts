/** Taking an arm apart, make before break reversed: routes, then the subset, then the nodes. */
import {
  inArm,
  PARALLEL_STARTS,
  requireArm,
  updateTargets,
  type PlatformContext,
} from './context.ts';
import { inParallel } from './in-parallel.ts';
import { armIn, type NodeState, type PlatformState } from './state.ts';
import { throwIfAborted } from '../wait-until.ts';

/** Drops every route of the measurement to an arm; a planted delay goes with its arm. */
export function dropMeasurementRoutes(draft: PlatformState, armId: string): void {
  for (const [service, routing] of Object.entries(draft.measurement)) {
    const arms = routing.arms.filter((route) => route.armId !== armId);
    const planted = arms.some(({ headerValue }) => headerValue === routing.planted?.headerValue)
      ? routing.planted
      : undefined;
    if (arms.length === 0) Reflect.deleteProperty(draft.measurement, service);
    else draft.measurement[service] = { arms, ...(planted && { planted }) };
  }
}

/**
 * Removes an arm that carries no production weight: unrouted, drained, out of the mesh, stopped.
 * Stopped in the middle by the signal, it is taken up again by the next call or start.
 */
export async function dismantle(
  context: PlatformContext,
  armId: string,
  signal?: AbortSignal,
): Promise<void> {
  const { state, mesh, log } = context;
  await state.update(
    inArm(armId, (arm) => {
      arm.phase = 'removing';
    }),
  );
  const arm = requireArm(context, armId);
  const inMesh = arm.nodes.filter(({ phase }) => phase === 'joining' || phase === 'present');
  if (inMesh.length > 0) {
    await mesh.change(arm.environment, (draft) => {
      dropMeasurementRoutes(draft, armId);
    });
    throwIfAborted(signal);
    if (!(await mesh.drain(arm, inMesh, signal))) {
      log.warn(`arm ${armId} still has requests in flight; its nodes let them finish as they stop`);
    }
    await mesh.change(
      arm.environment,
      inArm(armId, (draft) => {
        for (const node of draft.nodes) node.phase = 'ending';
      }),
    );
  }
  await stopNodes(context, armId, arm.nodes);
  await state.update((draft) => {
    dropMeasurementRoutes(draft, armId);
    draft.arms = draft.arms.filter(({ id }) => id !== armId);
  });
  await updateTargets(context);
  log.info(`arm ${armId} is removed`);
}

/** Ends nodes that are out of the mesh, and forgets them. */
export async function stopNodes(
  context: PlatformContext,
  armId: string,
  nodes: readonly NodeState[],
): Promise<void> {
  const { state, fleet } = context;
  await inParallel(nodes, PARALLEL_STARTS, undefined, async (node) => {
    await fleet.stop(node);
    await state.update((draft) => {
      const arm = armIn(draft, armId);
      if (arm !== undefined) arm.nodes = arm.nodes.filter(({ name }) => name !== node.name);
    });
  });
  await updateTargets(context);
}
