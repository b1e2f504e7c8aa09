/**
 * Whatever is wrong with a request is answered with 4xx and problem details that name the field; nothing is stored
 * and nothing is given away. Real HTTP, the real rules and a real SQLite store; what there is to send
 * wrongly comes from the description of the API, so that a new field is tested by being described.
 */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { Agent } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { importPKCS8 } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  identitiesOf,
  parseIdentities,
} from '../../gate-service/src/api/identity/identities-file.ts';
import { createIssuerKeys } from '../../gate-service/src/api/identity/oidc/issuer-keys.ts';
import { tokenDigest } from '../../gate-service/src/api/identity/token-book.ts';
import type { Problem } from '../../gate-service/src/api/problems/problem.ts';
import { send, write } from '../support/raw-http.ts';
import type { WireAnswer, WireRequest } from '../support/raw-http.ts';
import { CANDIDATE, CONFIGURATION, IN_FORCE, openRealApi } from '../support/real-api.ts';
import type { RealApi } from '../support/real-api.ts';
import { TestIssuer } from '../support/test-issuer.ts';

const TOKEN = 'a-token-for-everything-0123456789';
const BODY_TIMEOUT_MS = 400;
const authorization = `Bearer ${TOKEN}`;
const json = { authorization, 'content-type': 'application/json' };
const reason = 'because the test says so';

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly format?: string;
}
interface Operation {
  readonly parameters?: readonly { in: string; name: string; schema: Schema }[];
  readonly requestBody?: { content: Readonly<Record<string, { schema?: Schema }>> };
}
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

/** A right body with every field, for each operation that takes JSON. */
const BODIES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'post /v1/runs': {
    service: 'checkout',
    build: CANDIDATE,
    label: '1.2.3',
    workload: {
      rate: 100,
      arrivals: 'poisson',
      freshConnections: 0.5,
      phases: { apply: 'once', steps: [{ seconds: 5, factor: 2 }] },
      requests: [
        {
          name: 'cart',
          weight: 1,
          method: 'POST',
          path: '/cart',
          headers: { 'x-test': 'a' },
          body: 'b',
          expect: { status: 200, bodyPattern: 'ok' },
          data: { order: 'random', columns: ['id'], rows: [['1'], ['2']] },
        },
      ],
    },
    thresholds: ['p50 <= baseline + 5%'],
    tune: { evaluations: 1, seconds: 10 },
    against: 'production',
    promote: 'never',
    profile: 'quick',
    startedBy: 'ann',
    wake: { endpoint: 'jenkins', token: 'abc' },
  },
  'post /v1/runs/{id}/override': { order: 'rollback', reason, expiresAt: '2026-01-02T00:00:00Z' },
  'post /v1/runs/{id}/judgements': {
    thresholds: ['p50 < 1s'],
    shown: ['p95 < 1s'],
    controls: 'optional',
    seed: 1,
    measurement: 'm-1',
  },
  'put /v1/services/{name}/reference': { build: IN_FORCE, reason },
  'post /v1/services/{name}/promotions': {
    build: IN_FORCE,
    configuration: CONFIGURATION,
    reason,
  },
};

let api: RealApi;
let issuer: TestIssuer;
let port: number;
let paths: Paths;
const agent = new Agent({ keepAlive: true });

beforeAll(async () => {
  issuer = await TestIssuer.start();
  const identities = parseIdentities(
    JSON.stringify({
      tokens: [
        {
          name: 'everybody',
          kind: 'person',
          sha256: tokenDigest(TOKEN),
          rights: ['read', 'run', 'promote', 'override', 'loosen', 'admin'],
        },
      ],
      oidc: [
        {
          name: 'corp',
          issuer: issuer.url,
          audience: 'speed-gate',
          kind: 'person',
          grants: [{ claim: 'sub', value: 'ann', rights: ['read', 'admin'] }],
        },
      ],
    }),
    'identities',
  );
  const silent = { warn: () => undefined, info: () => undefined };
  const tokens = identitiesOf(identities, ({ issuer: url }) =>
    createIssuerKeys({ issuer: url, log: silent }),
  );
  api = await openRealApi(tokens, { bodyTimeoutMs: BODY_TIMEOUT_MS });
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  port = (api.app.server.address() as AddressInfo).port;
  ({ paths } = api.app.swagger() as unknown as { paths: Paths });
});
afterAll(async () => {
  agent.destroy();
  await api.close();
  await issuer.close();
});

