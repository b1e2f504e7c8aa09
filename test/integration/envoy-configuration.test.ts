/** The rendering for Envoy against the real Envoy: its own check of the static form, and the files in force. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { renderBootstrap } from '../../gate-service/src/mesh/envoy/bootstrap.ts';
import type { EnvoyPlacement } from '../../gate-service/src/mesh/envoy/bootstrap.ts';
import { renderStatic, renderXds } from '../../gate-service/src/mesh/envoy/render.ts';
import { ARM_HEADER, NODE_HEADER, PLANTED_HEADER } from '../../gate-service/src/mesh/plan.ts';
import type { MeshPlan, Subset } from '../../gate-service/src/mesh/plan.ts';
import {
  measurementPolicyOf,
  routePolicyOf,
  trafficPolicyOf,
} from '../../gate-service/src/mesh/knob-policy.ts';
import { endpoint, productionPlan, stagingPlan } from '../../gate-service/src/mesh/plan-fixture.ts';
import { nodeWeights } from '../../gate-service/src/mesh/node-weights.ts';
import { requireStackConfiguration } from '../../gate-service/src/stack/configuration.ts';
import { stockConfiguration, STOCK_VALUES } from '../../gate-service/src/stack/stock.ts';
import { loadComponents } from '../../gate-service/src/settings/components.ts';
import { ENVOY_TICK_MS } from '../support/timers.ts';

const { envoy } = loadComponents();
let folder: string;

async function freePort(): Promise<number> {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'envoy-configuration-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Production with unequal nodes, and connections and outlier detection as stock has them not. */
function turned(ports?: readonly [number, number, number]): MeshPlan {
  const { values } = requireStackConfiguration(
    {
      ...STOCK_VALUES,
      'mesh.maxRequestsPerConnection': 2,
      'mesh.outlierConsecutiveErrors': 7,
      'mesh.outlierInterval': 1500,
      'mesh.outlierBaseEjection': 4000,
      'mesh.nodeWeighting': 100,
    },
    { cores: 2, memoryMiB: 4096, fileDescriptors: 20_000 },
  );
  const plan = productionPlan(ports);
  const services = plan.services.map((service) => ({
    ...service,
    subsets: service.subsets.map((one) => {
      // The first node of an arm is four times as fast as the others.
      const speeds = one.endpoints.map((_, index) => (index === 0 ? 4 : 1));
      const weights = nodeWeights(speeds, values['mesh.nodeWeighting']);
      const endpoints = one.endpoints.map((node, index) => ({ ...node, weight: weights[index]! }));
      return { ...one, policy: trafficPolicyOf(values), endpoints };
    }),
  }));
  return { ...plan, services };
}

