/** The platform `kubernetes` on the test cluster: a service with two namespaces of the test's own, and real nodes. */
import { randomBytes } from 'node:crypto';
import type { Environment } from '../../../gate-service/src/mesh/plan.ts';
import {
  createKubernetesClient,
  type KubernetesClient,
} from '../../../gate-service/src/platforms/kubernetes/client/client.ts';
import {
  CONFIG_MAP,
  DEPLOYMENT,
  NAMESPACE,
  POD,
  REPLICA_SET,
  SECRET,
} from '../../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import {
  openKubernetesPlatform,
  type KubernetesPlatform,
  type KubernetesPlatformOptions,
} from '../../../gate-service/src/platforms/kubernetes/kubernetes-platform.ts';
import { envoyProxies } from '../../../gate-service/src/platforms/kubernetes/mesh/envoy-proxies.ts';
import { ISTIO_KINDS } from '../../../gate-service/src/platforms/kubernetes/mesh/kinds.ts';
import type { ServicePlacement } from '../../../gate-service/src/platforms/kubernetes/placement.ts';
import type { ArmRequest } from '../../../gate-service/src/platforms/platform.ts';
import {
  requireStackConfiguration,
  type StackConfiguration,
} from '../../../gate-service/src/stack/configuration.ts';
import { STOCK_VALUES } from '../../../gate-service/src/stack/stock.ts';
import { defaultLayout, gateways, gatewayUrl, pathsOf } from '../../support/cluster/layout.ts';
import { until } from '../../support/processes.ts';
import { freshNamespace } from './fresh-namespace.ts';
import { ADMIN_PORT } from './istio-bed.ts';
import { CONTAINER, deployNodes, untilRolledOut } from './node-deployment.ts';
import { nodeImages, type NodeImages } from './node-image.ts';
import { ask } from './steady-load.ts';

export const RESOURCES = { cores: 2, memoryMiB: 896, fileDescriptors: 65_536, javaVersion: 17 };
export const SERVICE = 'checkout';

type Values = Readonly<Record<string, number | boolean | string>>;

export interface PlatformBed {
  readonly client: KubernetesClient;
  readonly images: NodeImages;
  readonly placement: ServicePlacement;
  readonly host: string;
  readonly log: readonly string[];
  /** Another gate on the same cluster: it knows nothing but what is there. */
  open(more?: Partial<KubernetesPlatformOptions>): KubernetesPlatform;
  request(more?: Partial<ArmRequest>): ArmRequest;
  configuration(changes?: Values): StackConfiguration;
  /** Status and version of the build that answers. */
  ask(
    environment: Environment,
    headers?: Readonly<Record<string, string>>,
  ): Promise<{ readonly status: number; readonly version: string; readonly node: string }>;
  /** `Kind name` of everything of the gate's in both namespaces. */
  owned(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** @param replicas of production's Deployment, which is the template of all arms */
export async function platformBed(replicas = 0): Promise<PlatformBed> {
  const images = await nodeImages();
  const client = createKubernetesClient({ kubeconfig: pathsOf(defaultLayout).kubeconfig });
  const id = `platform-${randomBytes(3).toString('hex')}`;
  const namespaces = { staging: `${id}-staging`, production: id };
  const host = `checkout.${id}.example`;
  for (const name of Object.values(namespaces)) await freshNamespace(client, name);
  const primary = {
    namespace: namespaces.production,
    name: 'checkout',
    build: images['1.0'],
    replicas,
  };
  await deployNodes(client, primary);
  await untilRolledOut(client, primary);
  const placeOf = (environment: Environment): ServicePlacement['staging'] => {
    const { gateway, namespace, nodePort } = gateways[environment];
    const name = gateway.replace(`${namespace}/`, '');
    const address = { host: defaultLayout.address, port: nodePort };
    return { namespace: namespaces[environment], gateways: [{ namespace, name, address }] };
  };
  const placement: ServicePlacement = {
    staging: placeOf('staging'),
    production: placeOf('production'),
    deployment: 'checkout',
    container: CONTAINER,
    ports: { http: 8080, agent: 9090 },
    readySeconds: 180,
  };
  const agentKey = randomBytes(32);
  const log: string[] = [];
  const configuration = (changes: Values = {}): StackConfiguration =>
    requireStackConfiguration({ ...STOCK_VALUES, ...changes }, RESOURCES);
  return {
    client,
    images,
    placement,
    host,
    log,
    configuration,
    open: (more) =>
      openKubernetesPlatform({
        services: [{ name: SERVICE, hosts: [host], placement }],
        clients: { staging: client, production: client },
        proxies: envoyProxies(ADMIN_PORT),
        agentKey,
        nodeResources: RESOURCES,
        log: (message) => log.push(message),
        ...more,
      }),
    request: (more) => ({
      service: { name: SERVICE, hosts: [host], healthPath: '/health', systemProperties: {} },
      environment: 'production',
      role: 'current',
      build: images['1.0'],
      configuration: configuration(),
      nodes: 1,
      ...more,
    }),
    async ask(environment, headers = {}) {
      const answer = await ask(`${gatewayUrl(environment)}/health`, { Host: host, ...headers });
      const version = /"version"\s*:\s*"([^"]*)"/.exec(answer.body)?.[1] ?? '';
      return {
        status: answer.status,
        version,
        node: String(answer.headers['x-speed-gate-node'] ?? ''),
      };
    },
    async owned() {
      const labels = { 'app.kubernetes.io/managed-by': 'speed-gate' };
      const kinds = [
        ...[CONFIG_MAP, SECRET, DEPLOYMENT, REPLICA_SET, POD],
        ...[ISTIO_KINDS.VirtualService, ISTIO_KINDS.DestinationRule, ISTIO_KINDS.ServiceEntry],
      ];
      const found = await Promise.all(
        Object.values(namespaces).flatMap((namespace) =>
          kinds.map(async (kind) =>
            (await client.list({ kind, namespace, labels })).map(
              ({ metadata }) => `${kind.kind} ${metadata.name}`,
            ),
          ),
        ),
      );
      return found.flat();
    },
    async close() {
      const names = Object.values(namespaces);
      for (const name of names) await client.delete({ kind: NAMESPACE, name });
      await until(
        'the namespaces are gone',
        async () => {
          const left = names.map((name) => client.find({ kind: NAMESPACE, name }));
          return (await Promise.all(left)).every((one) => one === undefined) ? true : undefined;
        },
        { withinMs: 180_000, everyMs: 500 },
      );
      await client.close();
    },
  };
}
