/**
 * Production's own Deployment takes the arm in force over: by its own rollout it makes pods of that arm, which join
 * the arm's subset as they get ready; then the arm's first pods are drained away. Traffic goes to the arm all the
 * while, and the arm keeps its id: wherever this is cut off, what carries production is there.
 */
import { PlatformError } from '../../platform.ts';
import { agentToken } from '../arms/agent-token.ts';
import { productionTemplate, specificationOf } from '../arms/deploy.ts';
import { armPods, untilReady } from '../arms/readiness.ts';
import {
  primaryTemplate,
  templateFingerprint,
  templateOf,
  type TemplateDeployment,
} from '../arms/template.ts';
import { KubernetesError } from '../client/errors.ts';
import { DEPLOYMENT } from '../client/kinds.ts';
import { waitUntil } from '../../wait-until.ts';
import { requireEverywhere } from './configure.ts';
import { configurationOf, requireArm, storeRecord, type KubernetesContext } from './context.ts';
import type { EnvironmentOfService, PresentArm } from './environment-of-service.ts';
import { armIn } from './primary.ts';
import { dismantle } from './remove.ts';

/** How often the change is made anew because something else of the Deployment (its status) changed meanwhile. */
const ATTEMPTS = 10;
const DRAINED_MS = 120_000;

/** See `Platform.takeOver`. @throws PlatformError `refused` when somebody has changed the pod template */
export async function takeOver(
  context: KubernetesContext,
  armId: string,
  signal: AbortSignal,
): Promise<void> {
  const { at, arm } = await requireArm(context, armId, signal);
  if (at.environment !== 'production') {
    throw new PlatformError('refused', `Arm ${armId} is not one of production.`);
  }
  if (!arm.ownDeployment) return;
  const primary = await giveToPrimary(context, at, arm, signal);
  const { namespace } = at;
  const { container, readySeconds } = at.service.placement;
  const { image } = arm.record.build;
  const { name } = primary.metadata;
  await untilReady(
    at.client,
    {
      ...{ id: armId, namespace, nodes: arm.record.nodes, container, image },
      deadlineMs: readySeconds * 1000,
      deployment: name,
      labels: primary.spec.selector.matchLabels,
    },
    signal,
  ).catch(async (error: unknown) => {
    await requireStill(at, arm);
    throw error;
  });
  await requireEverywhere(context, armId, configurationOf(context, arm), signal);
  // Every proxy has the new pods before the first of the old ones goes.
  await at.change((routes) => routes, { pods: 'every', signal });
  await requireStill(at, arm, signal);
  await at.client.delete({ kind: DEPLOYMENT, namespace, name: armId }, { signal });
  await untilDrained(at, armId, primary, signal);
  await removeRetired(context, at, signal);
  context.log(`Deployment ${name} has taken arm ${armId} over`);
}

/** The primary's pod template becomes the arm's, unless it is already. */
async function giveToPrimary(
  context: KubernetesContext,
  at: EnvironmentOfService,
  arm: PresentArm,
  signal: AbortSignal,
): Promise<TemplateDeployment> {
  const { placement } = at.service;
  const { id } = arm.identity;
  for (let attempt = 1; ; attempt += 1) {
    const primary = await productionTemplate(at.client, placement, signal);
    requireUntouched(at, arm, primary);
    if (armIn(primary) === id) return primary;
    await storeRecord(at, arm, { ...arm.record, primary: true }, signal);
    const token = agentToken(context.agentKey, id);
    const wanted = specificationOf(arm.identity, arm.record, token, primary, placement);
    const place = { kind: DEPLOYMENT, namespace: at.namespace, name: primary.metadata.name };
    const { resourceVersion } = primary.metadata;
    try {
      const changed = await at.client.patchJson(
        place,
        [
          // Another version by now is a conflict: what was looked at is what is changed.
          { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
          { op: 'replace', path: '/spec/template', value: primaryTemplate(wanted) },
          { op: 'replace', path: '/spec/replicas', value: arm.record.nodes },
        ],
        { signal },
      );
      return templateOf(changed);
    } catch (error) {
      const conflict = error instanceof KubernetesError && error.failure === 'conflict';
      if (!conflict || attempt >= ATTEMPTS) throw error;
    }
  }
}

/**
 * What was judged is the build on the pod template that the arm was made from: with another template nobody knows.
 * @throws PlatformError `refused`
 */
function requireUntouched(
  at: EnvironmentOfService,
  { identity, record }: PresentArm,
  primary: TemplateDeployment,
): void {
  if (record.template === templateFingerprint(primary, at.service.placement.container)) return;
  throw new PlatformError(
    'refused',
    `Somebody has changed the pod template of Deployment ${primary.metadata.name} in namespace ${at.namespace} since arm ${identity.id} was made from it: the build was not judged with that change. Production stays on the arm's own pods; push again to judge the build with the changed template.`,
  );
}

/** Nobody has given the primary something else meanwhile. @throws PlatformError `refused` */
async function requireStill(
  at: EnvironmentOfService,
  arm: PresentArm,
  signal?: AbortSignal,
): Promise<void> {
  const { placement } = at.service;
  const primary = await productionTemplate(at.client, placement, signal);
  requireUntouched(at, arm, primary);
  const image = primary.spec.template.spec.containers.find(
    ({ name }) => name === placement.container,
  )?.image;
  if (armIn(primary) === arm.identity.id && image === arm.record.build.image) return;
  throw new PlatformError(
    'refused',
    `Somebody has given Deployment ${primary.metadata.name} in namespace ${at.namespace} another image or other labels while it took arm ${arm.identity.id} over. Production stays on the arm's own pods, and on those that the Deployment has made of that change since, which nobody has judged: \`kubectl -n ${at.namespace} rollout undo deployment/${primary.metadata.name}\` takes them away. Let builds come into that Deployment by the gate alone.`,
  );
}

/** The arm's first pods are gone: only the primary's are left. */
async function untilDrained(
  at: EnvironmentOfService,
  armId: string,
  primary: TemplateDeployment,
  signal: AbortSignal,
): Promise<void> {
  const { namespace } = at;
  const labels = primary.spec.selector.matchLabels;
  const drained = await waitUntil(
    async () => {
      const all = await armPods(at.client, { id: armId, namespace }, signal);
      const own = await armPods(at.client, { id: armId, namespace, labels }, signal);
      const left = await at.client.find({ kind: DEPLOYMENT, namespace, name: armId }, { signal });
      return all.length === own.length && left === undefined ? true : undefined;
    },
    { timeoutMs: DRAINED_MS, everyMs: 250, signal },
  );
  if (drained === true) return;
  throw new PlatformError(
    'component-failed',
    `The first pods of arm ${armId} in namespace ${namespace} are still there ${DRAINED_MS / 1000} s after Deployment ${armId} was deleted.`,
  );
}

/** Arms that were removed while the primary still had pods of theirs. */
async function removeRetired(
  context: KubernetesContext,
  at: EnvironmentOfService,
  signal: AbortSignal,
): Promise<void> {
  const { retired } = await at.state(signal);
  for (const { id } of retired) await dismantle(context, at, id, signal);
}
