/** What every operation of the platform works with. */
import type { Environment } from '../../../mesh/plan.ts';
import { createNodeAgentClient, type NodeAgentClient } from '../../../node-agent/client.ts';
import {
  requireStackConfiguration,
  type StackConfiguration,
} from '../../../stack/configuration.ts';
import type { NodeResources } from '../../../stack/resources.ts';
import type { KeyedLock } from '../../keyed-lock.ts';
import { PlatformError } from '../../platform.ts';
import { agentToken } from '../arms/agent-token.ts';
import { armConfigMap } from '../arms/template.ts';
import { dataOf, type ArmRecord } from '../arms/record.ts';
import type { Pod } from '../arms/pods.ts';
import { CONFIG_MAP } from '../client/kinds.ts';
import type { EnvironmentOfService, PresentArm } from './environment-of-service.ts';

export interface KubernetesContext {
  readonly environments: readonly EnvironmentOfService[];
  readonly agentKey: Uint8Array;
  readonly resources: NodeResources;
  readonly log: (message: string) => void;
  /** One change of an arm at a time. */
  readonly arms: KeyedLock;
}

/** @throws PlatformError `not-found` for a service that the catalogue does not place on Kubernetes */
export function environmentOf(
  { environments }: KubernetesContext,
  service: string,
  environment: Environment,
): EnvironmentOfService {
  const found = environments.find(
    (one) => one.service.name === service && one.environment === environment,
  );
  if (found !== undefined) return found;
  throw new PlatformError(
    'not-found',
    `Service ${service} has no part \`kubernetes\` in the service catalogue.`,
  );
}

export interface LocatedArm {
  readonly at: EnvironmentOfService;
  readonly arm: PresentArm;
}

/** @throws PlatformError `not-found` */
export async function requireArm(
  context: KubernetesContext,
  armId: string,
  signal?: AbortSignal,
): Promise<LocatedArm> {
  const at = await requirePlace(context, armId, signal);
  const arm = (await at.state(signal)).arms.find(({ identity }) => identity.id === armId);
  if (arm !== undefined) return { at, arm };
  throw new PlatformError(
    'not-found',
    `Arm ${armId} in namespace ${at.namespace} is only in part there, or is being removed.`,
  );
}

/** Where an arm is, whole or in part. @throws PlatformError `not-found` */
export async function requirePlace(
  { environments }: KubernetesContext,
  armId: string,
  signal?: AbortSignal,
): Promise<EnvironmentOfService> {
  for (const at of environments) {
    const { arms, leftovers } = await at.state(signal);
    const ids = [...arms.map(({ identity }) => identity.id), ...leftovers.map(({ id }) => id)];
    if (ids.includes(armId)) return at;
  }
  throw new PlatformError('not-found', `There is no arm ${armId} on the cluster.`);
}

/** The configuration that the record says is in force. */
export function configurationOf(
  { resources }: KubernetesContext,
  { record }: PresentArm,
): StackConfiguration {
  return requireStackConfiguration(record.values, resources);
}

/** The agent of a pod. @throws PlatformError `node-not-ready` when it has no address yet */
export function agentOf(
  { agentKey }: Pick<KubernetesContext, 'agentKey'>,
  at: EnvironmentOfService,
  armId: string,
  { metadata, status }: Pod,
): NodeAgentClient {
  if (status.podIP === undefined) {
    throw new PlatformError('node-not-ready', `Pod ${metadata.name} has no address yet.`);
  }
  return createNodeAgentClient({
    address: status.podIP,
    port: at.service.placement.ports.agent,
    token: agentToken(agentKey, armId),
  });
}

/** Stores an arm's record: what is begun is there before it begins. */
export async function storeRecord(
  at: EnvironmentOfService,
  { identity }: Pick<PresentArm, 'identity'>,
  record: ArmRecord,
  signal?: AbortSignal,
): Promise<void> {
  await at.client.apply(CONFIG_MAP, armConfigMap(identity, at.namespace, dataOf(record)), {
    signal,
  });
}
