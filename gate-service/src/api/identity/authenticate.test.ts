import Fastify from 'fastify';
import type { FastifyBaseLogger } from 'fastify';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { requireRights } from './authenticate.ts';
import { createTokenBook, tokenDigest } from './token-book.ts';

const TOKEN = 'the-token-of-ann-0123456789';
const EXPIRED = 'the-token-of-bob-0123456789';

it('writes who called into the log, why a token was refused, and never a token', async () => {
  const lines: string[] = [];
  const loggerInstance: FastifyBaseLogger = pino({}, { write: (line) => void lines.push(line) });
  const app = Fastify({ loggerInstance });
  requireRights(
    app,
    createTokenBook([
      { name: 'ann', kind: 'person', sha256: tokenDigest(TOKEN), rights: ['read'] },
      {
        name: 'bob',
        kind: 'person',
        sha256: tokenDigest(EXPIRED),
        rights: ['read'],
        expires: '2020-01-01',
      },
    ]),
  );
  app.get('/here', { config: { right: 'read' } }, () => 'x');
  for (const token of [TOKEN, EXPIRED, `${TOKEN}x`]) {
    await app.inject({ url: '/here', headers: { authorization: `Bearer ${token}` } });
  }
  await app.close();
  const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const completed = entries.filter(({ msg }) => msg === 'request completed');
  expect(completed.map(({ caller }) => caller)).toEqual(['ann', undefined, undefined]);
  expect(entries).toContainEqual(
    expect.objectContaining({ code: 'expired', address: '127.0.0.1' }),
  );
  expect(entries).toContainEqual(expect.objectContaining({ code: 'unauthorized' }));
  expect(lines.join('')).not.toContain('0123456789');
});