/** All that a request could have left behind. */
async function stored(): Promise<string> {
  const { store } = api;
  const page = { limit: 200 };
  const lists = await Promise.all([
    store.runs({}, page),
    store.promotions({}, page),
    store.audit({}, page),
    store.deliveries({}, page),
    store.judgements('finished-checkout'),
    store.overrides('finished-checkout'),
    store.serviceState('checkout'),
    store.reference('checkout'),
    store.build('c'.repeat(64)),
  ]);
  return JSON.stringify(lists);
}

let before: string;
beforeEach(async () => {
  before = await stored();
});
afterEach(async () => {
  expect(await stored()).toBe(before);
});

/** What must be so of every refusal. */
function problemOf(answer: WireAnswer, what: string): Problem {
  const said = `${what} → ${answer.status} ${answer.body.slice(0, 300)}`;
  expect(answer.status, said).toBeGreaterThanOrEqual(400);
  expect(answer.status, said).toBeLessThan(500);
  expect(answer.type, said).toBe('application/problem+json');
  for (const secret of [
    api.directory,
    TOKEN,
    'node_modules',
    '.ts:',
    'SQLITE',
    'sqlite',
    'at Object',
  ]) {
    expect(answer.body, said).not.toContain(secret);
  }
  expect(answer.body.length, what).toBeLessThan(20_000);
  return JSON.parse(answer.body) as Problem;
}

async function refused(request: WireRequest, what: string): Promise<Problem> {
  return problemOf(await send(port, request, agent), `${what}: ${request.method} ${request.path}`);
}

/** The problem is with this field, or with the part of the body that it belongs to. */
function expectNamed(problem: Problem, pointer: string, what: string): void {
  const named = (problem.errors ?? []).map((error) => error.pointer);
  const fits = named.some(
    (one) => one === pointer || one.startsWith(`${pointer}/`) || pointer.startsWith(`${one}/`),
  );
  expect(fits, `${what}: ${JSON.stringify(problem.errors)} ${problem.detail.slice(0, 200)}`).toBe(
    true,
  );
}

const exists: Readonly<Record<string, string>> = {
  id: 'finished-checkout',
  name: 'checkout',
  sha256: CANDIDATE,
  judgement: 'judgement-checkout',
};
const filled = (path: string): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => exists[name] ?? name);

function* operations(): Generator<readonly [string, string, Operation]> {
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) yield [method, path, operation];
  }
}

describe('an id in an address', () => {
  it.each([
    '..%2f..%2f..%2fetc%2fpasswd',
    '%2e%2e%2f%2e%2e%2fspeed-gate.sqlite',
    '..%5c..%5cwindows',
    '%252e%252e%252f',
    '%00',
    'finished-checkout%00.html',
    '%ff%fe',
    '%zz',
    '%',
    '%F0%9F%92%A3',
    '-rf',
    `'%20OR%201=1--`,
    '$%7Bjndi:ldap:x%7D',
    'x'.repeat(101),
    'x'.repeat(4000),
  ])('like %j is refused everywhere', async (id) => {
    for (const [method, path] of operations()) {
      for (const name of path.match(/\{\w+\}/g) ?? []) {
        const address = filled(path.replace(name, id));
        const body = BODIES[`${method} ${path}`];
        await refused(
          {
            method: method.toUpperCase(),
            path: address,
            headers: {
              ...(body === undefined ? { authorization } : json),
              accept: 'application/json',
              'if-match': '"1"',
            },
            ...(body !== undefined && { body: JSON.stringify(body) }),
          },
          name,
        );
      }
    }
  });

  it.each(['/v1/../../etc/passwd', '//etc/passwd', '/assets/../index.html', '/assets/%2e%2e/x'])(
    'cannot lead out of the service: %s',
    async (path) => {
      await refused({ method: 'GET', path, headers: { authorization } }, 'path');
    },
  );
});

