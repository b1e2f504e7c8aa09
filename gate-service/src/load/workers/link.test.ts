import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { connectWorker } from './link.ts';

const server = createServer();
afterEach(() => {
  server.close();
});

it('connects at once to a worker that listens, long before it gives up', async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection');
  // An hour: whoever waits for its end does not pass.
  const worker = { name: 'worker', host: '127.0.0.1', port };
  const link = await connectWorker(worker, 'token', 3_600_000, new AbortController().signal);
  expect(await accepted).toHaveLength(1);
  link.close();
});
