/** A service on the test cluster for the tests of arms: two namespaces, production's Deployment, and images of its build. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  createKubernetesClient,
  type KubernetesClient,
} from '../../gate-service/src/platforms/kubernetes/client/client.ts';
import {
  CONFIG_MAP,
  DEPLOYMENT,
  NAMESPACE,
  POD,
  SECRET,
  type Kind,
} from '../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import type { KubernetesPlacement } from '../../gate-service/src/platforms/kubernetes/placement.ts';
import type { ArmRequest, BuildReference } from '../../gate-service/src/platforms/platform.ts';
import { requireStackConfiguration } from '../../gate-service/src/stack/configuration.ts';
import { stockConfiguration } from '../../gate-service/src/stack/stock.ts';
import { installPackages } from '../../resources/components/debian.ts';
import { whichAll } from '../../resources/components/machine.ts';
import { importImage, mkimage } from '../support/cluster/images.ts';
import { defaultLayout, pathsOf } from '../support/cluster/layout.ts';
import { until } from '../support/processes.ts';

/** What a build's container does instead of serving. */
export type Behaviour = 'serves' | 'crashes' | 'unhealthy';

export interface ArmsBed {
  readonly kubeconfig: string;
  /** As an admin. */
  readonly client: KubernetesClient;
  readonly placement: KubernetesPlacement;
  readonly agentKey: Uint8Array;
  build(behaviour: Behaviour): BuildReference;
  request(more?: Partial<ArmRequest>): ArmRequest;
  /** `Kind name` of everything of the gate's in a namespace, Secrets too. */
  owned(namespace: string): Promise<readonly string[]>;
  /** Changes production's Deployment under another name, for a template of its own. */
  template(name: string, change: (spec: PodSpec) => void): Promise<KubernetesPlacement>;
  close(): Promise<void>;
}

export interface PodSpec {
  nodeSelector?: Record<string, string>;
  containers: {
    envFrom?: unknown[];
    resources?: unknown;
    [key: string]: unknown;
  }[];
  [key: string]: unknown;
}

/** What containers do when they start; the same program in every image. */
const SCRIPTS: Readonly<Record<Behaviour, string>> = {
  serves: 'trap "exit 0" TERM; /bin/busybox httpd -f -p 8080 -h /www & wait $!',
  crashes: 'echo "opening the database"; echo "cannot open the database at db:5432"; exit 3',
  unhealthy: 'trap "exit 0" TERM; /bin/busybox httpd -f -p 8080 -h /empty & wait $!',
};

export const RESOURCES = { cores: 2, memoryMiB: 2048, fileDescriptors: 65_536, javaVersion: 17 };

export async function armsBed(): Promise<ArmsBed> {
  const id = `arms-${randomBytes(3).toString('hex')}`;
  const { kubeconfig } = pathsOf(defaultLayout);
  const client = createKubernetesClient({ kubeconfig });
  const folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-arms-'));
  const namespaces = { staging: `${id}-staging`, production: id };
  const digests = new Map<Behaviour, BuildReference>();
  for (const behaviour of ['serves', 'crashes', 'unhealthy'] as const) {
    digests.set(behaviour, await image(folder, id, behaviour));
  }
  for (const name of Object.values(namespaces)) {
    await client.apply(NAMESPACE, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    // Pods are refused before the controller has made it.
    await until(`the service account of ${name} is there`, async () =>
      (await client.find({ kind: SERVICE_ACCOUNT, namespace: name, name: 'default' })) === undefined
        ? undefined
        : true,
    );
  }
  const placement: KubernetesPlacement = {
    staging: { namespace: namespaces.staging },
    production: { namespace: namespaces.production },
    deployment: 'checkout',
    container: 'app',
    ports: { http: 8080, agent: 9090 },
    readySeconds: 90,
  };
  const deploy = async (name: string, change: (spec: PodSpec) => void): Promise<void> => {
    await client.apply(DEPLOYMENT, production(name, namespaces.production, digests, change), {
      fieldManager: 'the-team',
    });
  };
  await deploy('checkout', () => undefined);
  return {
    kubeconfig,
    client,
    placement,
    agentKey: randomBytes(32),
    build: (behaviour) => digests.get(behaviour)!,
    request: (more) => ({
      service: {
        name: 'checkout',
        hosts: ['checkout.test'],
        healthPath: '/',
        systemProperties: {},
      },
      environment: 'staging',
      role: 'candidate',
      build: digests.get('serves')!,
      configuration: requireStackConfiguration(stockConfiguration(RESOURCES).values, RESOURCES),
      nodes: 2,
      ...more,
    }),
    async owned(namespace) {
      const labels = { 'app.kubernetes.io/managed-by': 'speed-gate' };
      const found = await Promise.all(
        [CONFIG_MAP, SECRET, DEPLOYMENT, POD].map(async (kind) =>
          (await client.list({ kind, namespace, labels })).map(
            ({ metadata }) => `${kind.kind} ${metadata.name}`,
          ),
        ),
      );
      return found.flat();
    },
    async template(name, change) {
      await deploy(name, change);
      return { ...placement, deployment: name };
    },
    async close() {
      for (const name of Object.values(namespaces)) {
        await client.delete({ kind: NAMESPACE, name });
      }
      await until('the namespaces are gone', async () => {
        const left = await Promise.all(
          Object.values(namespaces).map((name) => client.find({ kind: NAMESPACE, name })),
        );
        return left.every((one) => one === undefined) ? true : undefined;
      });
      await client.close();
      await rm(folder, { recursive: true });
    },
  };
}

const SERVICE_ACCOUNT: Kind = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};

function production(
  name: string,
  namespace: string,
  digests: ReadonlyMap<Behaviour, BuildReference>,
  change: (spec: PodSpec) => void,
) {
  const labels = { app: name };
  const { digest, location } = digests.get('serves')!;
  const spec: PodSpec = {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 10,
    securityContext: { runAsNonRoot: true, runAsUser: 65_534 },
    containers: [
      {
        name: 'app',
        image: `${location}@sha256:${digest}`,
        imagePullPolicy: 'IfNotPresent',
        ports: [{ name: 'http', containerPort: 8080 }],
        readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 },
        resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } },
      },
    ],
  };
  change(spec);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      // Only its template is wanted here.
      replicas: name === 'checkout' ? 1 : 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels: { ...labels, team: 'shop' } }, spec },
    },
  };
}

async function image(folder: string, id: string, behaviour: Behaviour): Promise<BuildReference> {
  const root = path.join(folder, behaviour);
  for (const name of ['bin', 'www', 'empty', 'tmp']) {
    await mkdir(path.join(root, name), { recursive: true });
  }
  await copyFile(await busybox(), path.join(root, 'bin/busybox'));
  await writeFile(path.join(root, 'www/index.html'), `${behaviour}\n`);
  const location = `localhost/${id}/checkout-${behaviour}`;
  const made = await mkimage(path.join(folder, `${behaviour}.tar`), {
    name: `${location}:1`,
    root,
    command: ['/bin/busybox', 'sh', '-c', SCRIPTS[behaviour]],
    user: '65534',
  });
  await importImage(made.archive);
  return { digest: made.digest.replace('sha256:', ''), location };
}

/** Static, so that an image needs nothing else. */
async function busybox(): Promise<string> {
  const [found] = whichAll('busybox');
  if (found !== undefined) return found;
  const missing = { problem: 'busybox', whatFor: 'images of tests', packages: ['busybox-static'] };
  await installPackages([missing]);
  return whichAll('busybox')[0]!;
}
