/** Platform `local` with real Envoy, httpd, Jetty and Prometheus. One platform for all tests, in order. */
import { createServer } from 'node:net';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ARM_HEADER, NODE_HEADER, PLANTED_HEADER } from '../../gate-service/src/mesh/plan.ts';
import { localPlatformStatus } from '../../gate-service/src/platforms/local/local-platform.ts';
import type { PlatformState } from '../../gate-service/src/platforms/local/state.ts';
import type { Arm } from '../../gate-service/src/platforms/platform.ts';
import { isPortFree } from '../../gate-service/src/processes/free-port.ts';
import {
  armRequest,
  createPlatform,
  failureOf,
  get,
  processesBelow,
  runtimeFoldersOf,
  soon,
  stockWith,
  stream,
  type TestPlatform,
} from './platform-local-fixture.ts';
import { ENVOY_TICK_MS } from '../support/timers.ts';

let fixture: TestPlatform;
let current: Arm;

const stateFile = (): string => join(fixture.folder, 'platform', 'platform.json');
const readState = async (): Promise<PlatformState> =>
  JSON.parse(await readFile(stateFile(), 'utf8')) as PlatformState;

beforeAll(async () => {
  fixture = await createPlatform();
  await fixture.platform.start();
  current = await fixture.platform.deploy(armRequest('production', 'current', '1.0', 2), soon());
});

afterAll(async () => {
  await fixture.remove();
});

const observeCurrent = async () =>
  (await fixture.platform.observe('checkout', 'production')).find(
    ({ arm }) => arm.id === current.id,
  )!;