describe('a parameter', () => {
  const wrong = ({ enum: values, format, pattern, type }: Schema): readonly string[] => {
    if (type === 'integer' || type === 'number') {
      return ['abc', '-1', '1.5', '1e99', 'NaN', 'Infinity', '%00', '99999999999999999999'];
    }
    if (values !== undefined) return ['nonsense', '%00', 'x'.repeat(5000)];
    if (pattern !== undefined || format !== undefined) return ['../x', '%00', 'x'.repeat(5000)];
    return ['%00', 'x'.repeat(5000)];
  };

  it('of a query is refused by its name when it is wrong, huge or there twice', async () => {
    let tried = 0;
    for (const [method, path, { parameters = [] }] of operations()) {
      for (const { in: place, name, schema } of parameters) {
        if (place !== 'query') continue;
        const values = wrong(schema).map((value) => `${name}=${value}`);
        for (const query of [...values, `${name}=1&${name}=2`]) {
          const problem = await refused(
            {
              method: method.toUpperCase(),
              path: `${filled(path)}?${query}`,
              headers: { authorization, accept: 'application/json' },
            },
            query.slice(0, 60),
          );
          expectNamed(problem, `/${name}`, `${path} ${query.slice(0, 60)}`);
          tried += 1;
        }
      }
    }
    expect(tried).toBeGreaterThan(50);
  });

  it('of a header is refused by its name', async () => {
    for (const value of ['abc', '-1', '1e99']) {
      const problem = await refused(
        {
          method: 'GET',
          path: '/v1/runs/finished-checkout/events',
          headers: { authorization, 'last-event-id': value },
        },
        value,
      );
      expectNamed(problem, '/last-event-id', value);
    }
    const problem = await refused(
      {
        method: 'POST',
        path: '/v1/runs',
        headers: { ...json, 'idempotency-key': 'x'.repeat(256) },
        body: JSON.stringify(BODIES['post /v1/runs']),
      },
      'idempotency-key',
    );
    expectNamed(problem, '/idempotency-key', 'too long');
  });
});

interface Change {
  readonly pointer: string;
  readonly what: string;
  readonly body: unknown;
}

/** The body with the value at the path replaced, or without it. */
function changed(body: unknown, path: readonly (string | number)[], value: unknown): unknown {
  const copy = structuredClone(body) as Record<string | number, unknown>;
  let at = copy;
  for (const part of path.slice(0, -1)) at = at[part] as typeof at;
  const last = path.at(-1)!;
  if (value === undefined) Reflect.deleteProperty(at, last);
  else at[last] = value;
  return copy;
}

const NUL = 'with a \0 character';
const HALF = 'half a character \ud83d';

/** Values that cannot stand where this one stands. */
function wrongFor(value: unknown): readonly unknown[] {
  if (typeof value === 'string') return [null, true, 7, [], {}, ['a'], { a: 1 }, NUL, HALF];
  if (typeof value === 'number') return [null, true, '1', [], {}, -1e300, 1e300, '__HUGE__'];
  if (Array.isArray(value)) return [null, true, 7, 'a', {}, [null], [[[]]]];
  return [null, true, 7, 'nonsense', []];
}

