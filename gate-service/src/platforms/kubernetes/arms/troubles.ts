/** Why pods do not become ready, from what the cluster says of them. Pure. */
import { z } from 'zod';
import type { KubernetesObject } from '../client/objects.ts';
import { isEnding, type ContainerStatus, type Pod } from './pods.ts';

export type TroubleKind =
  | 'image'
  | 'crash'
  | 'container-configuration'
  | 'quota'
  | 'refused'
  | 'unschedulable'
  | 'evicted'
  | 'probe'
  | 'not-started';

export interface Trouble {
  readonly kind: TroubleKind;
  readonly pod?: string;
  readonly container?: string;
  /** What is wrong, in the cluster's words. */
  readonly reason: string;
  /** What to do about it. */
  readonly advice: string;
  /**
   * How long it must have been seen before waiting any longer is in vain; Infinity: only the deadline
   * ends the wait, since it may pass by itself.
   */
  readonly patienceMs: number;
  /** The container's log tells more: of its former life, or of this one. */
  readonly log?: 'former' | 'present';
}

/** A registry that stumbles is asked again by the kubelet after 10 and 20 s. */
const IMAGE_MS = 25_000;
/** Another arm may be on its way out and free what is missing. */
const QUOTA_MS = 15_000;
/** A ConfigMap or Secret may be created a moment after the pods. */
const CONFIGURATION_MS = 10_000;
/** After so many deaths the same image will not fare better. */
const DEATHS = 2;

/**
 * @param owners the arm's ReplicaSets: they say why pods could not be created
 * @param events the namespace's events about the pods
 */
export function troublesOf(
  pods: readonly Pod[],
  owners: readonly KubernetesObject[],
  events: readonly KubernetesObject[] = [],
): readonly Trouble[] {
  return [
    ...creationTroubles(owners),
    ...pods.filter((pod) => !isEnding(pod)).flatMap((pod) => podTroubles(pod, events)),
  ];
}

const ownerSchema = z.looseObject({
  status: z
    .looseObject({
      conditions: z
        .array(
          z.looseObject({
            type: z.string(),
            status: z.string(),
            message: z.string().default(''),
          }),
        )
        .default([]),
    })
    .prefault({}),
});

function creationTroubles(owners: readonly KubernetesObject[]): readonly Trouble[] {
  const messages = owners.flatMap((owner) => {
    const parsed = ownerSchema.safeParse(owner);
    if (!parsed.success) return [];
    return parsed.data.status.conditions
      .filter(({ status, type }) => type === 'ReplicaFailure' && status === 'True')
      .map(({ message }) => message);
  });
  return [...new Set(messages)].map((reason) => {
    if (reason.includes('exceeded quota')) {
      return {
        kind: 'quota',
        reason,
        advice:
          "Raise the namespace's ResourceQuota, free some of it, or ask for fewer nodes of this service.",
        patienceMs: QUOTA_MS,
      };
    }
    return {
      kind: 'refused',
      reason,
      advice:
        "The cluster refuses to create the pods: compare the pod template with the namespace's policies (Pod Security, LimitRange, admission webhooks).",
      patienceMs: QUOTA_MS,
    };
  });
}

function podTroubles(pod: Pod, events: readonly KubernetesObject[]): readonly Trouble[] {
  const { name } = pod.metadata;
  const { conditions, phase, reason, message } = pod.status;
  if (phase === 'Failed') {
    return [
      {
        kind: 'evicted',
        pod: name,
        reason: [reason, message].filter((part) => part !== '').join(': ') || 'the pod failed',
        advice: 'See what the node is short of; Kubernetes makes another pod meanwhile.',
        patienceMs: Infinity,
      },
    ];
  }
  const scheduled = conditions.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') {
    return [
      {
        kind: 'unschedulable',
        pod: name,
        reason: scheduled.message || scheduled.reason,
        advice:
          "No node takes the pod: compare its requests, node selector, tolerations and volumes with the cluster's nodes, or add a node.",
        patienceMs: Infinity,
      },
    ];
  }
  const containers = [...pod.status.initContainerStatuses, ...pod.status.containerStatuses];
  const found = containers.flatMap((status) => containerTroubles(pod, status, events));
  if (found.length > 0) return found;
  if (pod.status.podIP === undefined || phase === 'Pending') {
    return [
      {
        kind: 'not-started',
        pod: name,
        reason: lastEvent(events, name) ?? 'its containers have not started yet',
        advice: `kubectl describe pod ${name} tells what it waits for (volumes, network, admission).`,
        patienceMs: Infinity,
      },
    ];
  }
  return [];
}

