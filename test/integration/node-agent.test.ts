import { readFile, rename, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { NodeAgentError, createNodeAgentClient } from '../../gate-service/src/node-agent/client.ts';
import { isRunning } from '../../gate-service/src/processes/detached-process.ts';
import { until } from '../support/processes.ts';
import { createNode, processesOf, stockWith, stream, type TestNode } from './node-agent-fixture.ts';

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

describe('a node that serves', () => {
  let node: TestNode;

  beforeAll(async () => {
    node = await createNode();
    await node.untilHealth('ready');
  });
  afterAll(async () => {
    await node.remove();
  });

  const throughHttpd = async (path: string) => {
    const response = await request(`http://127.0.0.1:${node.description.ports.httpd}${path}`);
    await response.body.dump();
    return { status: response.statusCode, headers: response.headers };
  };
  const problemOf = async (call: Promise<unknown>) => {
    const error = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(NodeAgentError);
    return (error as NodeAgentError).problem!;
  };
  const pid = async (component: 'httpd' | 'jetty') =>
    (await node.client.status())[component]!.usage.pid;

  test('reports httpd, Jetty and what they use', async () => {
    // Ready is who answers; httpd starts the rest of its workers meanwhile.
    const status = await until('all of httpd’s workers', async () => {
      const now = await node.client.status();
      return now.httpd!.busyWorkers + now.httpd!.idleWorkers === 50 ? now : undefined;
    });
    expect(status.generations).toEqual({ httpd: 1, jetty: 1 });
    expect(status.jetty).toMatchObject({ colour: 0, minThreads: 10, maxThreads: 200 });
    expect(status.httpd!.busyWorkers + status.httpd!.idleWorkers).toBe(50);
    expect(status.jetty!.usage.cpuSeconds).toBeGreaterThan(0.2);
    expect(status.jetty!.usage.residentMiB).toBeGreaterThan(40);
    expect((await throughHttpd('/cart?id=1')).headers['x-speed-gate-node']).toBe('node-1');
    const metrics = await node.client.metrics();
    expect(metrics).toContain('speed_gate_node_ready{node="node-1"} 1');
    expect(metrics).toContain('speed_gate_node_jetty_threads{state="maximum",node="node-1"} 200');
  });

  test('tells of no busy worker but its own look’s while nobody asks, and of a request in flight', async () => {
    // Whoever waits for the end of requests goes by several looks in a row: nearly all have to be right.
    const nearlyAll = async (busy: number): Promise<void> => {
      const looks: (number | undefined)[] = [];
      for (let look = 0; look < 20; look += 1) {
        looks.push((await node.client.status()).httpd?.busyWorkers);
        await sleep(50);
      }
      expect(looks.filter((seen) => seen === busy).length, String(looks)).toBeGreaterThan(15);
    };
    await nearlyAll(1);
    const { httpd } = node.description.ports;
    const inFlight = connect(httpd, '127.0.0.1').on('error', () => undefined);
    try {
      inFlight.write('POST /order HTTP/1.1\r\nHost: checkout\r\nContent-Length: 2\r\n\r\n1');
      await until('httpd has it', async () =>
        (await node.client.status()).httpd?.busyWorkers === 2 ? true : undefined,
      );
      await nearlyAll(2);
    } finally {
      inFlight.destroy();
    }
    await nearlyAll(1);
  });

  test('answers healthz to anybody, everything else to its token only', async () => {
    const stranger = createNodeAgentClient({
      address: '127.0.0.1',
      port: node.description.ports.agent,
      token: 'a-token-of-somebody-else',
    });
    expect(await stranger.healthz()).toBe(true);
    expect((await problemOf(stranger.status())).code).toBe('unauthorized');
    expect((await problemOf(stranger.stop())).code).toBe('unauthorized');
  });

  test('takes the same configuration again without doing anything', async () => {
    const before = await node.client.status();
    const answer = await node.client.configure(stockWith());
    expect(answer).toMatchObject({ way: 'none', hash: before.configurationHash, steps: [] });
  });

  test('refuses a configuration that breaks rules, with all of them', async () => {
    const problem = await problemOf(
      node.client.configure(stockWith({ 'proxy.ttl': 60, 'jetty.maxThreads': 20 })),
    );
    expect(problem).toMatchObject({ status: 422, code: 'invalid-configuration' });
    const rules = problem.violations!.map(({ rule }) => rule);
    expect(rules).toContain('proxy-ttl-below-jetty-idle');
    expect(rules).toContain('jetty-carries-httpd');
  });

  test('refuses what only a new node can take', async () => {
    const problem = await problemOf(node.client.configure(stockWith({ 'httpd.serverLimit': 20 })));
    expect(problem).toMatchObject({ status: 409, code: 'replace-required' });
    expect(problem.detail).toContain('httpd.serverLimit');
  });

  test('raises the pool live and Jetty has it', async () => {
    const jetty = await pid('jetty');
    const answer = await node.client.configure(
      stockWith({ 'jetty.maxThreads': 300, 'jetty.minThreads': 20 }),
    );
    expect(answer.way).toBe('live');
    const status = await node.client.status();
    expect(status).toMatchObject({
      configurationHash: answer.hash,
      jetty: { maxThreads: 300, minThreads: 20, usage: { pid: jetty } },
    });
  });

  test('takes a new Jetty by route under traffic without losing a request; one change at a time', async () => {
    const former = await pid('jetty');
    const traffic = stream(node.description.ports.httpd);
    const change = node.client.configure(stockWith({ 'jetty.acceptQueueSize': 256 }));
    await vi.waitFor(
      async () => {
        const problem = await problemOf(node.client.configure(stockWith()));
        expect(problem.code).toBe('busy');
      },
      { timeout: 30_000 },
    );
    const answer = await change;
    const { sent, failures } = await traffic.stop();
    expect(answer.way).toBe('route');
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(20);
    const status = await node.client.status();
    expect(status).toMatchObject({ generations: { jetty: 2 }, jetty: { colour: 1 } });
    expect(processesOf(join(node.description.directory, 'jetty'))).toEqual([
      status.jetty!.usage.pid,
    ]);
    expect(former).not.toBe(status.jetty!.usage.pid);
  });

  test('takes httpd settings by a graceful restart of the same parent', async () => {
    const former = await node.client.status();
    const traffic = stream(node.description.ports.httpd);
    const answer = await node.client.configure(
      stockWith({ 'jetty.acceptQueueSize': 256, 'httpd.maxRequestWorkers': 100 }),
    );
    const { failures } = await traffic.stop();
    expect(answer.way).toBe('graceful');
    // Kept connections may be reset (which is why a platform drains the node first), but nothing is answered wrongly.
    expect(failures.filter((failure) => /^\d/.test(failure))).toEqual([]);
    const status = await node.client.status();
    expect(status.generations.httpd).toBe(former.generations.httpd + 1);
    expect(status.httpd!.usage.pid).toBe(former.httpd!.usage.pid);
    expect((await throughHttpd('/cart?id=1')).status).toBe(200);
  });

  test('puts the former version back when the new Jetty does not start', async () => {
    const before = await node.client.status();
    const taken = createServer();
    const port = node.description.ports.jetty[before.jetty!.colour === 0 ? 1 : 0];
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    const problem = await problemOf(node.client.configure(stockWith())).finally(async () =>
      close(taken),
    );
    expect(problem).toMatchObject({ status: 500, code: 'swap-failed' });
    expect(problem.restoredHash).toBe(before.configurationHash);
    expect(problem.detail).toContain(`127.0.0.1:${port}`);
    const after = await node.client.status();
    expect(after.configurationHash).toBe(before.configurationHash);
    expect(after.httpd!.usage.pid).toBe(before.httpd!.usage.pid);
    expect(after.jetty!.usage.pid).toBe(before.jetty!.usage.pid);
    expect((await throughHttpd('/cart?id=1')).status).toBe(200);
  });

  test('starts a killed Jetty again', async () => {
    const former = await node.client.status();
    process.kill(former.jetty!.usage.pid, 'SIGKILL');
    await vi.waitFor(
      async () => {
        const status = await node.client.status();
        expect(status.health).toBe('ready');
        expect(status.jetty!.usage.pid).not.toBe(former.jetty!.usage.pid);
        expect(status.jetty!.usage.restarts).toBe(former.jetty!.usage.restarts + 1);
      },
      { timeout: 60_000, interval: 100 },
    );
    expect((await throughHttpd('/cart?id=1')).status).toBe(200);
  });

  test('ends the children of a killed httpd parent before it starts httpd again', async () => {
    const former = await node.client.status();
    const parent = former.httpd!.usage.pid;
    const family = processesOf(join(node.description.directory, 'httpd'));
    expect(family.length).toBeGreaterThan(1);
    process.kill(parent, 'SIGKILL');
    await vi.waitFor(
      async () => {
        const status = await node.client.status();
        expect(status.health).toBe('ready');
        expect(status.httpd!.usage.pid).not.toBe(parent);
      },
      { timeout: 60_000, interval: 100 },
    );
    const now = processesOf(join(node.description.directory, 'httpd'));
    expect(now.filter((member) => family.includes(member))).toEqual([]);
  });

  test('a killed agent leaves the node serving, and the next one adopts it', async () => {
    const before = await node.client.status();
    process.kill(node.agent.pid, 'SIGKILL');
    await vi.waitFor(
      () => {
        expect(isRunning(node.agent)).toBe(false);
      },
      { timeout: 30_000 },
    );
    expect((await throughHttpd('/cart?id=1')).status).toBe(200);
    await node.startAgent();
    const after = await node.untilHealth('ready');
    expect(after.httpd!.usage.pid).toBe(before.httpd!.usage.pid);
    expect(after.jetty!.usage.pid).toBe(before.jetty!.usage.pid);
    expect(after.configurationHash).toBe(before.configurationHash);
  });

  test('a swap cut off in the middle ends in the last verified version', async () => {
    const before = await node.client.status();
    const change = node.client
      .configure(stockWith({ 'jetty.idleTimeout': 40_000 }))
      .catch((error: unknown) => error);
    const intent = join(node.description.directory, 'intent.json');
    await vi.waitFor(
      async () => {
        await readFile(intent);
        expect(processesOf(join(node.description.directory, 'jetty'))).toHaveLength(2);
      },
      { timeout: 30_000 },
    );
    process.kill(node.agent.pid, 'SIGKILL');
    expect(await change).toBeInstanceOf(NodeAgentError);
    await node.startAgent();
    const after = await node.untilHealth('ready');
    expect(after.configurationHash).toBe(before.configurationHash);
    expect(after.jetty!.usage.pid).toBe(before.jetty!.usage.pid);
    expect(processesOf(join(node.description.directory, 'jetty'))).toEqual([
      before.jetty!.usage.pid,
    ]);
    await expect(readFile(intent)).rejects.toThrow('ENOENT');
  });

  test('puts the former version back when httpd refuses the new configuration', async () => {
    const before = await node.client.status();
    // In place of the folder for configurations, something that no configuration can be put into.
    const folder = join(node.description.directory, 'httpd', 'configurations');
    await rename(folder, `${folder}.aside`);
    await writeFile(folder, '');
    const problem = await problemOf(
      node.client.configure(stockWith({ 'proxy.retry': 5, 'jetty.acceptQueueSize': 512 })),
    );
    await rename(folder, `${folder}.file`);
    await rename(`${folder}.aside`, folder);
    expect(problem).toMatchObject({
      code: 'swap-failed',
      restoredHash: before.configurationHash,
    });
    const after = await node.client.status();
    expect(after.configurationHash).toBe(before.configurationHash);
    // The new Jetty had taken over already when httpd refused.
    expect(after.generations.jetty).toBe(before.generations.jetty + 1);
    expect(processesOf(join(node.description.directory, 'jetty'))).toEqual([
      before.jetty!.usage.pid,
    ]);
    expect((await throughHttpd('/cart?id=1')).status).toBe(200);
  });

  test('stop leaves no process', async () => {
    await node.client.stop();
    await vi.waitFor(
      () => {
        expect(processesOf(node.folder)).toEqual([]);
      },
      { timeout: 30_000 },
    );
    expect(isRunning(node.agent)).toBe(false);
  });
});

describe('a node that cannot start says why', () => {
  test.each([
    ['broken-start', /did not start in Jetty.*IllegalStateException: .*broken on purpose/s],
    ['broken-500', /answers 500 on \/health/],
  ] as const)('%s', async (flavour, reason) => {
    const node = await createNode(flavour);
    try {
      const status = await node.untilHealth('stopped');
      expect(status.reason).toMatch(reason);
      expect(processesOf(node.description.directory)).toEqual([]);
    } finally {
      await node.remove();
    }
  });

  test('a port that is taken is named', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const node = await createNode('1.0', (description) => ({
      ...description,
      ports: { ...description.ports, httpd: port },
    }));
    try {
      const status = await node.untilHealth('stopped');
      expect(status.reason).toContain(`127.0.0.1:${port}, meant for httpd`);
      expect(processesOf(node.description.directory)).toEqual([]);
    } finally {
      await node.remove();
      await close(taken);
    }
  });

  test('another file than the announced build is refused', async () => {
    const node = await createNode('1.0', (description) => ({
      ...description,
      build: { ...description.build, digest: '0'.repeat(64) },
    }));
    try {
      const status = await node.untilHealth('stopped');
      expect(status.reason).toMatch(/has SHA-256 [0-9a-f]{64}, not 0{64}/);
    } finally {
      await node.remove();
    }
  });
});
