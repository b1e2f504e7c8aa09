/** What of the test cluster runs, seen without building, starting or changing anything. */
import { tryRun } from '../../../resources/components/command.ts';
import { z } from 'zod';
import { componentNames } from './cluster.ts';
import type { ComponentName } from './cluster.ts';
import { defaultLayout, gateways, gatewayUrl, NODE_NAME, pathsOf } from './layout.ts';
import type { ClusterLayout, GatewayName } from './layout.ts';
import { recordOfRunning } from './supervise.ts';

export interface ClusterStatus {
  /** Each process with its pid while it runs. */
  readonly processes: Readonly<Record<ComponentName, number | undefined>>;
  /** Whether the node, istiod and the gateways are ready; empty while the API server does not answer. */
  readonly ready: Readonly<Record<string, boolean>>;
  readonly kubeconfig: string;
  /** Where this machine reaches the gateways. */
  readonly urls: Readonly<Record<GatewayName, string>>;
  /** Everything runs and is ready. */
  readonly up: boolean;
}

export async function clusterStatus(layout: ClusterLayout = defaultLayout): Promise<ClusterStatus> {
  const records = await Promise.all(
    componentNames.map(async (name) => [name, await recordOfRunning(layout, name)] as const),
  );
  const [program] = records.find(([name]) => name === 'kube-apiserver')?.[1]?.command ?? [];
  const ready = program === undefined ? {} : await readiness(layout, program);
  const pids = records.map(([name, record]) => [name, record?.pid] as const);
  return {
    processes: Object.fromEntries(pids) as ClusterStatus['processes'],
    ready,
    kubeconfig: pathsOf(layout).kubeconfig,
    urls: { staging: gatewayUrl('staging', layout), production: gatewayUrl('production', layout) },
    up:
      pids.every(([, pid]) => pid !== undefined) &&
      Object.keys(ready).length > 0 &&
      Object.values(ready).every(Boolean),
  };
}

const listSchema = z.object({
  items: z.array(
    z.object({
      kind: z.string(),
      metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
      status: z.object({
        conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
        readyReplicas: z.int().default(0),
      }),
    }),
  ),
});

async function readiness(
  layout: ClusterLayout,
  program: string,
): Promise<Readonly<Record<string, boolean>>> {
  const { code, stdout } = await tryRun(program, [
    ...['kubectl', '--kubeconfig', pathsOf(layout).kubeconfig, '--request-timeout=5s'],
    ...['get', 'nodes,deployments', '--all-namespaces', '-o', 'json'],
  ]);
  if (code !== 0) return {};
  const { items } = listSchema.parse(JSON.parse(stdout));
  const node = items.find(({ kind, metadata }) => kind === 'Node' && metadata.name === NODE_NAME);
  const condition = node?.status.conditions.find(({ type }) => type === 'Ready');
  const deployed = (namespace: string, name: string) =>
    (items.find(
      ({ kind, metadata }) =>
        kind === 'Deployment' && metadata.namespace === namespace && metadata.name === name,
    )?.status.readyReplicas ?? 0) > 0;
  return {
    node: condition?.status === 'True',
    istiod: deployed('istio-system', 'istiod'),
    ...Object.fromEntries(
      Object.values(gateways).map(({ namespace, deployment }) => [
        deployment,
        deployed(namespace, deployment),
      ]),
    ),
  };
}
