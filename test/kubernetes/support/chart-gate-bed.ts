/** The gate in a pod of the test cluster, installed by its chart, with a service of real nodes behind the gateways. */
import { randomBytes } from 'node:crypto';
import { stringify } from 'yaml';
import { z } from 'zod';
import { tokenDigest } from '../../../gate-service/src/api/identity/token-book.ts';
import {
  isReady,
  podsOf,
  type Pod,
} from '../../../gate-service/src/platforms/kubernetes/arms/pods.ts';
import {
  createKubernetesClient,
  type KubernetesClient,
} from '../../../gate-service/src/platforms/kubernetes/client/client.ts';
import { POD, SECRET } from '../../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import type { Finding } from '../../../gate-service/src/commands/doctor/finding.ts';
import { runningCluster } from '../../support/cluster/cluster.ts';
import { defaultLayout, gateways, gatewayUrl } from '../../support/cluster/layout.ts';
import { SERVICE } from '../../support/gate-fixture.ts';
import { until } from '../../support/processes.ts';
import { KUBECONFIG } from './api-server.ts';
import { prepareRelease, type ChartRelease } from './chart-release.ts';
import type { Values } from './chart.ts';
import { GATE } from '../../image/gate-image.ts';
import { gateImage } from './gate-image.ts';
import { DEPLOYMENT_NAME, placedService, sampleEntry, versionBehind } from './gate-run-bed.ts';
import { GateUser } from './gate-user.ts';
import { startGatewayPrometheus } from './gateway-prometheus.ts';
import { ADMIN_PORT } from './istio-bed.ts';
import { deployNodes, untilRolledOut } from './node-deployment.ts';
import { nodeImages, type NodeImages } from './node-image.ts';

const IDENTITIES = 'identities';
const PORT = 7080;
const READY_MS = 300_000;
const LOG_LINES = 60;

export interface DoctorReport {
  readonly problems: number;
  readonly findings: readonly Finding[];
}

export interface ChartGateBed {
  readonly release: ChartRelease;
  readonly client: KubernetesClient;
  readonly images: NodeImages;
  readonly host: string;
  /** Over the ClusterIP of the chart's Service. */
  readonly user: GateUser;
  /** The gate's own. */
  pods(): Promise<readonly Pod[]>;
  /** What `speed-gate doctor` says in the gate's container. */
  doctor(): Promise<DoctorReport>;
  /** Its latest lines, but for those of requests. */
  log(): Promise<string>;
  /** The version that production answers with now, through the gateway. */
  productionVersion(): Promise<string>;
  close(): Promise<void>;
}

/**
 * Installed and ready, with the sample application's version 1.0 in production.
 * @param service further changes to the sample's catalogue entry
 * @param rate pairs of requests a second
 */
export async function chartGateBed(service: Values, rate: number): Promise<ChartGateBed> {
  const gate = await gateImage();
  const images = await nodeImages();
  const client = createKubernetesClient({ kubeconfig: KUBECONFIG });
  const undo: (() => Promise<unknown>)[] = [() => client.close()];
  const close = async (): Promise<void> => {
    for (const step of undo.toReversed()) await step();
  };
  try {
    const release = await prepareRelease();
    undo.push(() => release.remove());
    const { namespaces } = release;
    const host = `checkout.${namespaces.production}.example`;
    const token = randomBytes(24).toString('base64url');
    await deployPrimary(client, namespaces.production, images);
    const prometheus = await startGatewayPrometheus(client, defaultLayout.address);
    undo.push(() => prometheus.stop());
    await client.apply(SECRET, identities(namespaces.gate, token));
    const { digest, location } = images['1.0'];
    const placed = placedService(host, namespaces, (environment) => ({
      host: gateways[environment].clusterAddress,
      port: gateways[environment].port,
    }));
    await release.upgrade({
      image: { repository: GATE, digest: gate.digest },
      identities: { existingSecret: IDENTITIES },
      prometheus: { url: prometheus.url },
      mesh: { namespaces: ['istio-system', 'edge'], gateways: 'envoy' },
      settings: { SPEED_GATE_GATEWAY_ADMIN_PORT: ADMIN_PORT },
      node: { cores: 2, memoryMiB: 1024 },
      // The test cluster has no volumes, and two cores for everything.
      persistence: { enabled: false },
      resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '2Gi' } },
      catalogue: {
        text: stringify({ services: [{ ...(await sampleEntry(rate)), ...placed, ...service }] }),
      },
      services: [
        {
          name: SERVICE,
          staging: { namespace: namespaces.staging },
          production: {
            namespace: namespaces.production,
            deployment: DEPLOYMENT_NAME,
            firstBuild: `${location}@sha256:${digest}`,
          },
        },
      ],
    });
    const bed = await bedOf(release, { client, images, host, close }, token);
    await untilReady(bed);
    return bed;
  } catch (error) {
    await close();
    throw error;
  }
}

