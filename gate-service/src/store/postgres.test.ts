/** A PostgreSQL that falls silent with the connection open, as behind a firewall that forgot it. */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { Kysely, sql } from 'kysely';
import { expect, it } from 'vitest';
import { StoreUnavailableError } from '../runs/run-store.ts';
import { DatabaseTarget } from './database-target.ts';
import { postgresDialect } from './postgres.ts';

function message(type: string, content: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

const READY = message('Z', Buffer.from('I'));
const WELCOME = Buffer.concat([message('R', Buffer.alloc(4)), READY]);
const DONE = Buffer.concat([message('C', Buffer.from('SELECT 0\0')), READY]);

it('gives up a statement that nobody answers, and its connection', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    let heard = 0;
    socket.on('data', () => {
      heard += 1;
      // The greeting and the session's settings are answered, and nothing after.
      if (heard <= 2) socket.write(heard === 1 ? WELCOME : DONE);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const target = new DatabaseTarget(`postgresql://gate@127.0.0.1:${port}/gate`);
  const db = new Kysely({ dialect: postgresDialect(target, { connections: 1, statementMs: 50 }) });
  try {
    const failure = await db
      .transaction()
      .execute((trx) => sql`select 1`.execute(trx))
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StoreUnavailableError);
    expect(String(failure)).toContain('does not answer');
    await expect.poll(() => sockets[0]?.destroyed, { timeout: 30_000 }).toBe(true);
  } finally {
    await db.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}, 60_000);