describe('envoy --mode validate', () => {
  const placement: EnvoyPlacement = {
    directory: '/nowhere',
    listen: { address: '127.0.0.1', port: 18_080 },
    admin: { address: '127.0.0.1', port: 18_081 },
    nodeId: 'test',
  };

  async function validate(text: string): Promise<{ code: number; output: string }> {
    const file = path.join(folder, 'static.json');
    await writeFile(file, text);
    try {
      const { stdout, stderr } = await promisify(execFile)(envoy.path, [
        '--mode',
        'validate',
        '-c',
        file,
      ]);
      return { code: 0, output: stdout + stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, output: stdout + stderr };
    }
  }

  const empty: MeshPlan = { environment: 'production', services: [] };
  it.each([stagingPlan(), productionPlan(), empty])(
    'accepts the static rendering of $environment with $services.length service(s)',
    async (plan) => {
      const { code, output } = await validate(JSON.stringify(renderStatic(plan, placement)));
      expect(code, output).toBe(0);
      expect(output).not.toMatch(/deprecated/i);
    },
  );

  it.each([1, 2, 3, 16])('accepts what stock’s knobs make of %d node(s)', async (count) => {
    const { values } = stockConfiguration({ cores: 2, memoryMiB: 4096, fileDescriptors: 20_000 });
    const arm: Subset = {
      name: 'current',
      policy: trafficPolicyOf(values),
      endpoints: Array.from({ length: count }, (_, index) =>
        endpoint(`n-${index}`, 18_001 + index),
      ),
    };
    const weights = [{ subset: arm.name, weight: 100 }];
    const armRoutes = [{ headerValue: 'a', subset: arm.name, ...measurementPolicyOf(values) }];
    const service = { name: 'shop', hosts: ['shop.localhost'], healthPath: '/', subsets: [arm] };
    const defaultRoute = { weights, ...routePolicyOf(values) };
    const plan: MeshPlan = {
      environment: 'staging',
      services: [{ ...service, armRoutes, defaultRoute }],
    };
    const { code, output } = await validate(JSON.stringify(renderStatic(plan, placement)));
    expect(code, output).toBe(0);
  });

  it('accepts every later knob of the mesh away from stock', async () => {
    const { code, output } = await validate(JSON.stringify(renderStatic(turned(), placement)));
    expect(code, output).toBe(0);
    expect(output).not.toMatch(/deprecated/i);
  });

  it.each([
    [
      'a route to a missing cluster',
      '"cluster":"checkout.candidate-2"',
      '"cluster":"gone"',
      /unknown cluster/,
    ],
    ['an unknown field', '"lb_policy"', '"lb_policx"', /lb_policx/],
    ['an impossible port', '"port_value":18003', '"port_value":99999', /PortValue/],
    ['a filter that does not exist', 'fault.v3.HTTPFault', 'fault.v3.Nothing', /Nothing/],
    [
      'a host that belongs to two services',
      '"domains":["*"]',
      '"domains":["checkout.localhost"]',
      /checkout\.localhost/,
    ],
  ])('refuses %s', async (_, right, wrong, message) => {
    const text = JSON.stringify(renderStatic(stagingPlan(), placement));
    expect(text).toContain(right);
    const { code, output } = await validate(text.replaceAll(right, wrong));
    expect(code).not.toBe(0);
    expect(output).toMatch(message);
  });
});

