/** Bringing up the pods of a new arm; see `Platform.deploy`. */
import { randomBytes } from 'node:crypto';
import { PlatformError, type ArmRequest } from '../../platform.ts';
import { messageOf, throwIfAborted } from '../../wait-until.ts';
import type { KubernetesClient } from '../client/client.ts';
import { KubernetesError } from '../client/errors.ts';
import { CONFIG_MAP, DEPLOYMENT } from '../client/kinds.ts';
import { namespaceOf, type KubernetesPlacement } from '../placement.ts';
import { agentToken } from './agent-token.ts';
import { requireUnselected } from './foreign-services.ts';
import type { ArmIdentity } from './labels.ts';
import type { Pod } from './pods.ts';
import { untilReady } from './readiness.ts';
import { dataOf, serviceOf, type ArmRecord } from './record.ts';
import { removeArm } from './remove.ts';
import {
  armConfigMap,
  armObjects,
  imageByDigest,
  requireContainer,
  templateFingerprint,
  templateOf,
  type ArmSpecification,
  type TemplateDeployment,
} from './template.ts';

const MOST_NODES = 16;
/** For taking away what a failed deployment has made, whatever became of its own signal. */
const UNDO_MS = 150_000;

export interface DeployedArm {
  readonly identity: ArmIdentity;
  readonly namespace: string;
  readonly record: ArmRecord;
  readonly token: string;
  readonly pods: readonly Pod[];
}

export interface DeployOptions {
  /** Who may read production's Deployment, which staging's account may not; who deploys unless told. */
  readonly templateReader?: KubernetesClient;
  /** Further evidence that the pods are what was asked for; its error fails the deployment. */
  readonly verify?: (arm: DeployedArm) => Promise<void>;
}

/**
 * Pods made from production's template with the build's image, all of them ready and then found good by
 * `verify`. Nothing is routed to them yet. On failure everything that was made is removed.
 * @param agentKey see agent-token.ts
 * @throws PlatformError; never a KubernetesError
 */
export async function deployArm(
  client: KubernetesClient,
  placement: KubernetesPlacement,
  agentKey: Uint8Array,
  request: ArmRequest,
  signal: AbortSignal,
  { templateReader = client, verify }: DeployOptions = {},
): Promise<DeployedArm> {
  requireSensible(request);
  throwIfAborted(signal);
  const image = imageByDigest(request.build.location, request.build.digest);
  const namespace = namespaceOf(placement, request.environment);
  const identity: ArmIdentity = {
    id: newArmId(request),
    service: request.service.name,
    environment: request.environment,
    role: request.role,
  };
  try {
    const template = await productionTemplate(templateReader, placement, signal);
    requireContainer(template, placement.container);
    const fingerprint = templateFingerprint(template, placement.container);
    const record = newRecord(request, image, fingerprint);
    const token = agentToken(agentKey, identity.id);
    const specification = specificationOf(identity, record, token, template, placement);
    await requireUnselected(client, namespace, specification, signal);
    try {
      await applyArm(client, specification, signal);
      const pods = await untilReady(client, awaited(specification, placement), signal);
      const arm = { identity, namespace, record, token, pods };
      await verify?.(arm);
      return arm;
    } catch (error) {
      throw await afterRemoval(client, { id: identity.id, namespace }, error, signal);
    }
  } catch (error) {
    throw asPlatformError(error, signal);
  }
}

/**
 * Applies all of an arm's objects: the record first, so that a crash leaves nothing that is not found by it.
 * @throws KubernetesError, PlatformError
 */
export async function applyArm(
  client: KubernetesClient,
  arm: ArmSpecification,
  signal: AbortSignal,
): Promise<void> {
  const stored = await client.apply(
    CONFIG_MAP,
    armConfigMap(arm.identity, arm.namespace, arm.configMapData),
    { signal },
  );
  const { uid } = stored.metadata;
  if (uid === undefined) {
    throw new PlatformError(
      'component-failed',
      `The API server gave ConfigMap ${arm.identity.id} no uid: nothing can belong to it.`,
    );
  }
  for (const { kind, object } of armObjects(arm, uid)) {
    throwIfAborted(signal);
    await client.apply(kind, object, { signal });
  }
}

