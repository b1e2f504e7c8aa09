/** The publisher of mesh plans against a real Envoy, with plain HTTP servers as nodes. */
import { createServer, request, type IncomingHttpHeaders, type Server } from 'node:http';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { trafficPolicyOf } from '../../gate-service/src/mesh/knob-policy.ts';
import {
  ARM_HEADER,
  NODE_HEADER,
  PLANTED_HEADER,
  type Environment,
  type MeshPlan,
  type MeshService,
  type Subset,
} from '../../gate-service/src/mesh/plan.ts';
import type { Component } from '../../gate-service/src/platforms/local/component.ts';
import { EnvoyAdmin } from '../../gate-service/src/platforms/local/envoy-admin.ts';
import {
  envoyComponent,
  envoyPlacement,
} from '../../gate-service/src/platforms/local/envoy-component.ts';
import { foldersOf, type Folders } from '../../gate-service/src/platforms/local/folders.ts';
import { MeshPublisher } from '../../gate-service/src/platforms/local/mesh-publisher.ts';
import { PlatformError } from '../../gate-service/src/platforms/platform.ts';
import { freePort, freePorts } from '../../gate-service/src/processes/free-port.ts';
import { loadComponents } from '../../gate-service/src/settings/components.ts';
import { STOCK_VALUES } from '../../gate-service/src/stack/stock.ts';
import { ENVOY_TICK_MS } from '../support/timers.ts';

const { envoy } = loadComponents();
const HOST = 'shop.localhost';
const POLICY = trafficPolicyOf(STOCK_VALUES);

interface Backend {
  readonly name: string;
  readonly port: number;
  readonly server: Server;
  requests: number;
  last: IncomingHttpHeaders;
}

interface Proxy {
  readonly component: Component;
  readonly publisher: MeshPublisher;
  readonly admin: EnvoyAdmin;
  readonly port: number;
  readonly folders: Folders;
}

let folder: string;
const backends = new Map<string, Backend>();
const proxies: Proxy[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'envoy-publisher-'));
  for (const name of ['a1', 'a2', 'b1']) backends.set(name, await startBackend(name));
});

afterEach(async () => {
  for (const { component } of proxies.splice(0)) await component.stop();
});

afterAll(async () => {
  for (const { server } of backends.values()) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await rm(folder, { recursive: true, force: true });
});

async function startBackend(name: string): Promise<Backend> {
  const port = await freePort();
  const server = createServer((incoming, response) => {
    const backend = backends.get(name)!;
    if (incoming.url !== '/health') {
      backend.requests += 1;
      backend.last = incoming.headers;
    }
    response.setHeader(NODE_HEADER, name);
    response.end(name);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { name, port, server, requests: 0, last: {} };
}

async function startProxy(environment: Environment, plan: MeshPlan): Promise<Proxy> {
  const folders = foldersOf(await mkdtemp(join(folder, `${environment}-`)));
  const [listener, adminPort] = (await freePorts(2)) as [number, number];
  const ports = { listener, admin: adminPort };
  const admin = new EnvoyAdmin(adminPort);
  const publisher = new MeshPublisher({
    placement: envoyPlacement(environment, folders, ports),
    temporary: folders.temporary,
    envoy: envoy.path,
    admin,
  });
  const component = await envoyComponent(environment, folders, ports, envoy.path);
  const proxy = { component, publisher, admin, port: listener, folders };
  proxies.push(proxy);
  await publisher.prepare(plan);
  await component.ensureRunning();
  await publisher.publish(plan);
  return proxy;
}

function subset(name: string, nodes: readonly string[], draining: readonly string[] = []): Subset {
  const endpoints = nodes.map((node) => ({
    node,
    address: '127.0.0.1',
    port: backends.get(node)!.port,
    draining: draining.includes(node),
  }));
  return { name, endpoints, policy: POLICY };
}

const arms = (): Subset[] => [subset('a', ['a1', 'a2']), subset('b', ['b1'])];

function plan(environment: Environment, service?: Partial<MeshService>): MeshPlan {
  const base = { name: 'shop', hosts: [HOST], healthPath: '/health', subsets: [], armRoutes: [] };
  return { environment, services: service === undefined ? [] : [{ ...base, ...service }] };
}

const ROUTE = { timeoutMs: 5000, attempts: 0 };
const weights = (a: number, b: number) => ({
  ...ROUTE,
  weights: [
    { subset: 'a', weight: a },
    { subset: 'b', weight: b },
  ],
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly node: string | undefined;
  readonly ms: number;
}

function get(port: number, headers: Record<string, string> = {}): Promise<Answer> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, path: '/cart', headers: { host: HOST, ...headers }, agent: false },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            body,
            node: response.headers[NODE_HEADER] as string | undefined,
            ms: performance.now() - started,
          });
        });
      },
    );
    outgoing.on('error', reject).end();
  });
}

async function count(port: number, requests: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < requests; i += 1) {
    const { status, body } = await get(port);
    const key = status === 200 ? body : String(status);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

const failureOf = async (act: Promise<unknown>): Promise<PlatformError> => {
  const error: unknown = await act.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PlatformError);
  return error as PlatformError;
};