async function bedOf(
  release: ChartRelease,
  more: Pick<ChartGateBed, 'client' | 'images' | 'host' | 'close'>,
  token: string,
): Promise<ChartGateBed> {
  const { admin, name, namespaces } = release;
  const { client, host } = more;
  const namespace = namespaces.gate;
  const { spec } = z
    .looseObject({ spec: z.looseObject({ clusterIP: z.string() }) })
    .parse(await admin.call('GET', `/api/v1/namespaces/${namespace}/services/${name}`));
  const cluster = await runningCluster();
  const inNamespace = (...args: readonly string[]) =>
    cluster.kubectl('--namespace', namespace, ...args);
  return {
    ...more,
    release,
    user: new GateUser(`http://${spec.clusterIP}:${PORT}`, token),
    async pods() {
      const labels = { 'app.kubernetes.io/instance': name };
      return podsOf(await client.list({ kind: POD, namespace, labels }));
    },
    async doctor() {
      // With problems its exit code is 1.
      const command = 'node gate-service/src/main.ts doctor --json || test $? -eq 1';
      const said = await inNamespace('exec', `deployment/${name}`, '--', 'sh', '-c', command);
      return JSON.parse(said) as DoctorReport;
    },
    async log() {
      const lines = (await inNamespace('logs', `deployment/${name}`, '--tail=5000')).split('\n');
      return lines
        .filter((line) => !line.includes('"reqId"'))
        .slice(-LOG_LINES)
        .join('\n');
    },
    productionVersion: () => versionBehind(gatewayUrl('production'), host),
  };
}

/** Once, and at the first try: a gate that is killed while it starts has come up by luck. */
async function untilReady(bed: ChartGateBed): Promise<void> {
  const { user } = bed;
  let answer: unknown = 'not asked: its pod is not ready';
  await until(
    'the gate is ready in its pod',
    async () => {
      const [pod] = await bed.pods();
      if (pod === undefined || !isReady(pod)) return undefined;
      answer = await user.status('/readyz').catch(String);
      return answer === 200 ? true : undefined;
    },
    { withinMs: READY_MS, everyMs: 250 },
  ).catch(async (error: unknown) => {
    const [pod] = await bed.pods();
    throw new Error(
      `${String(error)}\n/readyz: ${String(answer)}\n${JSON.stringify(pod?.status)}\n${await bed.log().catch(String)}`,
      { cause: error },
    );
  });
}

async function deployPrimary(
  client: KubernetesClient,
  namespace: string,
  images: NodeImages,
): Promise<void> {
  const primary = { namespace, name: DEPLOYMENT_NAME, build: images['1.0'], replicas: 1 };
  await deployNodes(client, primary);
  await untilRolledOut(client, primary);
}

/** A person who may do everything with the service. */
function identities(namespace: string, token: string) {
  const tokens = [
    {
      name: 'tester',
      kind: 'person',
      sha256: tokenDigest(token),
      rights: ['read', 'run', 'promote', 'override'],
    },
  ];
  return {
    apiVersion: SECRET.apiVersion,
    kind: SECRET.kind,
    metadata: { name: IDENTITIES, namespace },
    stringData: { 'identities.yaml': stringify({ tokens }) },
  };
}
