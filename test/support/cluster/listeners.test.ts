import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { holderOf, listenerOn } from './listeners.ts';

async function listening(host: string): Promise<{ port: number; close: () => void }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

test('finds who listens on an address, and lets other addresses be', async () => {
  const { port, close } = await listening('127.0.0.1');
  try {
    const found = listenerOn('127.0.0.1', port);
    expect(found).toBeDefined();
    expect(holderOf(found!)).toContain(`process ${process.pid} `);
    expect(listenerOn('127.0.0.2', port)).toBeUndefined();
    expect(listenerOn('127.0.0.1', port - 1)).toBeUndefined();
  } finally {
    close();
  }
});

test('a server on all addresses is in the way of an address that is not there yet', async () => {
  const { port, close } = await listening('0.0.0.0');
  try {
    expect(listenerOn('10.245.0.1', port)).toBeDefined();
  } finally {
    close();
  }
});
