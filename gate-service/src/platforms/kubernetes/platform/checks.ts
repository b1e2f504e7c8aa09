/** Whether the cluster has what the platform needs, and whether its accounts may do what it does. Changes nothing. */
import { z } from 'zod';
import type { NodeResources } from '../../../stack/resources.ts';
import { PlatformError } from '../../platform.ts';
import { messageOf } from '../../wait-until.ts';
import { productionTemplate } from '../arms/deploy.ts';
import { requireContainer, type TemplateDeployment } from '../arms/template.ts';
import { KubernetesError } from '../client/errors.ts';
import {
  CONFIG_MAP,
  DEPLOYMENT,
  EVENT,
  POD,
  REPLICA_SET,
  SECRET,
  SERVICE,
  type Kind,
} from '../client/kinds.ts';
import type { KubernetesObject } from '../client/objects.ts';
import { JOB, senderJob } from '../jobs/job.ts';
import type { KubernetesPlatformOptions } from '../kubernetes-platform.ts';
import { ISTIO_KINDS } from '../mesh/kinds.ts';
import { MANAGED_BY, MANAGED_LABEL } from '../arms/labels.ts';
import type { EnvironmentOfService } from './environment-of-service.ts';

/** For one question; a cluster that takes longer is not well. */
const ASK = { patienceMs: 10_000 } as const;
const READ: readonly Kind[] = [
  CONFIG_MAP,
  DEPLOYMENT,
  POD,
  REPLICA_SET,
  EVENT,
  SERVICE,
  ISTIO_KINDS.VirtualService,
  ISTIO_KINDS.DestinationRule,
  ISTIO_KINDS.ServiceEntry,
];
/** Memory of the agent itself, which is not the node's (docs/kubernetes.md). */
const AGENT_MIB = 128;

/**
 * All that is wrong for a service in one environment, in words; empty when nothing is.
 * Writes are asked for as dry runs, which pass admission and Istio's webhook as the real ones do.
 */
export async function problemsOf(
  at: EnvironmentOfService,
  { nodeResources, sender }: Pick<KubernetesPlatformOptions, 'nodeResources' | 'sender'>,
): Promise<readonly string[]> {
  const checks: readonly (() => Promise<unknown>)[] = [
    ...READ.map((kind) => () => at.client.list({ kind, namespace: at.namespace }, ASK)),
    ...[CONFIG_MAP, SECRET].map((kind) => () => wouldApply(at, kind, {})),
    () => wouldApply(at, ISTIO_KINDS.ServiceEntry, SERVICE_ENTRY),
    ...(sender !== undefined && at.environment === 'staging' ? [() => wouldSend(at, sender)] : []),
    () => checkTemplate(at, nodeResources),
    () => at.reachable(),
  ];
  const found = await Promise.all(
    checks.map(async (check) => {
      try {
        await check();
        return undefined;
      } catch (error) {
        return inWords(error);
      }
    }),
  );
  return [...new Set(found.filter((one) => one !== undefined))];
}

const SERVICE_ENTRY = {
  spec: {
    hosts: ['check.speed-gate.internal'],
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    resolution: 'STATIC',
  },
};

function checkedName({ service }: EnvironmentOfService): string {
  return `speed-gate-check-${service.name}`;
}

/** Why nothing can be made in the service's namespace, or that it can: '' then. */
export async function whyNothingCanBeMade(at: EnvironmentOfService): Promise<string> {
  return wouldApply(at, CONFIG_MAP, {}).then(() => '', messageOf);
}

function wouldApply(at: EnvironmentOfService, kind: Kind, content: object): Promise<unknown> {
  const object: KubernetesObject = {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: {
      name: checkedName(at),
      namespace: at.namespace,
      labels: { [MANAGED_LABEL]: MANAGED_BY },
    },
    ...content,
  };
  return at.client.apply(kind, object, { ...ASK, dryRun: true });
}

/** The Job of a measurement as it would be made: without it nothing could be measured. */
async function wouldSend(
  at: EnvironmentOfService,
  { workers, ...pods }: NonNullable<KubernetesPlatformOptions['sender']>,
): Promise<void> {
  const place = { name: checkedName(at), namespace: at.namespace };
  const tokenSha256 = '0'.repeat(64);
  const job = senderJob(place, at.service.name, { workers, tokenSha256, seconds: 60 }, pods);
  await at.client.apply(JOB, job, { ...ASK, dryRun: true });
}

async function checkTemplate(at: EnvironmentOfService, resources: NodeResources): Promise<void> {
  if (at.environment !== 'production') return;
  const { placement } = at.service;
  const template = await productionTemplate(at.client, placement);
  requireContainer(template, placement.container);
  requireMemory(template, placement.container, resources);
}

/**
 * Configurations are validated against what a node may use: a container with less would be killed under them.
 * @throws PlatformError `refused`
 */
export function requireMemory(
  template: TemplateDeployment,
  container: string,
  { memoryMiB }: NodeResources,
): void {
  const found = template.spec.template.spec.containers.find(({ name }) => name === container);
  const limit = mebibytesOf(limitsSchema.safeParse(found).data?.resources.limits.memory);
  if (limit === undefined || limit >= memoryMiB + AGENT_MIB) return;
  throw new PlatformError(
    'refused',
    `Container ${container} of Deployment ${template.metadata.name} is limited to ${limit} MiB of memory; a node is said to have ${memoryMiB} MiB and its agent needs ${AGENT_MIB} MiB. Raise the limit, or lower the memory of a node in the gate's settings.`,
  );
}

const limitsSchema = z.looseObject({
  resources: z.looseObject({
    limits: z.looseObject({ memory: z.union([z.string(), z.number()]).optional() }),
  }),
});

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A quantity of memory as Kubernetes writes it, in MiB; undefined when there is none, or none that can be read. */
export function mebibytesOf(quantity: string | number | undefined): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([kMGT]i?|Ki)?$/.exec(String(quantity)) ?? [];
  const factor = UNITS[unit];
  return amount === undefined || factor === undefined
    ? undefined
    : Math.floor((Number(amount) * factor) / 2 ** 20);
}

function inWords(error: unknown): string {
  const missing = error instanceof KubernetesError && error.failure === 'not-found';
  return missing && error.message.includes('networking.istio.io')
    ? `Istio's resources are not known to this cluster (install Istio with its custom resource definitions): ${error.message}`
    : messageOf(error);
}