describe.each(['staging', 'production'] as const)('envoy on the files of %s', (environment) => {
  let placement: EnvoyPlacement;
  let server: ChildProcess;
  let nodes: readonly http.Server[];
  let ports: [number, number, number];
  const seen = new Map<string, http.IncomingHttpHeaders[]>();
  const connections = new Map<string, number>();

  async function startNode(name: string): Promise<http.Server> {
    const node = http.createServer((request, response) => {
      if (request.url !== '/health') seen.set(name, [...(seen.get(name) ?? []), request.headers]);
      response.setHeader(NODE_HEADER, name);
      response.statusCode = request.url === '/fails' ? 500 : 200;
      response.end(JSON.stringify({ name, url: request.url }));
    });
    node.on('connection', () => connections.set(name, (connections.get(name) ?? 0) + 1));
    node.listen(0, '127.0.0.1');
    await once(node, 'listening');
    return node;
  }

  async function publish(plan: MeshPlan): Promise<void> {
    for (const { name, text } of renderXds(plan, placement)) {
      const staged = path.join(folder, `${name}.${environment}.new`);
      await writeFile(staged, text);
      await rename(staged, path.join(placement.directory, name));
    }
  }

  async function get(
    target: string,
    headers: http.OutgoingHttpHeaders = {},
    port = placement.listen.port,
  ) {
    const options = { host: '127.0.0.1', port, path: target, agent: false } as const;
    const request = http.get({ ...options, headers: { Host: 'checkout.localhost', ...headers } });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return {
      status: response.statusCode,
      headers: response.headers,
      body: Buffer.concat(chunks).toString(),
    };
  }

  const admin = async (target: string): Promise<string> =>
    (await get(target, {}, placement.admin.port)).body;
  const planOf = environment === 'staging' ? stagingPlan : productionPlan;

  beforeAll(async () => {
    const directory = path.join(folder, environment);
    await mkdir(directory);
    nodes = [await startNode('a'), await startNode('b'), await startNode('c')];
    ports = nodes.map((node) => (node.address() as AddressInfo).port) as typeof ports;
    placement = {
      directory,
      listen: { address: '127.0.0.1', port: await freePort() },
      admin: { address: '127.0.0.1', port: await freePort() },
      nodeId: environment,
    };
    await publish(planOf(ports));
    const bootstrap = path.join(folder, `${environment}.json`);
    await writeFile(bootstrap, JSON.stringify(renderBootstrap(placement)));
    server = spawn(
      envoy.path,
      [
        '-c',
        bootstrap,
        '--concurrency',
        '1',
        '--disable-hot-restart',
        '--reject-unknown-dynamic-fields',
        '-l',
        'warn',
      ],
      { stdio: 'ignore' },
    );
    await vi.waitFor(
      async () => {
        expect(await admin('/stats?filter=membership_healthy')).toMatch(
          /baseline-1\S+: 2\n[^]*candidate-2\S+: 1/,
        );
        expect((await get('/', { Host: 'nobody' })).status).toBe(404);
      },
      { timeout: 30_000, interval: 100 },
    );
  });

  afterAll(async () => {
    if (server.exitCode === null) {
      server.kill('SIGKILL');
      await once(server, 'exit');
    }
    for (const node of nodes) {
      node.close();
      node.closeAllConnections();
    }
  });

  it('took every file', async () => {
    const counters = await admin('/stats?filter=update_(rejected|failure)$');
    expect(counters).toContain('rds.routes.update_rejected: 0');
    expect(counters.split('\n').filter((line) => line !== '' && !line.endsWith(': 0'))).toEqual([]);
  });

  it('answers 404 with its reason to a Host that nobody has', async () => {
    const answer = await get('/', { Host: 'nobody.example' });
    expect(answer).toMatchObject({
      status: 404,
      body: expect.stringContaining('this Host') as string,
    });
    expect(
      (await get('/', { Host: 'CHECKOUT.example:8080', [ARM_HEADER]: 'candidate' })).status,
    ).toBe(200);
  });

  it('passes the path on unchanged', async () => {
    const target = '/a%2Fb//c/../%3F?x=%20';
    const { body } = await get(target, { [ARM_HEADER]: 'candidate' });
    expect(JSON.parse(body)).toMatchObject({ url: target });
  });

  it('labels the metrics by service and subset', async () => {
    await get('/', { [ARM_HEADER]: 'candidate' });
    const text = await admin('/stats/prometheus');
    const line = /^envoy_cluster_upstream_rq_total\{(.*)\} /m.exec(text)![1];
    expect(line).toMatch(/service="checkout",subset="(baseline-1|candidate-2)"/);
    // Histograms show what has been flushed, once a second.
    const bucket = /^envoy_cluster_upstream_rq_time_bucket\{.*subset="[a-z0-9-]+",le="63"\} \d/m;
    await vi.waitFor(
      async () => {
        expect(bucket.test(await admin('/stats/prometheus'))).toBe(true);
      },
      { timeout: 20_000, interval: 200 },
    );
  });

  it('lets no client ask for retries', async () => {
    seen.clear();
    const headers = {
      [ARM_HEADER]: 'candidate',
      'x-envoy-retry-on': '5xx',
      'x-envoy-max-retries': '3',
    };
    expect((await get('/fails', headers)).status).toBe(500);
    expect([...seen.values()].flat()).toHaveLength(1);
  });

  if (environment === 'staging') {
    it('routes by arm, and keeps the gate’s headers from the application', async () => {
      seen.clear();
      const headers = { [ARM_HEADER]: 'candidate', [PLANTED_HEADER]: '1' };
      expect((await get('/', headers)).headers[NODE_HEADER]).toBe('c');
      expect(['a', 'b']).toContain(
        (await get('/', { [ARM_HEADER]: 'baseline' })).headers[NODE_HEADER],
      );
      const names = [...seen.values()].flat().flatMap((one) => Object.keys(one));
      expect(names).not.toContain(ARM_HEADER);
      expect(names).not.toContain(PLANTED_HEADER);
    });

    it('takes neither an unknown arm nor unmarked traffic', async () => {
      for (const headers of [{}, { [ARM_HEADER]: 'challenger' }, { [ARM_HEADER]: '' }]) {
        const answer = await get('/', headers);
        expect(answer).toMatchObject({
          status: 404,
          body: expect.stringContaining('arm') as string,
        });
      }
    });

    it('delays only requests that ask for it, on the arm that has it', async () => {
      const injected = async () => {
        const line = /delays_injected: (\d+)/.exec(await admin('/stats?filter=delays_injected'));
        return Number(line?.[1] ?? 0);
      };
      const before = await injected();
      await get('/', { [ARM_HEADER]: 'baseline' });
      await get('/', { [ARM_HEADER]: 'candidate', [PLANTED_HEADER]: '1' });
      expect(await injected()).toBe(before);
      const start = performance.now();
      await get('/', { [ARM_HEADER]: 'baseline', [PLANTED_HEADER]: '1' });
      expect(performance.now() - start).toBeGreaterThan(25 - ENVOY_TICK_MS);
      expect(await injected()).toBe(before + 1);
    });
  } else {
    it('neither routes by the gate’s headers nor passes them or the node on', async () => {
      seen.clear();
      const headers = { [ARM_HEADER]: 'nobody', [PLANTED_HEADER]: '1' };
      const answers = [await get('/', headers), await get('/', headers)];
      expect(answers.map((one) => one.status)).toEqual([200, 200]);
      expect(answers.some((one) => NODE_HEADER in one.headers)).toBe(false);
      const names = [...seen.values()].flat().flatMap((one) => Object.keys(one));
      expect(names).not.toContain(ARM_HEADER);
      expect(names).not.toContain(PLANTED_HEADER);
    });

    it('gives a faster node its share, and a connection its number of requests', async () => {
      await publish(turned(ports));
      await vi.waitFor(
        async () => {
          expect(await admin('/clusters')).toMatch(new RegExp(`:${ports[0]}::weight::100\\n`));
          expect(await admin('/clusters')).toMatch(new RegExp(`:${ports[1]}::weight::25\\n`));
          const clusters = await admin('/config_dump?resource=dynamic_active_clusters');
          expect(clusters).toMatch(/"max_requests_per_connection": 2\b/);
          expect(clusters).toMatch(/"consecutive_gateway_failure": 7\b/);
        },
        { timeout: 30_000 },
      );
      seen.clear();
      const before = connections.get('a') ?? 0;
      for (let count = 0; count < 100; count += 1) await get('/');
      const share = (name: string) => seen.get(name)?.length ?? 0;
      // 95 % go to the arm of a and b; of these 4 in 5 to a.
      expect(share('a')).toBeGreaterThan(2.5 * share('b'));
      expect(share('b')).toBeGreaterThan(5);
      // The health check has connections of its own.
      expect((connections.get('a') ?? 0) - before).toBeGreaterThanOrEqual(share('a') / 2 - 1);
    });

    it('follows weights and draining endpoints', async () => {
      const plan = productionPlan(ports);
      const service = plan.services[0]!;
      const weights = [
        { subset: 'baseline-1', weight: 100 },
        { subset: 'candidate-2', weight: 0 },
      ];
      const endpoints = [
        endpoint('baseline-1-a', ports[0], true),
        endpoint('baseline-1-b', ports[1]),
      ];
      await publish({
        ...plan,
        services: [
          {
            ...service,
            subsets: [{ ...service.subsets[0]!, endpoints }, service.subsets[1]!],
            defaultRoute: { ...service.defaultRoute!, weights },
          },
        ],
      });
      const version = (
        JSON.parse(await readFile(path.join(placement.directory, 'rds.json'), 'utf8')) as {
          version_info: string;
        }
      ).version_info;
      await vi.waitFor(
        async () => {
          expect(await admin('/config_dump?resource=dynamic_route_configs')).toContain(version);
          expect(await admin('/clusters')).toContain(
            `${ports[0]}::health_flags::/eds_status_draining`,
          );
        },
        { timeout: 30_000 },
      );
      seen.clear();
      for (let count = 0; count < 30; count += 1) await get('/');
      expect([...seen.keys()]).toEqual(['b']);
    });
  }
});