describe('staging', () => {
  test('routes two arms by header, plants a delay only where it is asked for, knows no others', async () => {
    const { port, publisher } = await startProxy('staging', plan('staging'));
    expect((await get(port)).status).toBe(404);
    await publisher.publish(
      plan('staging', {
        subsets: arms(),
        armRoutes: [
          { headerValue: 'baseline', subset: 'a', ...ROUTE, plantedDelayMs: 150 },
          { headerValue: 'candidate', subset: 'b', ...ROUTE },
        ],
      }),
    );
    const quick: number[] = [];
    for (let i = 0; i < 10; i += 1) {
      const answer = await get(port, { [ARM_HEADER]: 'baseline' });
      expect(answer.body).toMatch(/^a[12]$/);
      expect(answer.node).toBe(answer.body);
      quick.push(answer.ms);
      expect((await get(port, { [ARM_HEADER]: 'candidate' })).body).toBe('b1');
    }
    const planted = await get(port, { [ARM_HEADER]: 'baseline', [PLANTED_HEADER]: '1' });
    expect(planted.status).toBe(200);
    expect(planted.ms).toBeGreaterThan(150 - ENVOY_TICK_MS);
    expect(Math.min(...quick)).toBeLessThan(150 - ENVOY_TICK_MS);
    expect(backends.get('b1')!.last[ARM_HEADER]).toBeUndefined();
    // No arm, an arm that is not there, another host: never somebody else's answer.
    expect((await get(port)).status).toBe(404);
    expect((await get(port, { [ARM_HEADER]: 'challenger' })).status).toBe(404);
    const stranger = await get(port, { host: 'other.localhost', [ARM_HEADER]: 'baseline' });
    expect(stranger.status).toBe(404);
    expect(stranger.body).toContain('no service is known');
  });
});

