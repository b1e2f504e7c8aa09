/** Makes an arm what a configuration says, from whatever a failed or cut-off swap left behind. */
import type { StackConfiguration } from '../../stack/configuration.ts';
import { configureDrained, configureInPlace, othersCanServe } from './configure-node.ts';
import { inArm, presentNodes, requireArm, type PlatformContext } from './context.ts';
import { stopNodes } from './dismantle.ts';
import { replaceNodes } from './replace-nodes.ts';
import type { NodeState } from './state.ts';
import { messageOf } from '../wait-until.ts';

/** Whether an arm shows signs of a swap that did not end. */
export function isUnfinished(context: PlatformContext, armId: string): boolean {
  const arm = requireArm(context, armId);
  return (
    arm.applying !== undefined ||
    arm.nodes.some(({ phase, draining }) => phase !== 'present' || draining)
  );
}

/**
 * Every node of the arm has the configuration afterwards, in rotation, and the mesh its knobs. A
 * node that cannot be told is replaced. Not to be interrupted: this is the way back.
 */
export async function converge(
  context: PlatformContext,
  armId: string,
  to: StackConfiguration,
): Promise<void> {
  const { mesh } = context;
  const { environment } = requireArm(context, armId);
  await bringBackPresent(context, armId);
  await removeUncounted(context, armId);
  const stuck: NodeState[] = [];
  for (const node of presentNodes(requireArm(context, armId))) {
    if (!(await takes(context, armId, node, to))) stuck.push(node);
  }
  if (stuck.length > 0) await replaceNodes(context, armId, stuck, to);
  await mesh.change(
    environment,
    inArm(armId, (arm) => {
      for (const node of arm.nodes) node.draining = false;
      arm.values = { ...to.values };
      arm.meshValues = { ...to.values };
      arm.hash = to.hash;
      delete arm.applying;
    }),
  );
}

/** Old nodes come back into rotation before new ones leave it. */
async function bringBackPresent(context: PlatformContext, armId: string): Promise<void> {
  const arm = requireArm(context, armId);
  const out = presentNodes(arm).filter(({ draining }) => draining);
  if (out.length > 0) await context.mesh.undrain(arm, out);
}

async function removeUncounted(context: PlatformContext, armId: string): Promise<void> {
  const { mesh } = context;
  const arm = requireArm(context, armId);
  const uncounted = arm.nodes.filter(({ phase }) => phase !== 'present');
  if (uncounted.length === 0) return;
  const joining = uncounted.filter(({ phase }) => phase === 'joining');
  if (joining.length > 0) {
    await mesh.drain(arm, joining);
    await mesh.change(
      arm.environment,
      inArm(armId, (draft) => {
        for (const node of draft.nodes) if (node.phase === 'joining') node.phase = 'ending';
      }),
    );
  }
  await stopNodes(context, armId, uncounted);
}

async function takes(
  context: PlatformContext,
  armId: string,
  node: NodeState,
  to: StackConfiguration,
): Promise<boolean> {
  try {
    const status = await context.fleet.status(node);
    if (status?.configurationHash === to.hash) return true;
    if (await othersCanServe(context, armId, node)) {
      await configureDrained(context, armId, node, to);
    } else {
      await configureInPlace(context, node, to);
    }
    return true;
  } catch (error) {
    context.log.warn(`node ${node.name} is replaced, as it cannot be told: ${messageOf(error)}`);
    return false;
  }
}
