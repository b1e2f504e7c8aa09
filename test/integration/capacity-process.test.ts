/** The closed-loop generator as runs use it: a process of its own against a real server. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { capacityProcess } from '../../gate-service/src/runs/adapters/capacity-process.ts';
import { workloadSchema } from '../../gate-service/src/load/workload.ts';
import { childrenOf, until } from '../support/processes.ts';

const { requests } = workloadSchema.parse({
  rate: 10,
  requests: [{ name: 'cart', path: '/cart' }],
});
let server: Server;
let port: number;
let arms: (string | undefined)[];
let status: number;

beforeEach(async () => {
  arms = [];
  status = 200;
  server = createServer((request, response) => {
    arms.push(request.headers['x-arm'] as string | undefined);
    void sleep(20).then(() => response.writeHead(status).end('ok'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const measure = (signal = AbortSignal.timeout(60_000), seconds = 1) =>
  capacityProcess.measure(
    {
      target: { host: '127.0.0.1', port },
      authority: 'checkout.localhost',
      requests,
      connections: 4,
      headers: { 'x-arm': 'candidate' },
      seconds,
    },
    signal,
  );

const generators = () => childrenOf(process.pid).filter((child) => child.isRunning());

it('counts what one arm answers, and says how busy it was itself', async () => {
  const reading = await measure();
  expect(new Set(arms)).toEqual(new Set(['candidate']));
  // Four connections at 20 ms each: 200 per second at most, however fast or slow the machine is.
  expect(reading.completedPerSecond).toBeGreaterThan(0);
  expect(reading.completedPerSecond).toBeLessThan(210);
  expect(reading.completed).toBeLessThanOrEqual(arms.length);
  expect(reading.failed).toBe(0);
  expect(reading.generatorCores).toBeGreaterThan(0);
  expect(reading.generatorCores).toBeLessThan(2);
});

it('counts failures apart', async () => {
  status = 503;
  const reading = await measure();
  expect(reading.completed).toBe(0);
  expect(reading.failed).toBeGreaterThan(0);
});

it('says that nothing listens', async () => {
  const free = port;
  server.close();
  await expect(measure()).rejects.toThrow(new RegExp(`${free} refused the connection`));
  server.listen(0, '127.0.0.1');
});

it('ends with the run that wanted it', async () => {
  const before = generators().length;
  const abort = new AbortController();
  const reading = measure(abort.signal, 600);
  reading.catch(() => undefined);
  await until('requests flow', () => (arms.length > 0 ? true : undefined));
  abort.abort(new Error('cancelled by ann'));
  await expect(reading).rejects.toThrow('cancelled by ann');
  await until('the generator is gone', () => (generators().length <= before ? true : undefined));
});
