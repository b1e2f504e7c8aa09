/** Production's Deployment of the sample application, whose container is the one that the documentation shows. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { KubernetesClient } from '../../../gate-service/src/platforms/kubernetes/client/client.ts';
import { DEPLOYMENT, SECRET } from '../../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import type { BuildReference } from '../../../gate-service/src/platforms/platform.ts';
import { until } from '../../support/processes.ts';

const DOCUMENTATION = path.join(import.meta.dirname, '../../../docs/kubernetes.md');
/** Who applies what is the team's own. */
const TEAM = { fieldManager: 'the-team' };
/** Requests of the documentation would not fit this small cluster beside its other pods. */
const MODEST = { requests: { cpu: '50m', memory: '256Mi' }, limits: { memory: '1Gi' } };
/** Container of the template that is a node. */
export const CONTAINER = 'node';

export interface NodeDeployment {
  readonly namespace: string;
  readonly name: string;
  readonly build: BuildReference;
  readonly replicas: number;
}

/** Token of the agents of the team's own pods in a namespace. */
export function agentTokenOf(namespace: string): string {
  return `of-the-team-itself-${namespace}`;
}

/** Applies the Secret of its agents' token and the Deployment; waits for nothing. */
export async function deployNodes(client: KubernetesClient, nodes: NodeDeployment): Promise<void> {
  const { build, name, namespace, replicas } = nodes;
  const metadata = { name, namespace };
  await client.apply(
    SECRET,
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata,
      stringData: { token: agentTokenOf(namespace) },
    },
    TEAM,
  );
  await client.apply(
    DEPLOYMENT,
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            automountServiceAccountToken: false,
            terminationGracePeriodSeconds: 60,
            securityContext: { runAsNonRoot: true, runAsUser: 10_001, fsGroup: 10_001 },
            containers: [
              {
                ...(await documentedContainer()),
                name: CONTAINER,
                image: `${build.location}@sha256:${build.digest}`,
                imagePullPolicy: 'IfNotPresent',
                resources: MODEST,
              },
            ],
            volumes: [
              { name: 'node', emptyDir: {} },
              { name: 'tmp', emptyDir: {} },
              { name: 'agent-token', secret: { secretName: name } },
            ],
          },
        },
      },
    },
    TEAM,
  );
}

/** The YAML block of the documentation that shows a node's container. */
export async function documentedContainer(): Promise<Record<string, unknown>> {
  const text = await readFile(DOCUMENTATION, 'utf8');
  const block = [...text.matchAll(/```yaml\n([^]*?)```/g)]
    .map(([, yaml = '']) => yaml)
    .find((yaml) => yaml.startsWith('securityContext:') && yaml.includes('readinessProbe'));
  if (block === undefined) throw new Error(`${DOCUMENTATION} shows no container of a node`);
  return z.record(z.string(), z.unknown()).parse(parse(block));
}

const statusSchema = z.looseObject({
  metadata: z.looseObject({ generation: z.number() }),
  status: z.looseObject({
    observedGeneration: z.number().default(0),
    replicas: z.number().default(0),
    updatedReplicas: z.number().default(0),
    availableReplicas: z.number().default(0),
  }),
});

/** Waits until all pods of the Deployment's template as it is now are available and no others are left. */
export async function untilRolledOut(
  client: KubernetesClient,
  { name, namespace, replicas }: NodeDeployment,
): Promise<void> {
  let last: unknown;
  await until(
    `Deployment ${name} is rolled out`,
    async () => {
      const found = await client.find({ kind: DEPLOYMENT, namespace, name });
      const { metadata, status } = statusSchema.parse(found);
      last = status;
      const counts = [status.replicas, status.updatedReplicas, status.availableReplicas];
      return status.observedGeneration >= metadata.generation &&
        counts.every((count) => count === replicas)
        ? true
        : undefined;
    },
    { withinMs: 600_000, everyMs: 500 },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${JSON.stringify(last)}`, { cause: error });
  });
}