describe('production', () => {
  test('weights are seen in traffic; the arm header neither routes nor gets through', async () => {
    const { port, publisher, admin } = await startProxy(
      'production',
      plan('production', { subsets: arms(), defaultRoute: weights(100, 0) }),
    );
    expect(await count(port, 40)).toEqual({ a1: 20, a2: 20 });
    const marked = await get(port, { [ARM_HEADER]: 'b', [PLANTED_HEADER]: '1' });
    expect(marked.body).toMatch(/^a[12]$/);
    expect(marked.node).toBeUndefined();
    const seen = backends.get(marked.body)!.last;
    expect(seen[ARM_HEADER]).toBeUndefined();
    expect(seen[PLANTED_HEADER]).toBeUndefined();

    await publisher.publish(plan('production', { subsets: arms(), defaultRoute: weights(75, 25) }));
    const routes = await admin.routes();
    expect(Object.fromEntries(routes!.weights.get('shop')!)).toEqual({
      'shop.a': 75,
      'shop.b': 25,
    });
    const shares = await count(port, 400);
    // Binomial(400, 0.25): mean 100, SD 8.7; ± 5 SD.
    expect(shares.b1).toBeGreaterThan(56);
    expect(shares.b1).toBeLessThan(144);
    expect(Object.keys(shares).sort()).toEqual(['a1', 'a2', 'b1']);

    // 0/100, then the arm that gets nothing goes: no request is lost on the way.
    await publisher.publish(plan('production', { subsets: arms(), defaultRoute: weights(0, 100) }));
    expect(await count(port, 30)).toEqual({ b1: 30 });
    await publisher.publish(
      plan('production', {
        subsets: [subset('b', ['b1'])],
        defaultRoute: { ...ROUTE, weights: [{ subset: 'b', weight: 100 }] },
      }),
    );
    expect(await count(port, 10)).toEqual({ b1: 10 });
    expect((await admin.hosts()).has('shop.a')).toBe(false);
  });

  test('one arm takes the place of another in one plan without a lost request', async () => {
    const only = (name: string, nodes: readonly string[]): MeshPlan =>
      plan('production', {
        subsets: [subset(name, nodes)],
        defaultRoute: { ...ROUTE, weights: [{ subset: name, weight: 100 }] },
      });
    const { port, publisher } = await startProxy('production', only('a', ['a1', 'a2']));
    const stopping = new AbortController();
    const statuses = new Map<number, number>();
    const sender = async (): Promise<void> => {
      while (!stopping.signal.aborted) {
        const { status } = await get(port);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    const senders = [sender(), sender(), sender()];
    for (let change = 0; change < 6; change += 1) {
      await publisher.publish(change % 2 === 0 ? only('b', ['b1']) : only('a', ['a1', 'a2']));
    }
    stopping.abort();
    await Promise.all(senders);
    expect([...statuses.keys()]).toEqual([200]);
  });

  test('a draining endpoint gets nothing', async () => {
    const { port, publisher } = await startProxy(
      'production',
      plan('production', { subsets: arms(), defaultRoute: weights(100, 0) }),
    );
    await publisher.publish(
      plan('production', {
        subsets: [subset('a', ['a1', 'a2'], ['a1']), subset('b', ['b1'])],
        defaultRoute: weights(100, 0),
      }),
    );
    expect(await count(port, 50)).toEqual({ a2: 50 });
  });

  test('what Envoy refuses leaves traffic as it was', async () => {
    const good = plan('production', { subsets: arms(), defaultRoute: weights(100, 0) });
    const { port, publisher, folders } = await startProxy('production', good);
    const watched = folders.envoy('production').watched;
    const filesBefore = await contentOf(watched);

    // Against a rule of ours.
    const missing = plan('production', {
      subsets: arms(),
      defaultRoute: { ...ROUTE, weights: [{ subset: 'c', weight: 100 }] },
    });
    const ruled = await failureOf(publisher.publish(missing));
    expect(ruled.failure).toBe('invalid-configuration');
    expect(ruled.message).toContain('subset c');

    // Legal for us, refused by Envoy's validation: nothing is published.
    const badPath = plan('production', {
      subsets: arms().map((one) => ({
        ...one,
        policy: { ...POLICY, loadBalancer: 'NO_SUCH_BALANCER' as 'ROUND_ROBIN' },
      })),
      defaultRoute: weights(100, 0),
    });
    const validated = await failureOf(publisher.publish(badPath));
    expect(validated.failure).toBe('invalid-configuration');
    expect(validated.message).toContain('Envoy refuses');
    expect(await contentOf(watched)).toEqual(filesBefore);
    expect(await count(port, 10)).toEqual({ a1: 5, a2: 5 });
  });

  test('what is not seen in the proxy is taken back', async () => {
    const good = plan('production', { subsets: arms(), defaultRoute: weights(100, 0) });
    const { port, folders } = await startProxy('production', good);
    const filesBefore = await contentOf(folders.envoy('production').watched);
    // A publisher whose validation is blind: the running Envoy is the one that refuses.
    const blind = await blindPublisher(proxies.at(-1)!);
    await blind.publish(good);
    const refused = plan('production', {
      subsets: arms().map((one) => ({
        ...one,
        policy: { ...POLICY, loadBalancer: 'NO_SUCH_BALANCER' as 'ROUND_ROBIN' },
      })),
      defaultRoute: weights(0, 100),
    });
    const error = await failureOf(blind.publish(refused));
    expect(error.failure).toBe('route-not-seen');
    expect(error.message).toMatch(/refused an update/);
    expect(error.message).toContain('The former configuration is in force again.');
    expect(await contentOf(folders.envoy('production').watched)).toEqual(filesBefore);
    expect(await count(port, 10)).toEqual({ a1: 5, a2: 5 });
  });
});

test('a killed Envoy starts again with the same routes; a taken port is named with its holder', async () => {
  const { component, port, folders } = await startProxy(
    'production',
    plan('production', { subsets: arms(), defaultRoute: weights(0, 100) }),
  );
  const { pid } = await component.status();
  process.kill(pid!, 'SIGKILL');
  await vi.waitFor(
    async () => {
      expect(await component.isRunning()).toBe(false);
    },
    { timeout: 30_000 },
  );
  await component.ensureRunning();
  expect((await component.status()).restarts).toBe(1);
  await vi.waitFor(
    async () => {
      expect(await count(port, 5)).toEqual({ b1: 5 });
    },
    { timeout: 30_000 },
  );

  const other = foldersOf(await mkdtemp(join(folder, 'second-')));
  const ports = { listener: port, admin: await freePort() };
  const second = await envoyComponent('staging', other, ports, envoy.path);
  const error = await failureOf(second.ensureRunning());
  expect(error.failure).toBe('port-taken');
  expect(error.message).toContain(String(port));
  expect(error.message).toMatch(/taken by process \d+ \(.*envoy/);
  expect(folders.root).not.toBe(other.root);
});

test('a component that ends at once says so with the end of its log', async () => {
  const folders = foldersOf(await mkdtemp(join(folder, 'broken-')));
  const [listener, admin] = (await freePorts(2)) as [number, number];
  const component = await envoyComponent('staging', folders, { listener, admin }, envoy.path);
  await writeFile(folders.envoy('staging').bootstrap, '{"no_such_field": 1}');
  const error = await failureOf(component.ensureRunning());
  expect(error.failure).toBe('component-failed');
  expect(error.message).toContain('the Envoy of staging ended right after its start');
  expect(error.message).toContain('no_such_field');
  expect((await component.status()).running).toBe(false);
});

async function contentOf(directory: string): Promise<Record<string, string>> {
  const names = (await readdir(directory)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  return Object.fromEntries(names.map((name, i) => [name, texts[i]!]));
}

async function blindPublisher({ folders, port, admin }: Proxy): Promise<MeshPublisher> {
  const acceptAll = join(folders.root, 'accept-all');
  await writeFile(acceptAll, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  const placement = envoyPlacement('production', folders, { listener: port, admin: 0 });
  return new MeshPublisher({ placement, temporary: folders.temporary, envoy: acceptAll, admin });
}
