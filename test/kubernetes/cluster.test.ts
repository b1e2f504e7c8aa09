/** The tool that brings the cluster up, on the real one. */
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, freePorts } from '../../gate-service/src/processes/free-port.ts';
import { clusterDown, clusterUp } from '../support/cluster/cluster.ts';
import type { Cluster } from '../support/cluster/cluster.ts';
import { importImage, mkimage } from '../support/cluster/images.ts';
import { defaultLayout, gateways, gatewayUrl, pathsOf } from '../support/cluster/layout.ts';
import type { ClusterLayout, GatewayName } from '../support/cluster/layout.ts';
import { machineBefore } from '../support/cluster/machine.ts';
import { clusterStatus } from '../support/cluster/status.ts';
import { remains } from '../support/cluster/takedown.ts';
import { knownProcess, processesNaming, until } from '../support/processes.ts';

let cluster: Cluster;
let folder: string;

beforeAll(async () => {
  cluster = await clusterUp();
  folder = await mkdtemp(path.join(tmpdir(), 'speed-gate-cluster-test-'));
});
afterAll(async () => {
  await cluster.kubectl('delete', 'namespace', 'cluster-test', '--ignore-not-found');
  await rm(folder, { recursive: true });
});

/** What a second `up` must not touch: its processes, and every version of its objects. */
async function footprint(): Promise<string> {
  const { processes, ready } = await clusterStatus();
  const versions = async (kinds: string, of: string, ...where: readonly string[]) =>
    cluster.kubectl(
      ...['get', kinds, ...where, '-o'],
      `jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.uid} ${of}{"\\n"}{end}`,
    );
  const generation = '{.metadata.generation}';
  const version = '{.metadata.resourceVersion}';
  const objects = [await versions('crd,validatingwebhookconfigurations', version)];
  for (const namespace of ['istio-system', 'edge']) {
    objects.push(
      await versions('pods,deployments', generation, '-n', namespace),
      await versions('services,configmaps,gateways.networking.istio.io', version, '-n', namespace),
    );
  }
  // istiod keeps its leader's term in these.
  const kept = objects.join('\n').replace(/^ConfigMap\/istio-.*\n/gm, '');
  return `${JSON.stringify({ processes, ready }, null, 2)}\n${kept}`;
}

test('a second up changes nothing', async () => {
  const before = await footprint();
  await clusterUp();
  expect(await footprint()).toBe(before);
  expect((await clusterStatus()).up).toBe(true);
});

test('an up whose API server port is taken says so and starts nothing', async () => {
  const [etcd = 0, etcdPeer = 0, kubelet = 0, kubeletHealth = 0, ...others] = await freePorts(8);
  const [controllerManager = 0, scheduler = 0, proxyHealth = 0, proxyMetrics = 0] = others;
  const api = await freePort('127.0.0.1');
  const layout: ClusterLayout = {
    state: path.join(folder, 'state'),
    run: path.join(folder, 'run'),
    etcdData: path.join(folder, 'etcd'),
    address: '127.0.0.1',
    ports: {
      ...{ api, etcd, etcdPeer, kubelet, kubeletHealth },
      ...{ controllerManager, scheduler, proxyHealth, proxyMetrics },
    },
  };
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(api, '127.0.0.1', resolve));
  try {
    await expect(clusterUp(layout)).rejects.toThrow(
      new RegExp(`kube-apiserver needs 127\\.0\\.0\\.1:${api}, where process ${process.pid} `),
    );
  } finally {
    server.close();
  }
  expect(existsSync(layout.state)).toBe(false);
  expect(processesNaming(folder)).toEqual([]);
});

test('a killed API server is started again by up, and the others stay', async () => {
  const before = (await clusterStatus()).processes;
  const killed = knownProcess(before['kube-apiserver']!);
  process.kill(killed.pid, 'SIGKILL');
  await until('the API server is gone', () => (killed.isRunning() ? undefined : true));
  expect((await clusterStatus()).up).toBe(false);
  await clusterUp();
  const after = (await clusterStatus()).processes;
  expect(after['kube-apiserver']).not.toBe(killed.pid);
  expect({ ...after, 'kube-apiserver': killed.pid }).toEqual(before);
});

