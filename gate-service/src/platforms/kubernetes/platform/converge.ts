/** Makes an arm what a configuration says, from whatever a failed or cut-off swap left behind. */
import type { StackConfiguration } from '../../../stack/configuration.ts';
import { configureAgent } from '../../configure-agent.ts';
import { messageOf } from '../../wait-until.ts';
import { isReady } from '../arms/pods.ts';
import { withoutSwap } from '../arms/record.ts';
import { configureOutOfRotation, replacePods, requireEverywhere } from './configure.ts';
import { agentOf, requireArm, storeRecord, type KubernetesContext } from './context.ts';
import type { PresentArm } from './environment-of-service.ts';
import { othersServe, outOfRotation, putBack } from './rotation.ts';

/** The way back has a deadline of its own: that of who wanted the swap is over. */
const WAY_BACK_MS = 600_000;

/** Whether an arm shows signs of a swap that did not end. */
export function isUnfinished(arm: PresentArm): boolean {
  return arm.record.applying !== undefined || outOfRotation(arm).length > 0;
}

/** Every pod of the arm has the configuration afterwards, in rotation, and the mesh its knobs. @throws PlatformError */
export async function converge(
  context: KubernetesContext,
  armId: string,
  to: StackConfiguration,
): Promise<void> {
  const signal = AbortSignal.timeout(WAY_BACK_MS);
  const { at, arm } = await requireArm(context, armId, signal);
  // Pods that start from now on start with it; that the way back is under way stays marked.
  const values = { ...to.values };
  const applying = { hash: to.hash, values };
  const record = { ...arm.record, hash: to.hash, values, meshValues: values, applying };
  await storeRecord(at, arm, record, signal);
  for (const pod of outOfRotation(arm)) await putBack(at, arm, pod, signal);
  await at.change((routes) => routes, { pods: 'some', signal });
  if (!(await everyPodTakes(context, armId, to, signal))) {
    await replacePods(context, armId, to, signal);
  }
  await requireEverywhere(context, armId, to, signal);
  await storeRecord(at, arm, withoutSwap(record), signal);
}

async function everyPodTakes(
  context: KubernetesContext,
  armId: string,
  to: StackConfiguration,
  signal: AbortSignal,
): Promise<boolean> {
  const { arm } = await requireArm(context, armId, signal);
  for (const { metadata } of arm.pods) {
    const { at, arm: now } = await requireArm(context, armId, signal);
    const pod = now.pods.find((one) => one.metadata.uid === metadata.uid);
    if (pod === undefined) continue;
    // A fresh one that never came up is of a rollout that has to be made again.
    if (!isReady(pod)) return false;
    try {
      const agent = agentOf(context, at, armId, pod);
      if ((await agent.status(signal)).configurationHash === to.hash) continue;
      if (othersServe(now, pod)) await configureOutOfRotation(context, at, now, pod, to, signal);
      else await configureAgent(agent, metadata.name, to, signal);
    } catch (error) {
      context.log(
        `pods of arm ${armId} are replaced, as ${metadata.name} cannot be told: ${messageOf(error)}`,
      );
      return false;
    }
  }
  return true;
}