/** Every field of the body with every wrong value, and objects with a field too many. */
function* changes(
  body: unknown,
  value: unknown = body,
  path: readonly (string | number)[] = [],
): Generator<Change> {
  const pointer = path.map((part) => `/${part}`).join('');
  if (path.length > 0) {
    for (const other of wrongFor(value)) {
      yield { pointer, what: JSON.stringify(other).slice(0, 40), body: changed(body, path, other) };
    }
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    yield* changes(body, inner, [...path, Array.isArray(value) ? Number(key) : key]);
  }
  // Headers have any name.
  if (Array.isArray(value) || pointer.endsWith('/headers')) return;
  const more = [...path, 'surplus'];
  yield { pointer: pointer === '' ? '' : pointer, what: 'surplus', body: changed(body, more, 1) };
}

describe('a body', () => {
  const withBody = () =>
    [...operations()].filter(
      ([, , { requestBody }]) => requestBody?.content['application/json'] !== undefined,
    );
  const request = (method: string, path: string, body: string | Buffer): WireRequest => ({
    method: method.toUpperCase(),
    path: filled(path),
    headers: { ...json, 'if-match': '"1"' },
    body,
  });

  it('has an example here for every operation, with every field of its schema', () => {
    expect(
      withBody()
        .map(([method, path]) => `${method} ${path}`)
        .sort(),
    ).toEqual(Object.keys(BODIES).sort());
    const { components } = api.app.swagger() as unknown as {
      components: { schemas: Readonly<Record<string, Schema>> };
    };
    for (const [method, path, { requestBody }] of withBody()) {
      const schema = requestBody!.content['application/json']!.schema as Schema & { $ref?: string };
      const { properties } =
        schema.$ref === undefined ? schema : components.schemas[schema.$ref.split('/').at(-1)!]!;
      expect(Object.keys(BODIES[`${method} ${path}`]!).sort(), path).toEqual(
        Object.keys(properties!).sort(),
      );
    }
  });

  it('is refused by the name of the field for every wrong value of every field', async () => {
    let tried = 0;
    for (const [name, body] of Object.entries(BODIES)) {
      const [method = '', path = ''] = name.split(' ');
      for (const { body: wrong, pointer, what } of changes(body)) {
        const text = JSON.stringify(wrong).replace('"__HUGE__"', '1e999');
        const said = `${pointer} = ${what}`;
        const problem = await refused(request(method, path, text), said);
        if (pointer !== '') expectNamed(problem, pointer, said);
        // A choice between two forms cannot say which of them was meant.
        if (what === 'surplus' && pointer !== '/tune') {
          expect(problem.detail, said).toContain('surplus');
        }
        tried += 1;
      }
    }
    expect(tried).toBeGreaterThan(300);
  });

  it('is refused by the name of the field when one that is needed is missing or empty', async () => {
    for (const [method, path, { requestBody }] of withBody()) {
      const schema = requestBody!.content['application/json']!.schema!;
      for (const field of schema.required ?? []) {
        const body = BODIES[`${method} ${path}`]!;
        for (const value of [undefined, Array.isArray(body[field]) ? [] : '']) {
          const text = JSON.stringify(changed(body, [field], value));
          const problem = await refused(request(method, path, text), `without ${field}`);
          expectNamed(problem, `/${field}`, `${path} without ${field}`);
        }
      }
    }
  });

  it('is refused when a field is huge', async () => {
    const long = 'x'.repeat(200_000);
    const runs = BODIES['post /v1/runs']!;
    for (const [field, value] of Object.entries({
      service: long,
      build: long,
      label: long,
      startedBy: long,
      thresholds: [long],
      against: long,
      wake: { endpoint: long, token: 'a' },
      tune: { evaluations: 1e15, seconds: 1e15 },
    })) {
      const text = JSON.stringify({ ...runs, [field]: value });
      expectNamed(await refused(request('post', '/v1/runs', text), field), `/${field}`, field);
    }
    const many = JSON.stringify({ ...runs, thresholds: Array.from({ length: 50_000 }, () => 7) });
    const problem = await refused(request('post', '/v1/runs', many), 'many');
    expect(problem.errors?.length).toBeLessThanOrEqual(20);
    const path = '/v1/runs/{id}/override';
    const text = JSON.stringify({ ...BODIES[`post ${path}`], reason: 'x'.repeat(2001) });
    expectNamed(await refused(request('post', path, text), 'reason'), '/reason', 'reason');
  });

  it.each<{ what: string; body: string | Buffer; pointer?: string }>([
    { what: 'a deep nest', body: `${'['.repeat(100_000)}${']'.repeat(100_000)}` },
    { what: 'a deep nest of objects', body: `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}` },
    { what: 'a wide list', body: `[${'0,'.repeat(300_000)}0]` },
    {
      what: 'a name twice',
      body: `{"service":"checkout","service":"search","build":"${CANDIDATE}"}`,
      pointer: '/service',
    },
    {
      what: 'a name twice, once in disguise',
      body: `{"service":"checkout","\\u0073ervice":"search"}`,
      pointer: '/service',
    },
    {
      what: 'a name twice, deep inside',
      body: `{"workload":{"rate":1,"requests":[{"name":"a","name":"b"}]}}`,
      pointer: '/workload/requests/0/name',
    },
    {
      what: '__proto__',
      body: `{"__proto__":{"service":"checkout"},"service":"checkout"}`,
      pointer: '/__proto__',
    },
    { what: 'constructor', body: `{"constructor":{"prototype":{"a":1}}}`, pointer: '/constructor' },
    { what: 'a NUL character', body: `{"service":"check\\u0000out"}`, pointer: '/service' },
    { what: 'a NUL character in a name', body: `{"ser\\u0000vice":"checkout"}` },
    { what: 'half a character', body: `{"label":"\\ud83d"}`, pointer: '/label' },
    { what: 'no JSON', body: 'service=checkout' },
    { what: 'half of JSON', body: '{"service":"checkout"' },
    { what: 'JSON and more', body: '{} {}' },
    { what: 'nothing', body: '' },
    { what: 'blanks', body: '   ' },
    { what: 'null', body: 'null' },
    { what: 'a list', body: '[]' },
    { what: 'a text', body: '"checkout"' },
    { what: 'a byte order mark', body: '\ufeff{}' },
    { what: 'no UTF-8', body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]) },
    { what: 'UTF-16', body: Buffer.from('{"service":"checkout"}', 'utf16le') },
  ])('that is $what is refused everywhere', async ({ what, body, pointer }) => {
    for (const [method, path] of withBody()) {
      const problem = await refused(request(method, path, body), what);
      if (pointer !== undefined) expectNamed(problem, pointer, what);
      expect(problem.detail).not.toContain('\0');
    }
  });

  it('that is too large is refused, announced or not', async () => {
    const large = `{"label":"${'x'.repeat(1024 * 1024)}"}`;
    expect((await refused(request('post', '/v1/runs', large), 'large')).status).toBe(413);
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const head = `POST /v1/runs HTTP/1.1\r\nhost: a\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`;
    const answer = await write(port, head + chunk.repeat(20));
    expect(problemOf(answer, 'chunked').status).toBe(413);
  });

  it.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['multipart/form-data; boundary=x'],
    ['text/xml'],
    ['application/jsonx'],
    ['application/json; charset=utf-16'],
    ['application/json; charset=latin1'],
    ['nonsense'],
  ])('of the type %s is refused', async (type) => {
    for (const [method, path] of withBody()) {
      const text = JSON.stringify(BODIES[`${method} ${path}`]);
      const one = request(method, path, text);
      const problem = await refused(
        { ...one, headers: { ...one.headers, 'content-type': type } },
        type,
      );
      expect(problem.status).toBe(415);
    }
  });

  it('that is compressed is refused', async () => {
    const one = request('post', '/v1/runs', gzipSync(JSON.stringify(BODIES['post /v1/runs'])));
    const headers = { ...one.headers, 'content-encoding': 'gzip' };
    expect((await refused({ ...one, headers }, 'gzip')).status).toBe(415);
  });
});