test('a pod runs an imported image by its digest', async () => {
  const root = path.join(folder, 'root');
  await mkdir(root);
  await copyFile(cluster.programs.pause, path.join(root, 'pause'));
  const made = await mkimage(path.join(folder, 'image.tar'), {
    name: 'localhost/cluster-test/idle:1',
    root,
    command: ['/pause'],
    user: '65534',
  });
  const [image] = await importImage(made.archive);
  expect(image).toEqual({
    name: made.name,
    digest: made.digest,
    reference: `localhost/cluster-test/idle@${made.digest}`,
  });
  await cluster.kubectl('create', 'namespace', 'cluster-test');
  await cluster.kubectl('-n', 'cluster-test', 'run', 'idle', `--image=${image!.reference}`);
  await cluster.kubectl(
    ...['-n', 'cluster-test', 'wait', 'pod/idle', '--for=condition=Ready', '--timeout=120s'],
  );
  const running = await cluster.kubectl(
    ...['-n', 'cluster-test', 'get', 'pod', 'idle', '-o'],
    'jsonpath={.status.containerStatuses[0].imageID}',
  );
  expect(running).toContain(made.digest);
});

test.each(Object.keys(gateways) as GatewayName[])(
  'the gateway of %s answers from this machine, and knows no host yet',
  async (name) => {
    const answer = await fetch(gatewayUrl(name), { headers: { connection: 'close' } });
    expect(answer.status).toBe(404);
    expect(answer.headers.get('server')).toBe('istio-envoy');
  },
);

test("istiod's validation refuses what the definitions let through", async () => {
  const file = path.join(folder, 'bad.yaml');
  const bad = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'bad', namespace: 'default' },
    spec: { hosts: ['a.test'], http: [{ route: [{ destination: { host: 'b' }, weight: -1 }] }] },
  };
  await writeFile(file, JSON.stringify(bad));
  await expect(cluster.kubectl('apply', '--server-side', '-f', file)).rejects.toThrow(
    /admission webhook "rev\.validation\.istio\.io" denied the request/,
  );
});

test('a cluster of which nothing runs any more is made anew', async () => {
  await cluster.kubectl('create', 'configmap', 'of-the-former-one');
  const killed = Object.values((await clusterStatus()).processes).map((pid) => knownProcess(pid!));
  for (const { pid } of killed) process.kill(pid, 'SIGKILL');
  await until('nothing of the cluster runs', () =>
    killed.some((one) => one.isRunning()) ? undefined : true,
  );
  cluster = await clusterUp();
  expect((await clusterStatus()).up).toBe(true);
  const names = await cluster.kubectl('get', 'configmaps', '-o', 'name');
  expect(names).not.toContain('of-the-former-one');
});

test('down leaves no process, mount, interface, chain, kernel setting or folder', async () => {
  const before = (await machineBefore(defaultLayout))!;
  const { processes } = await clusterStatus();
  expect((await remains(defaultLayout, before)).length).toBeGreaterThan(20);
  try {
    expect(await clusterDown()).toBe(true);
    expect(await remains(defaultLayout, before)).toEqual([]);
    for (const pid of Object.values(processes)) expect(knownProcess(pid!).isRunning()).toBe(false);
    for (const place of [defaultLayout.state, defaultLayout.run, defaultLayout.etcdData]) {
      expect(existsSync(place)).toBe(false);
    }
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain('speed-gate-cluster');
    expect(existsSync(pathsOf(defaultLayout).containerdSocket)).toBe(false);
    expect(await clusterDown()).toBe(false);
  } finally {
    // The other files of this project share it.
    cluster = await clusterUp();
  }
});