/**
 * Production's Deployment as it is now.
 * @throws PlatformError `not-found`, KubernetesError
 */
export async function productionTemplate(
  client: KubernetesClient,
  { deployment, production }: KubernetesPlacement,
  signal?: AbortSignal,
): Promise<TemplateDeployment> {
  const { namespace } = production;
  const found = await client.find({ kind: DEPLOYMENT, namespace, name: deployment }, { signal });
  if (found !== undefined) return templateOf(found);
  throw new PlatformError(
    'not-found',
    `There is no Deployment ${deployment} in production's namespace ${namespace}, whose pod template the arms are made from. Correct \`deployment\` of the service's \`kubernetes\` part in the catalogue, or create it.`,
  );
}

export function specificationOf(
  identity: ArmIdentity,
  record: ArmRecord,
  token: string,
  template: TemplateDeployment,
  placement: KubernetesPlacement,
  replacedFor?: string,
): ArmSpecification {
  return {
    identity,
    namespace: namespaceOf(placement, identity.environment),
    template,
    container: placement.container,
    image: record.build.image,
    buildDigest: record.build.digest,
    nodes: record.nodes,
    healthPath: record.service.healthPath,
    systemProperties: record.service.systemProperties,
    configMapData: dataOf(record),
    token,
    readySeconds: placement.readySeconds,
    replacedFor,
  };
}

export function awaited(arm: ArmSpecification, { readySeconds }: KubernetesPlacement) {
  return {
    id: arm.identity.id,
    namespace: arm.namespace,
    nodes: arm.nodes,
    container: arm.container,
    image: arm.image,
    deadlineMs: readySeconds * 1000,
  };
}

/** A KubernetesError in the platform's words; a signal's reason as `aborted`. */
export function asPlatformError(error: unknown, signal?: AbortSignal): Error {
  if (error instanceof PlatformError) return error;
  if (error instanceof KubernetesError) {
    return new PlatformError(
      error.failure === 'not-found' ? 'not-found' : 'component-failed',
      error.message,
      { cause: error },
    );
  }
  if (signal?.aborted === true) {
    return new PlatformError(
      'aborted',
      `The platform was asked to stop in the middle: ${messageOf(signal.reason)}`,
      { cause: error },
    );
  }
  return error instanceof Error ? error : new Error(String(error));
}

function requireSensible({ nodes, service }: ArmRequest): void {
  if (Number.isInteger(nodes) && nodes >= 1 && nodes <= MOST_NODES) return;
  throw new PlatformError(
    'refused',
    `An arm of ${service.name} has 1 to ${MOST_NODES} nodes, not ${nodes}.`,
  );
}

/** Never used again, and short enough that the names of its pods stay below 64 characters. */
function newArmId({ role, service }: ArmRequest): string {
  const suffix = randomBytes(4).toString('hex');
  return `${service.name.slice(0, 26).replace(/-+$/, '')}-${role}-${suffix}`;
}

function newRecord(
  { build, configuration, nodes, service }: ArmRequest,
  image: string,
  template: string,
): ArmRecord {
  return {
    version: 1,
    service: serviceOf(service),
    build: { digest: build.digest, image },
    nodes,
    hash: configuration.hash,
    values: { ...configuration.values },
    meshValues: { ...configuration.values },
    template,
  };
}

async function afterRemoval(
  client: KubernetesClient,
  arm: { readonly id: string; readonly namespace: string },
  error: unknown,
  signal: AbortSignal,
): Promise<PlatformError> {
  const first = asPlatformError(error, signal);
  const failure = first instanceof PlatformError ? first.failure : 'component-failed';
  try {
    await removeArm(client, arm, AbortSignal.timeout(UNDO_MS));
    return new PlatformError(
      failure,
      `${first.message}\nEverything that was made of arm ${arm.id} is removed again.`,
      { cause: error },
    );
  } catch (second) {
    return new PlatformError(
      failure,
      `${first.message}\nWhat was made of arm ${arm.id} in namespace ${arm.namespace} could not be removed: ${messageOf(second)}. speed-gate doctor lists it and removes it.`,
      { cause: new AggregateError([error, second]) },
    );
  }
}
