/** An arm's objects, from production's own pod template. Pure. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { PlatformError } from '../../platform.ts';
import { objectSchema, type KubernetesObject } from '../client/objects.ts';
import { CONFIG_MAP, DEPLOYMENT, SECRET, type Kind } from '../client/kinds.ts';
import {
  armLabels,
  ARM_LABEL,
  BUILD_ANNOTATION,
  podLabels,
  REPLACED_ANNOTATION,
  type ArmIdentity,
} from './labels.ts';

const labelsSchema = z.record(z.string(), z.string());
const containerSchema = z.looseObject({
  name: z.string(),
  env: z.array(z.looseObject({ name: z.string() })).optional(),
  volumeMounts: z
    .array(z.looseObject({ name: z.string(), mountPath: z.string().optional() }))
    .optional(),
});
const templateSchema = z.looseObject({
  metadata: z
    .looseObject({ labels: labelsSchema.optional(), annotations: labelsSchema.optional() })
    .optional(),
  spec: z.looseObject({
    containers: z.array(containerSchema).min(1),
    volumes: z.array(z.looseObject({ name: z.string() })).optional(),
  }),
});
const deploymentSchema = objectSchema.extend({
  spec: z.looseObject({
    selector: z.looseObject({ matchLabels: labelsSchema.default({}) }),
    template: templateSchema,
  }),
});
export type TemplateDeployment = z.infer<typeof deploymentSchema>;

/**
 * @throws PlatformError `component-failed` when it is no Deployment
 */
export function templateOf(object: KubernetesObject): TemplateDeployment {
  const parsed = deploymentSchema.safeParse(object);
  if (parsed.success) return parsed.data;
  throw new PlatformError(
    'component-failed',
    `Deployment ${object.metadata.name} cannot serve as template: ${z.prettifyError(parsed.error)}`,
  );
}

export interface ArmSpecification {
  readonly identity: ArmIdentity;
  readonly namespace: string;
  readonly template: TemplateDeployment;
  readonly container: string;
  /** `REPOSITORY@sha256:HEX`. */
  readonly image: string;
  readonly buildDigest: string;
  readonly nodes: number;
  readonly healthPath: string;
  readonly systemProperties: Readonly<Record<string, string>>;
  /** See arms/record.ts. */
  readonly configMapData: Readonly<Record<string, string>>;
  /** Bearer token of the arm's agents. */
  readonly token: string;
  /** Seconds after which Kubernetes itself calls the rollout failed. */
  readonly readySeconds: number;
  /** Hash that made the pods fresh, where a configuration took that. */
  readonly replacedFor?: string | undefined;
}

export interface OwnedObject {
  readonly kind: Kind;
  readonly object: KubernetesObject;
}

/** Key of the ConfigMap under which the configuration in force stands. */
export const CONFIGURATION_KEY = 'configuration.json';
const TOKEN_KEY = 'token';
const TOKEN_VOLUME = 'speed-gate-agent';
const TOKEN_FOLDER = '/var/run/speed-gate/agent';

/** Annotations that belong to who changed the Deployment last, not to what its pods are. */
const NOT_COPIED =
  /^(kubectl\.kubernetes\.io|deployment\.kubernetes\.io|argocd\.argoproj\.io|meta\.helm\.sh)\//;

/** The arm's record, and what a restarted container starts with. Made first and taken away last. */
export function armConfigMap(
  identity: ArmIdentity,
  namespace: string,
  data: Readonly<Record<string, string>>,
): KubernetesObject {
  return { ...headOf(CONFIG_MAP, identity, namespace), data };
}

/**
 * What belongs to the record, in the order in which it is to be applied: what pods mount before the pods.
 * @param recordUid uid of the ConfigMap: who deletes it, deletes all of the arm
 */
export function armObjects(arm: ArmSpecification, recordUid: string): readonly OwnedObject[] {
  const owned = ({ kind, object }: OwnedObject): OwnedObject => ({
    kind,
    object: {
      ...object,
      metadata: {
        ...object.metadata,
        ownerReferences: [
          {
            apiVersion: CONFIG_MAP.apiVersion,
            kind: CONFIG_MAP.kind,
            name: arm.identity.id,
            uid: recordUid,
          },
        ],
      },
    },
  });
  return [
    owned({ kind: SECRET, object: tokenSecret(arm) }),
    owned({ kind: DEPLOYMENT, object: armDeployment(arm) }),
  ];
}