function containerTroubles(
  pod: Pod,
  status: ContainerStatus,
  events: readonly KubernetesObject[],
): readonly Trouble[] {
  const { lastState, name: container, ready, restartCount, state } = status;
  const at = { pod: pod.metadata.name, container };
  const waiting = state.waiting;
  if (waiting !== undefined) {
    const reason = [waiting.reason, waiting.message].filter((part) => part !== '').join(': ');
    switch (waiting.reason) {
      case 'ErrImagePull':
      case 'ImagePullBackOff':
      case 'InvalidImageName':
      case 'ErrImageNeverPull':
      case 'ImageInspectError':
      case 'RegistryUnavailable':
        return [
          {
            kind: 'image',
            ...at,
            reason: `${reason} (image ${imageOf(pod, container)})`,
            advice:
              'See that the image with this digest is in the registry and that the namespace may pull it (imagePullSecrets).',
            patienceMs: waiting.reason === 'InvalidImageName' ? 0 : IMAGE_MS,
          },
        ];
      case 'CreateContainerConfigError':
      case 'CreateContainerError':
      case 'RunContainerError':
        return [
          {
            kind: 'container-configuration',
            ...at,
            reason,
            advice:
              "The pod template names something that this namespace lacks or that cannot run: create production's ConfigMaps and Secrets here, too, and compare command and user.",
            patienceMs: CONFIGURATION_MS,
          },
        ];
      default:
        break;
    }
  }
  const ended = state.terminated ?? lastState.terminated;
  const init = pod.status.initContainerStatuses.includes(status);
  if (ended !== undefined && !(init && ended.exitCode === 0) && !ready) {
    // Each restart follows a death, and one that does not run now has died once more.
    const deaths = restartCount + (state.running === undefined ? 1 : 0);
    const how =
      ended.reason === 'OOMKilled'
        ? 'was killed for using more memory than its limit'
        : `ended with exit code ${ended.exitCode}${ended.reason === '' ? '' : ` (${ended.reason})`}`;
    return [
      {
        kind: 'crash',
        ...at,
        reason: `${how}, ${restartCount} restart(s) so far${ended.message === '' ? '' : `: ${ended.message}`}`,
        advice:
          ended.reason === 'OOMKilled'
            ? 'Raise the memory limit in the pod template, or lower what the build or its configuration needs.'
            : 'The log tells why; the build must start with the environment of the pod template.',
        patienceMs: deaths >= DEATHS ? 0 : Infinity,
        log: state.terminated === undefined ? 'former' : 'present',
      },
    ];
  }
  if (state.running !== undefined && !ready) {
    const probe = lastEvent(events, pod.metadata.name, 'Unhealthy');
    return [
      {
        kind: 'probe',
        ...at,
        reason: probe ?? 'it runs, and its readiness probe has not succeeded yet',
        advice:
          'Ask the probe’s path yourself; the build may need longer to start (startupProbe, readySeconds in the catalogue) or answer with an error.',
        patienceMs: Infinity,
        log: 'present',
      },
    ];
  }
  return [];
}

function imageOf(pod: Pod, container: string): string {
  return pod.spec.containers.find(({ name }) => name === container)?.image ?? 'unknown';
}

const eventSchema = z.looseObject({
  involvedObject: z.looseObject({ name: z.string().default('') }).prefault({}),
  type: z.string().default(''),
  reason: z.string().default(''),
  message: z.string().default(''),
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
});

/** The newest warning about a pod in words, or the newest with this reason. */
function lastEvent(
  events: readonly KubernetesObject[],
  pod: string,
  reason?: string,
): string | undefined {
  const about = events
    .flatMap((event) => {
      const parsed = eventSchema.safeParse(event);
      return parsed.success ? [parsed.data] : [];
    })
    .filter(
      (event) =>
        event.involvedObject.name === pod &&
        (reason === undefined ? event.type === 'Warning' : event.reason === reason),
    )
    .toSorted((one, other) => timeOf(one) - timeOf(other));
  const last = about.at(-1);
  return last && `${last.reason}: ${last.message}`;
}

function timeOf(event: z.infer<typeof eventSchema>): number {
  return Date.parse(event.lastTimestamp ?? event.eventTime ?? '') || 0;
}
