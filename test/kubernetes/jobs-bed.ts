/** A namespace with a small HTTP server in a pod, for the sender's workers in pods of their own beside it. */
import { randomBytes } from 'node:crypto';
import {
  createKubernetesClient,
  type KubernetesClient,
} from '../../gate-service/src/platforms/kubernetes/client/client.ts';
import {
  EVENT,
  NAMESPACE,
  POD,
  type Kind,
} from '../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import { podsOf, isReady } from '../../gate-service/src/platforms/kubernetes/arms/pods.ts';
import { JOB } from '../../gate-service/src/platforms/kubernetes/jobs/job.ts';
import { defaultLayout, pathsOf } from '../support/cluster/layout.ts';
import { until } from '../support/processes.ts';
import { freshNamespace } from './support/fresh-namespace.ts';
import { senderImage } from './support/sender-image.ts';

const PORT = 8080;

/** Answers in its arm's name after 2 ms, and says under /seen how many requests each arm had. */
const SERVER = `
const seen = {};
require('node:http').createServer((request, response) => {
  if (request.url === '/seen') return response.end(JSON.stringify(seen));
  const arm = request.headers['x-speed-gate-arm'];
  seen[arm] = (seen[arm] ?? 0) + 1;
  response.setHeader('x-speed-gate-node', 'node-of-' + arm);
  setTimeout(() => response.end('fine'), 2);
}).listen(${PORT});
process.on('SIGTERM', () => process.exit(0));
`;

export interface JobsBed {
  readonly namespace: string;
  readonly image: string;
  /** As an admin. */
  readonly client: KubernetesClient;
  /** With no rights but those that the chart gives staging's account for the sender. */
  readonly limited: KubernetesClient;
  readonly target: { readonly host: string; readonly port: number };
  /** Requests that the server had so far, by arm. */
  seen(): Promise<Readonly<Record<string, number>>>;
  /** `Kind name` of everything of the gate's. */
  owned(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const rbac = (kind: string, plural: string): Kind => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind,
  plural,
  namespaced: true,
});

export async function jobsBed(): Promise<JobsBed> {
  const { kubeconfig } = pathsOf(defaultLayout);
  const client = createKubernetesClient({ kubeconfig });
  const namespace = `jobs-${randomBytes(3).toString('hex')}`;
  const image = await senderImage();
  await freshNamespace(client, namespace);
  await grant(client, namespace);
  await client.apply(POD, server(namespace, image));
  const host = await until('the server is ready', async () => {
    const [pod] = podsOf(await client.list({ kind: POD, namespace, labels: { app: 'server' } }));
    return pod !== undefined && isReady(pod) ? pod.status.podIP : undefined;
  });
  const limited = createKubernetesClient({
    kubeconfig,
    impersonate: `system:serviceaccount:${namespace}:default`,
  });
  return {
    namespace,
    image,
    client,
    limited,
    target: { host, port: PORT },
    async seen() {
      const answer = await fetch(`http://${host}:${PORT}/seen`);
      return (await answer.json()) as Record<string, number>;
    },
    async owned() {
      const labels = { 'app.kubernetes.io/managed-by': 'speed-gate' };
      const found = await Promise.all(
        [JOB, POD].map(async (kind) =>
          (await client.list({ kind, namespace, labels })).map(
            ({ metadata }) => `${kind.kind} ${metadata.name}`,
          ),
        ),
      );
      return found.flat();
    },
    async close() {
      await client.delete({ kind: NAMESPACE, name: namespace });
      await until('the namespace is gone', async () =>
        (await client.find({ kind: NAMESPACE, name: namespace })) === undefined ? true : undefined,
      );
      await limited.close();
      await client.close();
    },
  };
}

/** The rules of rbac-sender.yaml and, of rbac-environments.yaml, those that the sender needs. */
async function grant(client: KubernetesClient, namespace: string): Promise<void> {
  const metadata = { name: 'sender', namespace };
  const role = rbac('Role', 'roles');
  await client.apply(role, {
    apiVersion: role.apiVersion,
    kind: role.kind,
    metadata,
    rules: [
      {
        apiGroups: ['batch'],
        resources: [JOB.plural],
        verbs: ['get', 'list', 'create', 'patch', 'delete'],
      },
      { apiGroups: [''], resources: [POD.plural], verbs: ['get', 'list', 'watch', 'patch'] },
      { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
      { apiGroups: [''], resources: [EVENT.plural], verbs: ['list'] },
    ],
  });
  const binding = rbac('RoleBinding', 'rolebindings');
  await client.apply(binding, {
    apiVersion: binding.apiVersion,
    kind: binding.kind,
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'sender' },
    subjects: [{ kind: 'ServiceAccount', name: 'default', namespace }],
  });
}

function server(namespace: string, image: string) {
  return {
    apiVersion: POD.apiVersion,
    kind: POD.kind,
    metadata: { name: 'server', namespace, labels: { app: 'server' } },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 2,
      containers: [
        {
          name: 'server',
          image,
          command: ['node', '--eval', SERVER],
          readinessProbe: { tcpSocket: { port: PORT }, periodSeconds: 1 },
          resources: { requests: { cpu: '10m', memory: '64Mi' } },
        },
      ],
    },
  };
}
