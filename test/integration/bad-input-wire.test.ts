/** Connections and tokens that are wrong: refused with problem details, nothing is stored and nothing is given away. */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { importPKCS8 } from 'jose';
import { describe, expect, it } from 'vitest';
import { tokenDigest } from '../../gate-service/src/api/identity/token-book.ts';
import type { Problem } from '../../gate-service/src/api/problems/problem.ts';
import { BODIES } from '../support/api-bodies.ts';
import { write } from '../support/raw-http.ts';
import { ask, authorization, problemOf, TOKEN, useWrongApi } from '../support/wrong-api.ts';
import { TestIssuer } from '../support/test-issuer.ts';

const wrongApi = useWrongApi();

describe('a connection', () => {
  const head = (more: string): string =>
    `POST /v1/runs HTTP/1.1\r\nhost: a\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\n${more}\r\n`;

  it.each([
    [
      'with endless headers',
      `GET /v1/runs HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`,
      431,
    ],
    ['that speaks something else', 'HELO speed-gate\r\n\r\n', 400],
    ['with an unknown method', 'BREW /v1/runs HTTP/1.1\r\nhost: a\r\n\r\n', 400],
    ['without a host', 'GET /v1/runs HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
    ['with two lengths', head('content-length: 2\r\ncontent-length: 3\r\n') + '{}', 400],
    [
      'with two ways to tell the length',
      head('content-length: 2\r\ntransfer-encoding: chunked\r\n') + '{}',
      400,
    ],
    ['with a wrong chunk', head('transfer-encoding: chunked\r\n') + 'zz\r\n{}\r\n0\r\n\r\n', 400],
  ])('%s', async (what, bytes, status) => {
    const answer = await write(wrongApi.port, bytes);
    expect(answer.status, answer.body).toBe(status);
    problemOf(answer, what);
  });

  it('whose body stops in the middle is told so, and nothing is kept of it', async () => {
    const body = JSON.stringify(BODIES['post /v1/runs']);
    const bytes = head(`content-length: ${body.length}\r\n`) + body.slice(0, -10);
    const closed = await write(wrongApi.port, bytes, true);
    if (closed.status !== 0) problemOf(closed, 'closed');
    const waiting = await write(wrongApi.port, bytes);
    expect(problemOf(waiting, 'waiting')).toMatchObject({ status: 408, code: 'too-slow' });
  });
});

describe('a token', () => {
  const withToken = async (token: string): Promise<Problem> => {
    const headers = { authorization: `Bearer ${token}` };
    const request = { method: 'GET', path: '/v1/audit', headers };
    const answer = await ask(request);
    for (const part of token.split('.')) {
      if (part.length > 8) expect(answer.body).not.toContain(part);
    }
    return problemOf(answer, token.slice(0, 40));
  };

  it('of the issuer is taken when it is right', async () => {
    const headers = { authorization: `Bearer ${await wrongApi.issuer.sign({ sub: 'ann' })}` };
    const answer = await ask({ method: 'GET', path: '/v1/audit', headers });
    expect(answer.status).toBe(200);
  });

  it('that is wrong in any way is refused', async () => {
    const good = await wrongApi.issuer.sign({ sub: 'ann' });
    const [header = '', payload = '', signature = ''] = good.split('.');
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const other = await TestIssuer.start();
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const key = await importPKCS8(privateKey, 'RS256');
    const confused = `${part({ alg: 'HS256', kid: wrongApi.issuer.jwk.kid! })}.${payload}`;
    const wrong = {
      expired: await wrongApi.issuer.sign({ sub: 'ann' }, { expiresIn: -120 }),
      foreign: await other.sign({ sub: 'ann' }),
      'foreign by name': await other.sign({ sub: 'ann' }, { issuer: wrongApi.issuer.url }),
      'another audience': await wrongApi.issuer.sign({ sub: 'ann' }, { audience: 'other' }),
      'another key': await wrongApi.issuer.sign({ sub: 'ann' }, { key }),
      truncated: good.slice(0, -30),
      'without a signature': `${header}.${payload}.`,
      'alg none': `${part({ alg: 'none' })}.${payload}.`,
      'alg none, signed': `${part({ alg: 'none' })}.${payload}.${signature}`,
      'key confusion': `${confused}.${createHmac('sha256', JSON.stringify(wrongApi.issuer.jwk)).update(confused).digest('base64url')}`,
      'another payload': `${header}.${part({ iss: wrongApi.issuer.url, aud: 'speed-gate', sub: 'ann', exp: 9e9 })}.${signature}`,
      'own key in the header': `${part({ alg: 'RS256', jwk: wrongApi.issuer.jwk })}.${payload}.${signature}`,
      'a critical extension': `${part({ alg: 'RS256', kid: wrongApi.issuer.jwk.kid!, crit: ['x'], x: 1 })}.${payload}.${signature}`,
      'static, truncated': TOKEN.slice(0, -1),
      'static, and more': `${TOKEN}x`,
      short: 'x',
      'a digest': tokenDigest(TOKEN),
    };
    await other.close();
    for (const [what, token] of Object.entries(wrong)) {
      const problem = await withToken(token);
      expect(problem.status, `${what}: ${problem.detail}`).toBe(401);
      expect(problem.code, what).toBe(what === 'expired' ? 'expired' : 'unauthorized');
    }
  });

  it('in another place counts for nothing', async () => {
    for (const request of [
      { path: `/v1/runs?token=${TOKEN}` },
      { path: `/v1/runs?access_token=${TOKEN}` },
      { path: '/v1/runs', headers: { cookie: `token=${TOKEN}` } },
      { path: '/v1/runs', headers: { 'x-api-key': TOKEN } },
      { path: '/v1/runs', headers: { authorization: TOKEN } },
      { path: '/v1/runs', headers: { authorization: `Basic ${TOKEN}` } },
    ]) {
      expect((await ask({ method: 'GET', ...request })).status).toBe(401);
    }
  });

  it('is asked for less and less where one is guessed', async () => {
    let status = 401;
    for (let n = 0; n < 60 && status === 401; n += 1) {
      status = (await withToken(`guess-number-${String(n).padStart(20, '0')}`)).status;
    }
    expect(status).toBe(429);
    const known = { method: 'GET', path: '/v1/me', headers: { authorization } };
    expect((await ask(known)).status).toBe(200);
  });
});