function tokenSecret({ identity, namespace, token }: ArmSpecification): KubernetesObject {
  return {
    ...headOf(SECRET, identity, namespace),
    type: 'Opaque',
    stringData: { [TOKEN_KEY]: token },
  };
}

/**
 * Production's pod template with the build's image. Labels that production's selector asks for are left
 * out: its Deployment, Services and disruption budgets must not take an arm's pods for their own.
 * @throws PlatformError `not-found` when the template has no such container
 */
export function armDeployment(arm: ArmSpecification): KubernetesObject {
  const { identity, namespace, template } = arm;
  const selector = template.spec.selector.matchLabels;
  const { metadata = {}, spec } = structuredClone(template.spec.template);
  const labels = Object.entries(metadata.labels ?? {}).filter(
    ([key]) =>
      !(key in selector) && key !== 'pod-template-hash' && !key.startsWith('speed-gate.dev/'),
  );
  const annotations = Object.entries(metadata.annotations ?? {}).filter(
    ([key]) => !NOT_COPIED.test(key),
  );
  const containers = spec.containers.map((one) =>
    one.name === arm.container ? nodeContainer(one, arm) : one,
  );
  const unused = new Set([TOKEN_VOLUME, ...formerTokenVolumes(spec, containers)]);
  return {
    ...headOf(DEPLOYMENT, identity, namespace, { [BUILD_ANNOTATION]: arm.buildDigest }),
    spec: {
      replicas: arm.nodes,
      revisionHistoryLimit: 1,
      progressDeadlineSeconds: arm.readySeconds,
      selector: { matchLabels: { [ARM_LABEL]: identity.id } },
      // Make before break: where fresh pods are needed, all of them stand before one of the old ones goes.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '100%', maxUnavailable: 0 } },
      template: {
        metadata: {
          labels: { ...Object.fromEntries(labels), ...podLabels(identity) },
          annotations: {
            ...Object.fromEntries(annotations),
            ...(arm.replacedFor !== undefined && { [REPLACED_ANNOTATION]: arm.replacedFor }),
          },
        },
        spec: {
          ...spec,
          containers,
          volumes: [
            ...(spec.volumes ?? []).filter(({ name }) => !unused.has(name)),
            {
              name: TOKEN_VOLUME,
              // Readable for the node's own user whatever its id; the folder is seen by this pod only.
              secret: { secretName: identity.id, defaultMode: 0o444 },
            },
          ],
        },
      },
    },
  };
}

function isTokenFolder(mountPath: string | undefined): boolean {
  return mountPath?.replace(/\/+$/, '') === TOKEN_FOLDER;
}

/** Volumes of the template's own token that nothing mounts any more: their Secret is in production's namespace only. */
function formerTokenVolumes(
  spec: TemplateDeployment['spec']['template']['spec'],
  containers: readonly Record<string, unknown>[],
): readonly string[] {
  const former = spec.containers
    .flatMap(({ volumeMounts = [] }) => volumeMounts)
    .filter(({ mountPath }) => isTokenFolder(mountPath))
    .map(({ name }) => name);
  const others = z.array(containerSchema).safeParse(spec.initContainers).data ?? [];
  const mounted = new Set(
    [...containers, ...others].flatMap((one) => {
      const { volumeMounts = [] } = containerSchema.parse(one);
      return volumeMounts.map(({ name }) => name);
    }),
  );
  return former.filter((name) => !mounted.has(name));
}

/** The names of the node image's environment are agreed with `resources/images/node`. */
function nodeContainer(
  container: z.infer<typeof containerSchema>,
  arm: ArmSpecification,
): Record<string, unknown> {
  const own = [
    { name: 'SPEED_GATE_NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    {
      // From the ConfigMap: a swap does not roll the pods, and a container that dies starts with what is in force.
      name: 'SPEED_GATE_NODE_CONFIGURATION',
      valueFrom: { configMapKeyRef: { name: arm.identity.id, key: CONFIGURATION_KEY } },
    },
    { name: 'SPEED_GATE_AGENT_TOKEN_FILE', value: `${TOKEN_FOLDER}/${TOKEN_KEY}` },
    { name: 'SPEED_GATE_BUILD_DIGEST', value: arm.buildDigest },
    { name: 'SPEED_GATE_HEALTH_PATH', value: arm.healthPath },
    { name: 'SPEED_GATE_SYSTEM_PROPERTIES', value: JSON.stringify(arm.systemProperties) },
  ];
  const names = new Set(own.map(({ name }) => name));
  return {
    ...container,
    image: arm.image,
    env: [...(container.env ?? []).filter(({ name }) => !names.has(name)), ...own],
    volumeMounts: [
      // The template's own token, where it has one, is not an arm's.
      ...(container.volumeMounts ?? []).filter(
        ({ mountPath, name }) => name !== TOKEN_VOLUME && !isTokenFolder(mountPath),
      ),
      { name: TOKEN_VOLUME, mountPath: TOKEN_FOLDER, readOnly: true },
    ],
  };
}

