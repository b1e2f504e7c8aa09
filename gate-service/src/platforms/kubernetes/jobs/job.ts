/** The Job whose pods are the sender's workers. Pure. */
import type { FleetRequest } from '../../../load/workers/launcher.ts';
import type { KubernetesObject } from '../client/objects.ts';
import type { Kind } from '../client/kinds.ts';
import {
  ARM_LABEL,
  ENVIRONMENT_LABEL,
  MANAGED_BY,
  MANAGED_LABEL,
  OWNER_LABEL,
} from '../arms/labels.ts';

export const JOB: Kind = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs', namespaced: true };

/** On the Job and its pods: its name. No arm's label, so that nobody takes them for one. */
export const SENDER_LABEL = 'speed-gate.dev/sender';
/** Kubernetes' own, on the pods of an indexed Job. */
export const INDEX_LABEL = 'batch.kubernetes.io/job-completion-index';
/** Where a worker waits for the gate. */
export const SENDER_PORT = 9092;
export const CONTAINER = 'sender';

/** How long a finished Job stays: whoever lost its gate may still look at it. */
const TTL_SECONDS = 120;
/** A worker that is told to end does so at once. */
const GRACE_SECONDS = 5;
/** Young objects of the sender nearly all die young: see load/child-sender.ts. */
const COMMAND = [
  'node',
  '--min-semi-space-size=16',
  '--max-semi-space-size=32',
  'gate-service/src/main.ts',
];
/** No limit of CPU: who is throttled sends late. */
const RESOURCES = { requests: { cpu: '500m', memory: '256Mi' }, limits: { memory: '512Mi' } };

/** What workers are and where they may run; as in a pod's specification. */
export interface SenderPods {
  /** The gate service's own image. */
  readonly image: string;
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  readonly imagePullSecrets?: readonly string[];
  readonly resources?: Readonly<Record<string, unknown>>;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly unknown[];
}

/** Labels of a sender's objects. */
export function senderLabels(name: string, service: string): Readonly<Record<string, string>> {
  return {
    [MANAGED_LABEL]: MANAGED_BY,
    [SENDER_LABEL]: name,
    [OWNER_LABEL]: service,
    [ENVIRONMENT_LABEL]: 'staging',
  };
}

/**
 * Indexed, with a failure of one worker being its own: the others go on. It ends by itself when its gate is gone, as
 * the workers do then, and Kubernetes removes it some time later.
 */
export function senderJob(
  place: { readonly name: string; readonly namespace: string },
  service: string,
  { seconds, tokenSha256, workers }: Omit<FleetRequest, 'service'>,
  pods: SenderPods,
): KubernetesObject {
  const { name, namespace } = place;
  const labels = senderLabels(name, service);
  return {
    apiVersion: JOB.apiVersion,
    kind: JOB.kind,
    metadata: { name, namespace, labels },
    spec: {
      completionMode: 'Indexed',
      completions: workers,
      parallelism: workers,
      backoffLimitPerIndex: 0,
      podReplacementPolicy: 'Failed',
      activeDeadlineSeconds: seconds,
      ttlSecondsAfterFinished: TTL_SECONDS,
      template: {
        metadata: {
          labels: {
            ...labels,
            // A proxy of the mesh beside it would be measured, and would keep the Job from ending.
            'sidecar.istio.io/inject': 'false',
            'istio.io/dataplane-mode': 'none',
          },
        },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: GRACE_SECONDS,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 10_001,
            runAsGroup: 10_001,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          ...(pods.imagePullSecrets !== undefined && {
            imagePullSecrets: pods.imagePullSecrets.map((secret) => ({ name: secret })),
          }),
          ...(pods.nodeSelector !== undefined && { nodeSelector: { ...pods.nodeSelector } }),
          ...(pods.tolerations !== undefined && { tolerations: [...pods.tolerations] }),
          affinity: apart(name),
          containers: [
            {
              name: CONTAINER,
              image: pods.image,
              ...(pods.imagePullPolicy !== undefined && { imagePullPolicy: pods.imagePullPolicy }),
              command: COMMAND,
              args: ['sender', '--listen', String(SENDER_PORT)],
              env: [
                { name: 'NODE_NO_WARNINGS', value: '1' },
                // The token itself is the gate's alone: who may read Jobs still may not send.
                { name: 'SPEED_GATE_SENDER_TOKEN_SHA256', value: tokenSha256 },
              ],
              ports: [{ name: 'sender', containerPort: SENDER_PORT }],
              resources: pods.resources ?? RESOURCES,
              securityContext: {
                readOnlyRootFilesystem: true,
                allowPrivilegeEscalation: false,
                capabilities: { drop: ['ALL'] },
              },
            },
          ],
        },
      },
    },
  };
}

/** Rather on machines of their own: apart from the nodes that are measured, and from each other. */
function apart(name: string): object {
  const term = (weight: number, labelSelector: object): object => ({
    weight,
    podAffinityTerm: { labelSelector, topologyKey: 'kubernetes.io/hostname' },
  });
  return {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        term(100, { matchExpressions: [{ key: ARM_LABEL, operator: 'Exists' }] }),
        term(50, { matchLabels: { [SENDER_LABEL]: name } }),
      ],
    },
  };
}