describe('production', () => {
  test('gets nothing before it is routed, then all, without the gate’s headers', async () => {
    const { platform } = fixture;
    expect((await get(platform, 'production')).status).toBe(404);
    expect((await observeCurrent()).weight).toBe(0);
    await platform.restore('checkout', current.id, soon());
    const { weight, nodes } = await observeCurrent();
    expect(weight).toBe(100);
    expect(nodes).toHaveLength(2);
    for (const node of nodes) {
      expect(node.healthyInProxy).toBe(true);
      expect(node.status).toMatchObject({
        health: 'ready',
        buildDigest: current.buildDigest,
        configurationHash: current.configurationHash,
      });
    }
    const answer = await get(platform, 'production', {
      path: '/cart?id=1',
      headers: { [ARM_HEADER]: 'candidate', [PLANTED_HEADER]: '1' },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers[NODE_HEADER]).toBeUndefined();
    const stranger = await get(platform, 'production', { headers: { host: 'other.localhost' } });
    expect(stranger.status).toBe(404);
  });

  test('an arm with weight is not removed; weights that do not fit are refused', async () => {
    const { platform } = fixture;
    const refused = await failureOf(platform.remove(current.id, soon()));
    expect(refused.failure).toBe('refused');
    expect(refused.message).toContain('100 % of production');
    const weights = [{ armId: current.id, weight: 99 }];
    const short = await failureOf(
      platform.routeProduction({ service: 'checkout', weights }, soon()),
    );
    expect(short.message).toContain('sum to 100, not 99');
    const missing = await failureOf(platform.restore('checkout', 'no-such-arm', soon()));
    expect(missing.failure).toBe('not-found');
    expect((await get(platform, 'production')).status).toBe(200);
  });
});

describe('a canary', () => {
  test('gets its weight, seen in the proxy and in traffic, and goes without a lost request', async () => {
    const { platform } = fixture;
    const traffic = stream(platform);
    const canary = await platform.deploy(armRequest('production', 'canary', '1.1', 1), soon());
    const weights = [
      { armId: current.id, weight: 75 },
      { armId: canary.id, weight: 25 },
    ];
    await platform.routeProduction({ service: 'checkout', weights }, soon());
    const observed = await platform.observe('checkout', 'production');
    expect(observed.map(({ arm, weight }) => [arm.id, weight])).toEqual([
      [current.id, 75],
      [canary.id, 25],
    ]);
    await vi.waitFor(
      async () => {
        const seen = await platform.observe('checkout', 'production');
        expect(
          seen.find(({ arm }) => arm.id === canary.id)!.nodes[0]!.requestsTotal,
        ).toBeGreaterThan(3);
      },
      { timeout: 30_000, interval: 200 },
    );
    await platform.restore('checkout', current.id, soon());
    await platform.remove(canary.id, soon());
    const { sent, failures } = await traffic.stop();
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(20);
    expect(await platform.observe('checkout', 'production')).toHaveLength(1);
    expect(processesBelow(join(fixture.folder, 'platform', 'nodes', canary.id))).toEqual([]);
  });
});

describe('staging', () => {
  test('routes arms by header, delays where asked, and forgets arms that are removed', async () => {
    const { platform } = fixture;
    const [baseline, candidate] = await Promise.all([
      platform.deploy(armRequest('staging', 'baseline', '1.0', 1), soon()),
      platform.deploy(armRequest('staging', 'candidate', '1.1', 1), soon()),
    ]);
    await platform.routeMeasurement(
      {
        service: 'checkout',
        arms: [
          { headerValue: 'baseline', armId: baseline.id },
          { headerValue: 'candidate', armId: candidate.id },
        ],
        planted: { headerValue: 'baseline', delayMs: 300 },
      },
      soon(),
    );
    const at = (value: string, more: Record<string, string> = {}) =>
      get(platform, 'staging', { headers: { [ARM_HEADER]: value, ...more } });
    expect((await at('baseline')).headers[NODE_HEADER]).toBe(baseline.nodes[0]!.name);
    expect((await at('candidate')).headers[NODE_HEADER]).toBe(candidate.nodes[0]!.name);
    const planted = await at('baseline', { [PLANTED_HEADER]: '1' });
    expect(planted.ms).toBeGreaterThan(300 - ENVOY_TICK_MS);
    const others = await Promise.all(
      [1, 2, 3, 4].map(() => at('candidate', { [PLANTED_HEADER]: '1' })),
    );
    expect(Math.min(...others.map(({ ms }) => ms))).toBeLessThan(300);
    expect((await at('challenger')).status).toBe(404);
    expect((await get(platform, 'staging')).status).toBe(404);

    await platform.remove(baseline.id, soon());
    expect((await at('baseline')).status).toBe(404);
    expect((await at('candidate')).status).toBe(200);
    await platform.remove(candidate.id, soon());
    expect(await platform.observe('checkout', 'staging')).toEqual([]);
    expect((await failureOf(platform.remove(candidate.id, soon()))).failure).toBe('not-found');
  });

  test.each(['broken-start', 'broken-500'] as const)(
    'a build that is %s fails clearly and leaves nothing',
    async (flavour) => {
      const { platform, folder } = fixture;
      const error = await failureOf(
        platform.deploy(armRequest('staging', 'candidate', flavour, 2), soon()),
      );
      expect(error.failure).toBe('node-not-ready');
      expect(error.message).toContain('what was made of it has been removed');
      expect(error.message).toMatch(flavour === 'broken-500' ? /500/ : /Exception|failed|503/);
      expect(await platform.observe('checkout', 'staging')).toEqual([]);
      const ours = processesBelow(folder).length;
      expect(readdirSync(join(folder, 'platform', 'nodes')).toSorted()).toEqual(
        current.nodes.map(({ name }) => name).toSorted(),
      );
      expect((await readState()).arms.map(({ id }) => id)).toEqual([current.id]);
      expect(ours).toBeGreaterThan(0);
      expect(
        processesBelow(join(fixture.folder, 'platform', 'nodes', 'checkout-candidate-')),
      ).toEqual([]);
    },
  );

  test('a deployment that is called off leaves nothing', async () => {
    const { platform } = fixture;
    const controller = new AbortController();
    const deployment = failureOf(
      platform.deploy(armRequest('staging', 'candidate', '1.1', 1), controller.signal),
    );
    await vi.waitFor(
      async () => {
        expect((await readState()).arms).toHaveLength(2);
      },
      { timeout: 30_000 },
    );
    controller.abort(new Error('cancelled by a person'));
    const error = await deployment;
    expect(error.failure).toBe('aborted');
    expect(error.message).toContain('cancelled by a person');
    expect(await platform.observe('checkout', 'staging')).toEqual([]);
    expect(
      processesBelow(join(fixture.folder, 'platform', 'nodes', 'checkout-candidate-')),
    ).toEqual([]);
  });
});

describe('a configuration', () => {
  const steps = [
    ['live', { 'jetty.maxThreads': 220, 'mesh.maxConnections': 50_000 }],
    ['route', { 'jetty.acceptQueueSize': 64 }],
    ['graceful', { 'httpd.maxRequestWorkers': 175 }],
    ['replace', { 'httpd.listenBacklog': 600 }],
  ] as const;
  const reached = {};

  test.each(steps)('is put in force by %s without a lost request', async (way, changes) => {
    const { platform } = fixture;
    const to = stockWith(Object.assign(reached, changes));
    const before = await observeCurrent();
    const traffic = stream(platform);
    const report = await platform.apply(current.id, to, soon());
    const { sent, failures } = await traffic.stop();
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(5);
    expect(report.ways).toContain(way);
    expect(report.arm.configurationHash).toBe(to.hash);
    current = report.arm;
    const { nodes, weight } = await observeCurrent();
    expect(weight).toBe(100);
    expect(nodes.map(({ status }) => status?.configurationHash)).toEqual([to.hash, to.hash]);
    expect(nodes.every(({ healthyInProxy }) => healthyInProxy)).toBe(true);
    const sameNodes =
      nodes.map(({ name }) => name).join() === before.nodes.map(({ name }) => name).join();
    expect(sameNodes).toBe(way !== 'replace');
    expect(await platform.apply(current.id, to, soon())).toMatchObject({ ways: ['none'] });
  });

  test('that one node cannot take is taken back on all', async () => {
    const { platform } = fixture;
    const from = current.configurationHash;
    const last = (await readState()).arms[0]!.nodes[1]!;
    const status = (await observeCurrent()).nodes[1]!.status!;
    // The port of the Jetty that the second node would switch to is taken by somebody else.
    const blocker = createServer();
    const port = last.ports.jetty[status.jetty!.colour === 0 ? 1 : 0];
    await new Promise<void>((resolve) => blocker.listen(port, '127.0.0.1', resolve));
    try {
      const traffic = stream(platform);
      const to = stockWith({ ...reached, 'jetty.idleTimeout': 31_000 });
      const error = await failureOf(platform.apply(current.id, to, soon()));
      const { failures } = await traffic.stop();
      expect(failures).toEqual([]);
      expect(error.failure).toBe('swap-failed');
      expect(error.message).toContain(last.name);
      expect(error.message).toContain('in force again on every node');
    } finally {
      await new Promise((resolve) => blocker.close(resolve));
    }
    const { nodes, arm } = await observeCurrent();
    expect(arm.configurationHash).toBe(from);
    expect(nodes.map((node) => node.status?.configurationHash)).toEqual([from, from]);
    expect((await readState()).arms[0]).not.toHaveProperty('applying');
  });
});

describe('components that die', () => {
  test('start again while production answers: staging’s Envoy, an agent, Prometheus', async () => {
    const { platform } = fixture;
    const traffic = stream(platform);
    const before = await platform.status();
    const victims = before.filter(
      ({ name }) =>
        ['envoy-staging', 'prometheus'].includes(name) || name === `node-${current.nodes[0]!.name}`,
    );
    expect(victims).toHaveLength(3);
    for (const { pid } of victims) process.kill(pid!, 'SIGKILL');
    await vi.waitFor(
      async () => {
        const now = await platform.status();
        for (const victim of victims) {
          const again = now.find(({ name }) => name === victim.name)!;
          expect(again.running).toBe(true);
          expect(again.pid).not.toBe(victim.pid);
        }
        const { nodes } = await observeCurrent();
        expect(nodes.map(({ status }) => status?.health)).toEqual(['ready', 'ready']);
      },
      { timeout: 60_000, interval: 200 },
    );
    expect((await get(platform, 'staging')).status).toBe(404);
    const { failures } = await traffic.stop();
    expect(failures).toEqual([]);
  });

  test('production’s own Envoy comes back with the same weights', async () => {
    const { platform } = fixture;
    const before = (await platform.status()).find(({ name }) => name === 'envoy-production')!;
    process.kill(before.pid!, 'SIGKILL');
    await vi.waitFor(
      async () => {
        expect((await get(platform, 'production', { path: '/cart?id=5' })).status).toBe(200);
      },
      { timeout: 60_000, interval: 100 },
    );
    expect((await observeCurrent()).weight).toBe(100);
  });
});

describe('another gate service on the same state', () => {
  test('adopts what runs, and repairs what was cut off', async () => {
    const traffic = stream(fixture.platform);
    const before = await fixture.platform.status();
    await fixture.platform.close();
    // As if the service had died in the middle of a swap and of a deployment.
    const state = await readState();
    state.arms[0]!.nodes[0]!.draining = true;
    state.arms[0]!.applying = 'f'.repeat(64);
    const half = structuredClone(state.arms[0]!);
    state.arms.push({ ...half, id: 'checkout-canary-half', phase: 'deploying', nodes: [] });
    await writeFile(stateFile(), JSON.stringify(state));
    const staging = before.find(({ name }) => name === 'envoy-staging')!;
    process.kill(staging.pid!, 'SIGKILL');

    const platform = await fixture.reopen();
    // A killed process is gone a moment after the signal, not with it.
    await vi.waitFor(
      async () => {
        const status = await platform.status();
        expect(status.find(({ name }) => name === 'envoy-staging')!.running).toBe(false);
      },
      { timeout: 30_000 },
    );
    await platform.start();
    const after = await platform.status();
    for (const one of before.filter(({ name }) => name !== 'envoy-staging')) {
      expect(after.find(({ name }) => name === one.name)!.pid, one.name).toBe(one.pid);
    }
    expect(after.find(({ name }) => name === 'envoy-staging')!.running).toBe(true);
    const observed = await platform.observe('checkout', 'production');
    expect(observed.map(({ arm, weight }) => [arm.id, weight])).toEqual([[current.id, 100]]);
    expect(observed[0]!.nodes.every(({ healthyInProxy }) => healthyInProxy)).toBe(true);
    expect((await readState()).arms[0]).not.toHaveProperty('applying');
    expect(await traffic.stop()).toMatchObject({ failures: [] });
  });
});

test('down leaves no process, no port and no file but the logs', async () => {
  const { platform, folder } = fixture;
  const ports = (await platform.status()).flatMap((one) => one.ports.map(({ port }) => port));
  const nodes = current.nodes.map(({ name }) => name);
  // Root's nodes keep httpd's runtime files where its children may read them.
  if (process.getuid?.() === 0) expect(runtimeFoldersOf(folder, nodes)).toHaveLength(2);
  expect(processesBelow(folder).length).toBeGreaterThan(5);
  expect((await localPlatformStatus(folder)).every(({ running }) => running)).toBe(true);
  await platform.down();
  expect(processesBelow(folder)).toEqual([]);
  for (const port of ports) expect(await isPortFree(port), String(port)).toBe(true);
  expect(readdirSync(join(folder, 'platform'))).toEqual(['logs']);
  expect(existsSync(stateFile())).toBe(false);
  expect(runtimeFoldersOf(folder, nodes)).toEqual([]);
  expect(await localPlatformStatus(folder)).toEqual([]);
});
