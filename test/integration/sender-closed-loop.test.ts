import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  capacity,
  replay,
  type ClosedLoopTarget,
} from '../../gate-service/src/load/closed-loop.ts';
import { loadWorkload } from '../../gate-service/src/load/workload-file.ts';
import {
  answerAfter,
  startTarget,
  until,
  workload,
  type Behaviour,
  type Target,
} from './sender-fixture.ts';

const targets: Target[] = [];
afterEach(async () => {
  await Promise.all(targets.splice(0).map((target) => target.close()));
});

async function target(behave: Behaviour): Promise<Target> {
  const started = await startTarget(behave);
  targets.push(started);
  return started;
}

const at = (port: number, change: Partial<ClosedLoopTarget> = {}): ClosedLoopTarget => ({
  target: { host: '127.0.0.1', port },
  authority: 'checkout.test',
  requests: workload.requests,
  connections: 4,
  signal: new AbortController().signal,
  ...change,
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('replay', () => {
  it('sends exactly the amount, over so many connections, by weight', async () => {
    let underWay = 0;
    let most = 0;
    const server = await target((_seen, response) => {
      most = Math.max(most, (underWay += 1));
      setTimeout(() => {
        underWay -= 1;
        response.end();
      }, 2);
    });
    const result = await replay({ ...at(server.port), amount: 301 });
    expect(result).toEqual({ sent: 301, failed: 0 });
    expect(server.seen).toHaveLength(301);
    expect(server.connections()).toBe(4);
    expect(most).toBe(4);
    const reads = server.seen.filter(({ url }) => url.startsWith('/read')).length;
    expect(reads).toBeGreaterThan(150);
    expect(reads).toBeLessThan(250);
    expect(server.seen.every(({ host }) => host === 'checkout.test')).toBe(true);
  });

  it('counts every failure once: status, body, broken connection, time-out', async () => {
    const server = await target(({ url }, response, request) => {
      if (url === '/broken') request.socket.destroy();
      else if (url === '/failing') response.writeHead(500).end();
      else if (url !== '/silent') response.end('fine');
    });
    const { requests } = loadWorkload(`
rate: 1
requests:
  - { name: good, path: /good, expect: { bodyPattern: fine } }
  - { name: odd, path: /odd, expect: { bodyPattern: rough } }
  - { name: failing, path: /failing }
  - { name: broken, path: /broken }
  - { name: silent, path: /silent }
`);
    const result = await replay({
      ...at(server.port, { requests }),
      amount: 60,
      requestTimeoutMs: 100,
    });
    const good = server.seen.filter(({ url }) => url === '/good').length;
    expect(server.seen).toHaveLength(60);
    expect(result).toEqual({ sent: 60, failed: 60 - good });
  });

  it('counts refused connections and does not spin', async () => {
    const result = await replay({ ...at(await closedPort()), amount: 12 });
    expect(result).toEqual({ sent: 12, failed: 12 });
  });

  it('ends with the reason of its signal', async () => {
    const server = await target(() => undefined);
    const controller = new AbortController();
    const replaying = replay({ ...at(server.port, { signal: controller.signal }), amount: 100 });
    await until(() => server.seen.length > 0, 'the target is asked');
    controller.abort(new Error('cancelled'));
    await expect(replaying).rejects.toThrow('cancelled');
  });

  it('refuses to send nothing', async () => {
    await expect(replay({ ...at(1, { requests: [] }), amount: 1 })).rejects.toThrow(
      'at least one request',
    );
  });
});

describe('capacity', () => {
  it('is what the connections allow, with raw latencies', async () => {
    const server = await target((_seen, response) => {
      answerAfter(response, 20);
    });
    const result = await capacity({ ...at(server.port), seconds: 2 });
    // 4 connections with at least 20 ms a request: never above 200 a second.
    expect(result.completedPerSecond).toBeGreaterThan(0);
    expect(result.completedPerSecond).toBeLessThanOrEqual(205);
    expect(result.failed).toBe(0);
    expect(result.latenciesMs).toHaveLength(result.completed);
    expect(Math.min(...result.latenciesMs)).toBeGreaterThan(19);
    // Whole milliseconds would tell that the histogram was read, not the answers.
    expect(result.latenciesMs.some((ms) => ms % 1 !== 0)).toBe(true);
    expect(Math.abs(server.seen.length - result.completed)).toBeLessThanOrEqual(4);
    expect(new Set(server.seen.map(({ url }) => url)).size).toBeGreaterThan(10);
    expect(server.seen.every(({ host }) => host === 'checkout.test')).toBe(true);
  });

  it('does not count failures as completed, nor forget broken connections', async () => {
    const server = await target((_seen, response, request) => {
      if (server.seen.length % 3 === 0) response.writeHead(503).end();
      else if (server.seen.length % 3 === 1) request.socket.end();
      else answerAfter(response, 2);
    });
    const result = await capacity({ ...at(server.port), seconds: 1 });
    expect(result.completed).toBeGreaterThan(0);
    const missing = server.seen.length - result.completed;
    expect(result.failed).toBeGreaterThan(missing - 9);
    expect(result.failed).toBeLessThanOrEqual(missing + 4);
  });

  it('counts only answers that the workload expects, by status and body', async () => {
    const server = await target(({ url }, response) => {
      if (url.startsWith('/gone')) response.writeHead(404);
      response.end(url.startsWith('/broken') ? 'an error page' : 'fine');
    });
    const kinds = { right: 'fine', broken: 'fine' };
    const requests = [
      ...Object.entries(kinds).map(([name, bodyPattern]) => ({
        ...workload.requests[0]!,
        name,
        weight: 1,
        path: `/${name}`,
        expect: { bodyPattern },
      })),
      { ...workload.requests[0]!, name: 'gone', weight: 1, path: '/gone', expect: { status: 404 } },
    ];
    const result = await capacity({ ...at(server.port), requests, seconds: 1 });
    const wanted = server.seen.filter(({ url }) => url !== '/broken').length;
    const unwanted = server.seen.length - wanted;
    expect(unwanted).toBeGreaterThan(10);
    // One request a connection may be on its way at the end.
    expect(wanted - result.completed).toBeGreaterThanOrEqual(0);
    expect(wanted - result.completed).toBeLessThanOrEqual(4);
    expect(unwanted - result.failed).toBeGreaterThanOrEqual(0);
    expect(unwanted - result.failed).toBeLessThanOrEqual(4);
  });

  it('says that nobody listens instead of spinning', async () => {
    await expect(capacity({ ...at(await closedPort()), seconds: 20 })).rejects.toThrow(
      'refused the connection',
    );
  });
});