/** What a fingerprint is taken with in place of an arm's own values. */
const ANYBODY: Omit<ArmSpecification, 'template' | 'container'> = {
  identity: { id: 'arm', service: 'service', environment: 'production', role: 'current' },
  namespace: 'namespace',
  image: 'image',
  buildDigest: 'digest',
  nodes: 1,
  healthPath: '/',
  systemProperties: {},
  configMapData: {},
  token: 'token',
  readySeconds: 1,
};

/**
 * SHA-256 of all of a pod template that is not the gate's to say: the same before and after it has taken an arm,
 * another one when somebody has changed it.
 */
export function templateFingerprint(template: TemplateDeployment, container: string): string {
  const { spec } = armDeployment({ ...ANYBODY, template, container });
  const pods = (spec as { readonly template: unknown }).template;
  return createHash('sha256')
    .update(JSON.stringify(sorted(pods)))
    .digest('hex');
}

/** With the keys of every object in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, sorted(one)] as const);
  return Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/**
 * The pod template with which production's own Deployment runs an arm: the arm's, with the labels that are
 * production's own.
 * @throws PlatformError `refused` when production's selector asks for another value of one of the gate's labels
 */
export function primaryTemplate(arm: ArmSpecification): unknown {
  const { spec } = armDeployment(arm);
  const made = (spec as { readonly template: { readonly metadata: object } }).template;
  const own = podLabels(arm.identity);
  const { matchLabels } = arm.template.spec.selector;
  const other = Object.entries(matchLabels).find(([key, value]) => (own[key] ?? value) !== value);
  if (other !== undefined) {
    throw new PlatformError(
      'refused',
      `Deployment ${arm.template.metadata.name} selects its pods by ${other.join('=')}, a label whose value is the gate's to set on an arm's pods. Make it anew with another selector.`,
    );
  }
  const former = Object.entries(arm.template.spec.template.metadata?.labels ?? {}).filter(
    ([key]) => !key.startsWith('speed-gate.dev/'),
  );
  const labels = { ...Object.fromEntries(former), ...own };
  return { ...made, metadata: { ...made.metadata, labels } };
}

/**
 * @throws PlatformError `not-found` with the names that there are
 */
export function requireContainer(template: TemplateDeployment, container: string): void {
  const names = template.spec.template.spec.containers.map(({ name }) => name);
  if (names.includes(container)) return;
  throw new PlatformError(
    'not-found',
    `Deployment ${template.metadata.name} has no container ${container} in its pod template; it has ${names.join(', ')}. Correct \`container\` of the service's \`kubernetes\` part in the catalogue.`,
  );
}

/**
 * `REPOSITORY@sha256:HEX`: never by a tag, which may mean another image tomorrow.
 * @param location repository, maybe already with the digest
 * @throws PlatformError `refused` for a tag or another digest
 */
export function imageByDigest(location: string, digest: string): string {
  const [repository = '', given] = location.split('@', 2);
  if (!/^[0-9a-f]{64}$/.test(digest)) {
    throw new PlatformError('refused', `The build's digest is no SHA-256 in hex: ${digest}`);
  }
  if (given !== undefined && given !== `sha256:${digest}`) {
    throw new PlatformError(
      'refused',
      `The build is said to be image ${location}, but its digest is ${digest}.`,
    );
  }
  // A colon after the last slash is a tag; before it, a registry's port.
  if (repository === '' || repository.slice(repository.lastIndexOf('/')).includes(':')) {
    throw new PlatformError(
      'refused',
      `The build's image must be named by its repository without a tag, not ${JSON.stringify(location)}.`,
    );
  }
  return `${repository}@sha256:${digest}`;
}

function headOf(
  { apiVersion, kind }: Kind,
  identity: ArmIdentity,
  namespace: string,
  annotations?: Readonly<Record<string, string>>,
): KubernetesObject {
  return {
    apiVersion,
    kind,
    metadata: {
      name: identity.id,
      namespace,
      labels: { ...armLabels(identity) },
      ...(annotations && { annotations: { ...annotations } }),
    },
  };
}