describe('a build', () => {
  it.each([
    ['that is no WAR', 'x', {}],
    ['in pieces of JSON', '{"a":1}', { 'content-type': 'application/json' }],
    ['without content', '', {}],
  ])('%s is refused and not kept', async (_, body, more) => {
    const path = `/v1/builds/${'c'.repeat(64)}`;
    await refused({ method: 'PUT', path, body, headers: { authorization, ...more } }, 'build');
  });
});

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
    const answer = await write(port, bytes);
    expect(answer.status, answer.body).toBe(status);
    problemOf(answer, what);
  });

  it('whose body stops in the middle is told so, and nothing is kept of it', async () => {
    const body = JSON.stringify(BODIES['post /v1/runs']);
    const bytes = head(`content-length: ${body.length}\r\n`) + body.slice(0, -10);
    const closed = await write(port, bytes, true);
    if (closed.status !== 0) problemOf(closed, 'closed');
    const waiting = await write(port, bytes);
    expect(problemOf(waiting, 'waiting')).toMatchObject({ status: 408, code: 'too-slow' });
  });
});

describe('a token', () => {
  const withToken = async (token: string): Promise<Problem> => {
    const headers = { authorization: `Bearer ${token}` };
    const request = { method: 'GET', path: '/v1/audit', headers };
    const answer = await send(port, request, agent);
    for (const part of token.split('.')) {
      if (part.length > 8) expect(answer.body).not.toContain(part);
    }
    return problemOf(answer, token.slice(0, 40));
  };

  it('of the issuer is taken when it is right', async () => {
    const headers = { authorization: `Bearer ${await issuer.sign({ sub: 'ann' })}` };
    const answer = await send(port, { method: 'GET', path: '/v1/audit', headers }, agent);
    expect(answer.status).toBe(200);
  });

  it('that is wrong in any way is refused', async () => {
    const good = await issuer.sign({ sub: 'ann' });
    const [header = '', payload = '', signature = ''] = good.split('.');
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const other = await TestIssuer.start();
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const key = await importPKCS8(privateKey, 'RS256');
    const confused = `${part({ alg: 'HS256', kid: issuer.jwk.kid! })}.${payload}`;
    const wrong = {
      expired: await issuer.sign({ sub: 'ann' }, { expiresIn: -120 }),
      foreign: await other.sign({ sub: 'ann' }),
      'foreign by name': await other.sign({ sub: 'ann' }, { issuer: issuer.url }),
      'another audience': await issuer.sign({ sub: 'ann' }, { audience: 'other' }),
      'another key': await issuer.sign({ sub: 'ann' }, { key }),
      truncated: good.slice(0, -30),
      'without a signature': `${header}.${payload}.`,
      'alg none': `${part({ alg: 'none' })}.${payload}.`,
      'alg none, signed': `${part({ alg: 'none' })}.${payload}.${signature}`,
      'key confusion': `${confused}.${createHmac('sha256', JSON.stringify(issuer.jwk)).update(confused).digest('base64url')}`,
      'another payload': `${header}.${part({ iss: issuer.url, aud: 'speed-gate', sub: 'ann', exp: 9e9 })}.${signature}`,
      'own key in the header': `${part({ alg: 'RS256', jwk: issuer.jwk })}.${payload}.${signature}`,
      'a critical extension': `${part({ alg: 'RS256', kid: issuer.jwk.kid!, crit: ['x'], x: 1 })}.${payload}.${signature}`,
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
      expect((await send(port, { method: 'GET', ...request }, agent)).status).toBe(401);
    }
  });

  it('is asked for less and less where one is guessed', async () => {
    let status = 401;
    for (let n = 0; n < 60 && status === 401; n += 1) {
      status = (await withToken(`guess-number-${String(n).padStart(20, '0')}`)).status;
    }
    expect(status).toBe(429);
    const known = { method: 'GET', path: '/v1/me', headers: { authorization } };
    expect((await send(port, known, agent)).status).toBe(200);
  });
});
