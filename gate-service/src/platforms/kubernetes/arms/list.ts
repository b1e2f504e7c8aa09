/** The arms that there are, as the cluster has them: whole ones, and what a crash left of others. */
import { z } from 'zod';
import type { Environment } from '../../../mesh/plan.ts';
import type { Arm } from '../../platform.ts';
import type { KubernetesClient } from '../client/client.ts';
import type { Kind } from '../client/kinds.ts';
import type { KubernetesObject } from '../client/objects.ts';
import {
  ARM_LABEL,
  ENVIRONMENT_LABEL,
  identityOf,
  MANAGED_BY,
  MANAGED_LABEL,
  OWNER_LABEL,
  type ArmIdentity,
} from './labels.ts';
import { isEnding, isReady, podsOf, type Pod } from './pods.ts';
import { recordOf, type ArmRecord } from './record.ts';
import { labelled } from './remove.ts';

/** All that carries one arm's label in a namespace. */
export interface FoundArm {
  readonly id: string;
  readonly namespace: string;
  /** Absent when labels are missing or odd. */
  readonly identity: ArmIdentity | undefined;
  /** Absent when the record is not there or not readable: then it is no arm that can be worked with. */
  readonly record: ArmRecord | undefined;
  /** There is a record that this version does not understand: its pods may well serve, so it is no leftover. */
  readonly unreadable: boolean;
  /** Its own, or production's that runs it. */
  readonly hasDeployment: boolean;
  /** It has a Deployment of its own: in production, until the primary one has taken it over. */
  readonly ownDeployment: boolean;
  /** On its way out: somebody has deleted its Deployment. */
  readonly ending: boolean;
  /** Pods that are not on their way out. */
  readonly pods: readonly Pod[];
  /** `Kind name` of each object. */
  readonly objects: readonly string[];
  /** When the oldest object was made; ISO 8601. */
  readonly since: string | undefined;
}

export interface ArmSelection {
  readonly service?: string | undefined;
  readonly environment?: Environment | undefined;
}

/** @throws KubernetesError */
export async function findArms(
  client: KubernetesClient,
  namespace: string,
  { environment, service }: ArmSelection = {},
  signal?: AbortSignal,
): Promise<readonly FoundArm[]> {
  const labels = {
    [MANAGED_LABEL]: MANAGED_BY,
    ...(service !== undefined && { [OWNER_LABEL]: service }),
    ...(environment !== undefined && { [ENVIRONMENT_LABEL]: environment }),
  };
  const objects = await labelled(client, namespace, labels, signal);
  const byArm = Map.groupBy(objects, ({ object }) => object.metadata.labels?.[ARM_LABEL] ?? '');
  // Without an arm's label it is another part of the gate: the mesh's resources, or the gate itself.
  byArm.delete('');
  return [...byArm].map(([id, own]) => foundArm(id, namespace, own));
}

function foundArm(
  id: string,
  namespace: string,
  own: readonly { readonly kind: Kind; readonly object: KubernetesObject }[],
): FoundArm {
  const of = (kind: string): readonly KubernetesObject[] =>
    own.filter((one) => one.kind.kind === kind).map(({ object }) => object);
  const [configMap] = of('ConfigMap');
  const [deployment] = of('Deployment');
  const head = configMap ?? deployment ?? own[0]?.object;
  const data = z.looseObject({ data: z.unknown() }).safeParse(configMap);
  const record = data.success ? recordOf(data.data.data) : undefined;
  return {
    id,
    namespace,
    identity: identityOf(head?.metadata.labels ?? {}),
    record,
    unreadable: configMap !== undefined && record === undefined,
    hasDeployment: deployment !== undefined || record?.primary === true,
    ownDeployment: deployment !== undefined,
    // An arm that the primary Deployment has taken over outlives its own one.
    ending: [configMap, record?.primary === true ? undefined : deployment].some(
      (one) => one?.metadata.deletionTimestamp !== undefined,
    ),
    pods: podsOf(of('Pod')).filter((pod) => !isEnding(pod)),
    objects: own
      .filter(({ kind }) => kind.kind !== 'ReplicaSet')
      .map(({ kind, object }) => `${kind.kind} ${object.metadata.name}`),
    since: own
      .map(({ object }) => object.metadata.creationTimestamp ?? '')
      .filter((at) => at !== '')
      .toSorted()[0],
  };
}

/** The arm in the platform's words, with the pods that are ready. */
export function armOf(
  {
    identity,
    pods,
    record,
  }: {
    readonly identity: ArmIdentity;
    readonly pods: readonly Pod[];
    readonly record: ArmRecord;
  },
  httpPort: number,
): Arm {
  return {
    id: identity.id,
    service: identity.service,
    environment: identity.environment,
    role: identity.role,
    buildDigest: record.build.digest,
    configurationHash: record.hash,
    nodes: pods
      .filter((pod) => isReady(pod))
      .map(({ metadata, status }) => ({
        name: metadata.name,
        address: status.podIP ?? '',
        port: httpPort,
      })),
  };
}
