/** New nodes beside the old ones, which go when the new ones have the traffic. */
import type { StackConfiguration } from '../../stack/configuration.ts';
import { PlatformError } from '../platform.ts';
import { untilBackInRotation } from './back-in-rotation.ts';
import {
  addNodes,
  inArm,
  PARALLEL_STARTS,
  requireArm,
  updateTargets,
  type PlatformContext,
} from './context.ts';
import { stopNodes } from './dismantle.ts';
import { inParallel } from './in-parallel.ts';
import type { NodeState } from './state.ts';
import { messageOf } from '../wait-until.ts';

/**
 * Replaces `old` by as many nodes with this configuration. All new ones serve before the first old
 * one is drained, and all old ones are drained before one is stopped: until then it can be undone.
 */
export async function replaceNodes(
  context: PlatformContext,
  armId: string,
  old: readonly NodeState[],
  to: StackConfiguration,
  signal?: AbortSignal,
): Promise<void> {
  const { state, mesh, fleet, log } = context;
  const fresh = await addNodes(state, requireArm(context, armId), old.length, (draft, nodes) => {
    inArm(armId, (arm) => {
      arm.nodes.push(...nodes);
    })(draft);
  });
  const freshNames = new Set(fresh.map(({ name }) => name));
  const oldNames = new Set(old.map(({ name }) => name));
  await updateTargets(context);
  const described = { ...requireArm(context, armId), values: { ...to.values } };
  await inParallel(fresh, PARALLEL_STARTS, signal, (node, either) =>
    fleet.start(described, node, either),
  );
  const { environment } = described;
  await mesh.change(
    environment,
    inArm(armId, (arm) => {
      for (const node of arm.nodes) if (freshNames.has(node.name)) node.phase = 'joining';
    }),
  );
  const arm = requireArm(context, armId);
  await untilBackInRotation({ mesh, state: state.state, arm, nodes: fresh, signal });
  if (!(await mesh.drain(arm, old, signal))) {
    throw new PlatformError(
      'swap-failed',
      `Old nodes of arm ${armId} still had requests in flight long after they were taken out of rotation.`,
    );
  }
  await mesh.change(
    environment,
    inArm(armId, (draft) => {
      for (const node of draft.nodes) {
        if (freshNames.has(node.name)) node.phase = 'present';
        if (oldNames.has(node.name)) node.phase = 'ending';
      }
    }),
  );
  try {
    await stopNodes(context, armId, old);
  } catch (error) {
    // The new ones serve: what is left of the old ones goes with the next start or removal.
    log.warn(`old nodes of arm ${armId} could not all be ended: ${messageOf(error)}`);
  }
}
