/** Nodes as pods: their image in a real cluster, with the container that the documentation shows. */
import { randomBytes } from 'node:crypto';
import { request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createNodeAgentClient } from '../../gate-service/src/node-agent/client.ts';
import {
  isEnding,
  podsOf,
  type Pod,
} from '../../gate-service/src/platforms/kubernetes/arms/pods.ts';
import {
  createKubernetesClient,
  type KubernetesClient,
} from '../../gate-service/src/platforms/kubernetes/client/client.ts';
import { DEPLOYMENT, POD } from '../../gate-service/src/platforms/kubernetes/client/kinds.ts';
import { STOCK_VALUES } from '../../gate-service/src/stack/stock.ts';
import { until } from '../support/processes.ts';
import { KUBECONFIG } from './support/api-server.ts';
import { freshNamespace, removeNamespaces } from './support/fresh-namespace.ts';
import {
  agentTokenOf,
  CONTAINER,
  deployNodes,
  untilRolledOut,
  type NodeDeployment,
} from './support/node-deployment.ts';
import { nodeImages, type NodeImages } from './support/node-image.ts';

const namespace = `nodes-${randomBytes(3).toString('hex')}`;
const TOKEN = agentTokenOf(namespace);
let client: KubernetesClient;
let images: NodeImages;
let checkout: NodeDeployment;

beforeAll(async () => {
  client = createKubernetesClient({ kubeconfig: KUBECONFIG });
  images = await nodeImages();
  checkout = { namespace, name: 'checkout', build: images['1.0'], replicas: 2 };
  await freshNamespace(client, namespace);
  await deployNodes(client, checkout);
  await untilRolledOut(client, checkout);
}, 40 * 60_000);

afterAll(async () => {
  await removeNamespaces(client, [namespace]);
  await client.close();
}, 240_000);

/** Those that are not about to go. */
async function podsIn({ name }: NodeDeployment): Promise<readonly Pod[]> {
  const pods = await client.list({ kind: POD, namespace, labels: { app: name } });
  return podsOf(pods).filter((pod) => !isEnding(pod));
}

it('is ready when the application answers through httpd, and its agent takes a configuration with its token only', async () => {
  const pods = await podsIn(checkout);
  expect(pods).toHaveLength(2);
  for (const { metadata, status } of pods) {
    const address = status.podIP ?? '';
    const answer = await request(`http://${address}:8080/health`);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['x-speed-gate-node']).toBe(metadata.name);
    await answer.body.dump();
    const stranger = createNodeAgentClient({ address, port: 9090, token: 'x'.repeat(20) });
    await expect(stranger.status()).rejects.toThrow(/token/);
    const agent = createNodeAgentClient({ address, port: 9090, token: TOKEN });
    expect(await agent.status()).toMatchObject({ health: 'ready', name: metadata.name });
    expect(await agent.configure({ ...STOCK_VALUES, 'jetty.maxThreads': 220 })).toMatchObject({
      way: 'live',
    });
    // Jetty itself is not to be reached past httpd.
    await expect(request(`http://${address}:8081/health`)).rejects.toThrow();
  }
});

it('is never ready with an application that does not start, and its log says why', async () => {
  const broken: NodeDeployment = {
    namespace,
    name: 'broken',
    build: images['broken-start'],
    replicas: 1,
  };
  await deployNodes(client, broken);
  const log = await until(
    'the log tells',
    async () => {
      const [pod] = await podsIn(broken);
      if (pod === undefined) return undefined;
      const place = { namespace, name: pod.metadata.name, container: CONTAINER };
      const text = await client.log(place).catch(() => '');
      return /did not start in Jetty|Jetty ended/.test(text) ? text : undefined;
    },
    { withinMs: 300_000, everyMs: 500 },
  );
  expect(log).toMatch(/its log says:/);
  const deployment = await client.find({ kind: DEPLOYMENT, namespace, name: broken.name });
  expect(deployment).not.toMatchObject({ status: { availableReplicas: 1 } });
}, 600_000);
