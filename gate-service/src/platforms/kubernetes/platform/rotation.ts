/** Taking a pod out of rotation and putting it back: by the label through which the mesh finds its endpoints. */
import { request } from 'undici';
import { PlatformError } from '../../platform.ts';
import { messageOf, waitUntil } from '../../wait-until.ts';
import { SERVICE_LABEL } from '../arms/labels.ts';
import { isReady, type Pod } from '../arms/pods.ts';
import { POD } from '../client/kinds.ts';
import { agentOf, type KubernetesContext } from './context.ts';
import {
  inRotation,
  type EnvironmentOfService,
  type PresentArm,
} from './environment-of-service.ts';

/** istiod may need that long after an outage of the API server. */
const SEEN_MS = 30_000;
/** Longer than any request in flight may take by the routes' usual time-outs. */
const DRAIN_MS = 45_000;
const QUIET_LOOKS = 3;
/** The look at httpd's status takes a worker; the agent's other requests are not under way then. */
const OWN_WORKERS = 1;
const SERVES_MS = 15_000;
const ANSWER_MS = 3000;

/**
 * Takes a pod out of rotation: seen in every proxy, then nothing of it in flight.
 * @throws PlatformError `route-not-seen`, `swap-failed`; KubernetesError
 */
export async function takeOut(
  context: KubernetesContext,
  at: EnvironmentOfService,
  arm: PresentArm,
  pod: Pod,
  signal?: AbortSignal,
): Promise<void> {
  await label(at, pod, null);
  await untilListed(at, arm, pod, false, signal);
  const agent = agentOf(context, at, arm.identity.id, pod);
  let quiet = 0;
  let last = '';
  const idle = await waitUntil(
    async () => {
      const { httpd } = await agent.status(signal);
      last =
        httpd === undefined
          ? 'its httpd tells no status'
          : `at the last look ${httpd.busyWorkers - OWN_WORKERS} workers of its httpd were busy`;
      quiet = httpd !== undefined && httpd.busyWorkers <= OWN_WORKERS ? quiet + 1 : 0;
      return quiet >= QUIET_LOOKS ? true : undefined;
    },
    { timeoutMs: DRAIN_MS, everyMs: 50, signal },
  );
  if (idle === true) return;
  throw new PlatformError(
    'swap-failed',
    `Pod ${pod.metadata.name} was not seen without requests in flight for ${DRAIN_MS / 1000} s after it was taken out of rotation: ${last}.`,
  );
}

/**
 * Puts a pod back when it answers, and waits until every proxy has it.
 * @throws PlatformError `swap-failed`, `route-not-seen`; KubernetesError
 */
export async function putBack(
  at: EnvironmentOfService,
  arm: PresentArm,
  pod: Pod,
  signal?: AbortSignal,
): Promise<void> {
  const { healthPath, hosts } = arm.record.service;
  const url = `http://${pod.status.podIP ?? ''}:${at.service.placement.ports.http}${healthPath}`;
  let last = '';
  const serves = await waitUntil(
    async () => {
      try {
        const headers = { host: hosts[0] ?? 'localhost' };
        const deadline = AbortSignal.timeout(ANSWER_MS);
        const { body, statusCode } = await request(url, { headers, reset: true, signal: deadline });
        await body.dump();
        last = `it answers ${statusCode}`;
        return statusCode < 400 ? true : undefined;
      } catch (error) {
        last = messageOf(error);
        return undefined;
      }
    },
    { timeoutMs: SERVES_MS, everyMs: 100, signal },
  );
  if (serves === undefined) {
    throw new PlatformError(
      'swap-failed',
      `Pod ${pod.metadata.name} does not answer ${healthPath} below 400 after its swap: ${last}`,
    );
  }
  await label(at, pod, at.service.name);
  await untilListed(at, arm, pod, true, signal);
}

/** Whether another pod of the arm can take this one's requests now. */
export function othersServe(arm: PresentArm, pod: Pod): boolean {
  return inRotation(arm).some(({ metadata }) => metadata.uid !== pod.metadata.uid);
}

/** Pods that are ready, but out of rotation: a gate that ended in the middle left them so. */
export function outOfRotation({ pods }: PresentArm): readonly Pod[] {
  return pods.filter((pod) => isReady(pod) && pod.metadata.labels[SERVICE_LABEL] === undefined);
}

async function label(
  at: EnvironmentOfService,
  { metadata }: Pod,
  value: string | null,
): Promise<void> {
  await at.client.merge(
    { kind: POD, namespace: at.namespace, name: metadata.name },
    // With the uid: another pod of this name would be another node.
    { metadata: { uid: metadata.uid, labels: { [SERVICE_LABEL]: value } } },
  );
}

async function untilListed(
  at: EnvironmentOfService,
  arm: PresentArm,
  { metadata, status }: Pod,
  wanted: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const address = `${status.podIP ?? ''}:${at.service.placement.ports.http}`;
  const subset = `${at.service.name}/${arm.identity.id}`;
  const seen = await waitUntil(
    async () => {
      const proxies = await at.seen(await at.state(signal), signal);
      const fits = proxies.every(
        ({ outstanding, traffic }) =>
          outstanding === undefined &&
          (traffic.subsets[subset]?.endpoints.some((one) => one.address === address) ?? false) ===
            wanted,
      );
      return fits ? true : undefined;
    },
    { timeoutMs: SEEN_MS, everyMs: 100, signal },
  );
  if (seen === true) return;
  throw new PlatformError(
    'route-not-seen',
    `Not every proxy of ${at.environment} was seen to ${wanted ? 'have pod' : 'be without pod'} ${metadata.name} after ${SEEN_MS / 1000} s.`,
  );
}
