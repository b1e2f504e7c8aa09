/** Pods' part of a swap: told one after the other, out of rotation where that is needed, or replaced by fresh ones. */
import type { StackConfiguration } from '../../../stack/configuration.ts';
import type { SwapWay } from '../../../stack/swap-plan.ts';
import { configureAgent, ReplaceRequiredError } from '../../configure-agent.ts';
import { PlatformError } from '../../platform.ts';
import type { NodeWay } from '../../swap-stages.ts';
import { messageOf, throwIfAborted, waitUntil } from '../../wait-until.ts';
import { REPLACED_ANNOTATION } from '../arms/labels.ts';
import { isReady, type Pod } from '../arms/pods.ts';
import { untilReady } from '../arms/readiness.ts';
import { DEPLOYMENT } from '../client/kinds.ts';
import { agentOf, requireArm, storeRecord, type KubernetesContext } from './context.ts';
import {
  deploymentOf,
  type EnvironmentOfService,
  type PresentArm,
} from './environment-of-service.ts';
import { othersServe, putBack, takeOut } from './rotation.ts';

/** Nothing is in flight on a pod that is out: children of the former generation end within seconds. */
const FORMER_CHILDREN_MS = 20_000;
const OBSERVED_MS = 10_000;

/** Puts a configuration in force on all pods of an arm; the way that was really taken. @throws PlatformError */
export async function configurePods(
  context: KubernetesContext,
  armId: string,
  way: NodeWay,
  to: StackConfiguration,
  signal: AbortSignal,
): Promise<SwapWay> {
  const replaceAll = async (): Promise<SwapWay> => {
    await replacePods(context, armId, to, signal);
    return 'replace';
  };
  if (way === 'replace') return replaceAll();
  const { at, arm } = await requireArm(context, armId, signal);
  for (const { metadata } of arm.pods) {
    throwIfAborted(signal);
    // As it is now: others have been taken out and put back since.
    const now = (await requireArm(context, armId, signal)).arm;
    const pod = now.pods.find((one) => one.metadata.uid === metadata.uid);
    // Gone meanwhile: its successor is told at the end, when all are looked at.
    if (pod === undefined || !isReady(pod)) continue;
    try {
      if (way !== 'graceful') {
        await configureAgent(agentOf(context, at, armId, pod), metadata.name, to, signal);
      } else if (othersServe(now, pod)) {
        await configureOutOfRotation(context, at, now, pod, to, signal);
      } else {
        // A graceful restart in rotation loses requests, and nobody else could take them.
        return await replaceAll();
      }
    } catch (error) {
      if (error instanceof ReplaceRequiredError) return replaceAll();
      throw error;
    }
  }
  return way;
}

/** Out of rotation, told, asked directly, and back. @throws ReplaceRequiredError, PlatformError */
export async function configureOutOfRotation(
  context: KubernetesContext,
  at: EnvironmentOfService,
  arm: PresentArm,
  pod: Pod,
  to: StackConfiguration,
  signal?: AbortSignal,
): Promise<void> {
  const agent = agentOf(context, at, arm.identity.id, pod);
  await takeOut(context, at, arm, pod, signal);
  await configureAgent(agent, pod.metadata.name, to, signal);
  // Proxies still have idle connections to children that httpd's graceful restart is ending: requests on them are lost.
  const ended = await waitUntil(
    async () => ((await agent.status(signal)).httpd?.stopping === 0 ? true : undefined),
    { timeoutMs: FORMER_CHILDREN_MS, signal },
  );
  if (ended === undefined) {
    throw new PlatformError(
      'swap-failed',
      `Children of the former httpd of pod ${pod.metadata.name} have not ended ${FORMER_CHILDREN_MS / 1000} s after its graceful restart, though it is out of rotation.`,
    );
  }
  await putBack(at, arm, pod, signal);
}

/**
 * Fresh pods by the arm's own rollout, which starts as many new ones beside the old ones: an old one goes
 * (and drains) when a new one is ready.
 * @throws PlatformError; KubernetesError
 */
export async function replacePods(
  context: KubernetesContext,
  armId: string,
  to: StackConfiguration,
  signal: AbortSignal,
): Promise<void> {
  const { at, arm } = await requireArm(context, armId, signal);
  const { record } = arm;
  const applying = { hash: to.hash, values: { ...to.values }, fresh: true };
  await storeRecord(at, arm, { ...record, applying }, signal);
  // With the moment: the same configuration may need fresh pods twice.
  const deployment = deploymentOf(at, arm);
  await annotate(at, deployment, `${to.hash} ${new Date().toISOString()}`);
  const { container, readySeconds } = at.service.placement;
  const { image } = record.build;
  const { namespace } = at;
  await untilReady(
    at.client,
    {
      id: armId,
      namespace,
      nodes: record.nodes,
      container,
      image,
      deadlineMs: readySeconds * 1000,
      deployment,
    },
    signal,
  );
}

async function annotate(at: EnvironmentOfService, name: string, value: string): Promise<void> {
  await at.client.merge(
    { kind: DEPLOYMENT, namespace: at.namespace, name },
    { spec: { template: { metadata: { annotations: { [REPLACED_ANNOTATION]: value } } } } },
  );
}

/**
 * What was changed is observed, not assumed: as many ready pods as the arm has, each with the configuration in
 * the words of its agent. One that has another (its container was started again meanwhile) is told once more.
 * @throws PlatformError `swap-failed`
 */
export async function requireEverywhere(
  context: KubernetesContext,
  armId: string,
  to: StackConfiguration,
  signal?: AbortSignal,
): Promise<void> {
  let last = '';
  const inForce = await waitUntil(
    async () => {
      const { at, arm } = await requireArm(context, armId, signal);
      const ready = arm.pods.filter((pod) => isReady(pod));
      last = `${ready.length} of ${arm.record.nodes} pods are ready`;
      if (ready.length < arm.record.nodes) return undefined;
      for (const pod of ready) {
        const { name } = pod.metadata;
        try {
          const agent = agentOf(context, at, armId, pod);
          const { configurationHash } = await agent.status(signal);
          if (configurationHash === to.hash) continue;
          last = `pod ${name} has configuration ${configurationHash}`;
          await configureAgent(agent, name, to, signal);
        } catch (error) {
          last = `pod ${name}: ${messageOf(error)}`;
        }
        return undefined;
      }
      return true;
    },
    { timeoutMs: OBSERVED_MS, everyMs: 250, signal },
  );
  if (inForce === true) return;
  throw new PlatformError(
    'swap-failed',
    `Arm ${armId} was not seen to have configuration ${to.hash} on every pod: ${last}.`,
  );
}
