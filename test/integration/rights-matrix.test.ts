/**
 * Every route × every kind of caller, from the routes that are really registered. The table is written by
 * hand: a route that is not in it fails the test, and so does one that asks for less than the table says.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FastifyInstance } from 'fastify';
import { parseIdentities } from '../../gate-service/src/api/identity/identities-file.ts';
import { createIssuerKeys } from '../../gate-service/src/api/identity/oidc/issuer-keys.ts';
import { createOidcSource } from '../../gate-service/src/api/identity/oidc/oidc-source.ts';
import { createTokenBook, tokenDigest } from '../../gate-service/src/api/identity/token-book.ts';
import type { TokenEntry } from '../../gate-service/src/api/identity/token-book.ts';
import { rightSchema } from '../../gate-service/src/api/identity/rights.ts';
import type { Right } from '../../gate-service/src/api/identity/rights.ts';
import { openRealApi, SERVICES } from '../support/real-api.ts';
import type { RealApi } from '../support/real-api.ts';
import { TABLE } from '../support/rights-table.ts';
import type { Need } from '../support/rights-table.ts';
import { TestIssuer } from '../support/test-issuer.ts';

interface Caller {
  readonly name: string;
  readonly entry?: Omit<TokenEntry, 'name' | 'sha256'>;
  /** Instead of the token of the entry. */
  readonly authorization?: () => string | undefined;
  /** Whether the caller is known at all. */
  readonly known: boolean;
}

let issuer: TestIssuer;
let foreign: string;
let truncated: string;
let granted: string;
const soon = '2999-01-01';
const tokenOf = (name: string): string => `token-of-${name}-0123456789`;

const callers: readonly Caller[] = [
  { name: 'nobody', authorization: () => undefined, known: false },
  { name: 'guess', authorization: () => `Bearer ${'x'.repeat(43)}`, known: false },
  { name: 'basic', authorization: () => 'Basic YTpi', known: false },
  { name: 'foreign', authorization: () => `Bearer ${foreign}`, known: false },
  { name: 'truncated', authorization: () => `Bearer ${truncated}`, known: false },
  {
    name: 'expired',
    entry: { kind: 'person', rights: [...rightSchema.options], expires: '2020-01-01' },
    known: false,
  },
  ...rightSchema.options.flatMap((right): Caller[] => [
    {
      name: `${right}-everywhere`,
      entry: { kind: 'person', rights: [right], expires: soon },
      known: true,
    },
    {
      name: `${right}-here`,
      entry: { kind: 'person', rights: { [right]: ['checkout'] } },
      known: true,
    },
    {
      name: `${right}-elsewhere`,
      entry: { kind: 'person', rights: { [right]: ['search'] } },
      known: true,
    },
    {
      name: `all-but-${right}`,
      entry: {
        kind: 'person',
        rights: Object.fromEntries(
          rightSchema.options.filter((one) => one !== right).map((one) => [one, ['*']]),
        ),
      },
      known: true,
    },
  ]),
  { name: 'ci', entry: { kind: 'ci', rights: [...rightSchema.options] }, known: true },
  // The issuer is one that is asked: what is wrong with the two above is the token, and nothing else.
  {
    name: 'granted',
    entry: { kind: 'person', rights: ['read'] },
    authorization: () => `Bearer ${granted}`,
    known: true,
  },
  { name: 'person', entry: { kind: 'person', rights: [...rightSchema.options] }, known: true },
];

let api: RealApi;
let open: FastifyInstance;
beforeAll(async () => {
  issuer = await TestIssuer.start();
  const other = await TestIssuer.start();
  foreign = await other.sign({ iss: issuer.url, sub: 'ann' });
  granted = await issuer.sign({ sub: 'ann' });
  truncated = granted.slice(0, -8);
  await other.close();
  const book = createTokenBook(
    callers.flatMap(({ authorization, entry, name }) =>
      entry === undefined || authorization !== undefined
        ? []
        : [{ ...entry, name, sha256: tokenDigest(tokenOf(name)) }],
    ),
  );
  const file = {
    oidc: [
      {
        name: 'corp',
        issuer: issuer.url,
        audience: 'speed-gate',
        kind: 'person',
        grants: [{ claim: 'sub', value: 'ann', rights: ['read'] }],
      },
    ],
  };
  const log = { info: () => undefined, warn: () => undefined };
  const oidc = createOidcSource(parseIdentities(JSON.stringify(file), 'test').oidc, {
    keysOf: ({ issuer: url, jwks }) => createIssuerKeys({ issuer: url, jwks, log }),
  });
  api = await openRealApi({ recognise: (token) => book.recognise(token) ?? oidc.recognise(token) });
  open = await api.build({ insecureLoopback: true });
});
afterAll(async () => {
  await issuer.close();
  await api.close();
});

let addresses = 0;

/** What an override must name: the state of the run that was read, by somebody who may read it. */
async function tagOf(app: FastifyInstance, url: string): Promise<string> {
  const headers = { authorization: `Bearer ${tokenOf('person')}` };
  const read = await app.inject({ url: url.replace(/\/override$/, ''), headers });
  expect(read.headers.etag).toBeDefined();
  return read.headers.etag!;
}

async function answer(app: FastifyInstance, route: string, authorization: string | undefined) {
  const [method = '', path = ''] = route.split(' ');
  const [, url = path, body] = TABLE[route]!;
  addresses += 1;
  return await app.inject({
    method: method as 'GET',
    url,
    headers: {
      accept: 'application/json, text/html',
      ...(authorization !== undefined && { authorization }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(url.endsWith('/override') && { 'if-match': await tagOf(app, url) }),
    },
    ...(body !== undefined && { payload: JSON.stringify(body) }),
    // Many wrong tokens from one address are slowed down, which is tested elsewhere.
    remoteAddress: `127.0.${addresses >> 8}.${addresses & 255}`,
  });
}

/** Whether an identity with the rights of the entry may use the route. */
function allowed(need: Need, { kind, rights }: NonNullable<Caller['entry']>): boolean {
  if (need === 'public' || need === 'any') return true;
  const [right, scope] = need;
  if (right === 'override' && kind !== 'person') return false;
  const held: readonly string[] = Array.isArray(rights)
    ? (rights as readonly Right[]).includes(right)
      ? ['*']
      : []
    : ((rights as Partial<Record<Right, readonly string[]>>)[right] ?? []);
  if (scope === 'some') return held.length > 0;
  return held.includes('*') || (scope === 'service' && held.includes('checkout'));
}

describe('the table', () => {
  it('has every route that is registered, and no other', () => {
    const registered = [...api.app.routeRights.keys()].filter((route) => !route.startsWith('HEAD'));
    expect(registered.sort()).toEqual(Object.keys(TABLE).sort());
  });

  it('asks for what the routes say that they ask for', () => {
    for (const [route, [need]] of Object.entries(TABLE)) {
      expect(api.app.routeRights.get(route), route).toBe(typeof need === 'string' ? need : need[0]);
      const head = api.app.routeRights.get(route.replace('GET', 'HEAD'));
      if (head !== undefined) expect(head, route).toBe(api.app.routeRights.get(route));
    }
  });
});

describe.each(callers)('$name', ({ authorization, entry, known, name }) => {
  it('gets in where the table says so, and nowhere else', async () => {
    const header = authorization === undefined ? `Bearer ${tokenOf(name)}` : authorization();
    const wrong: string[] = [];
    for (const [route, [need]] of Object.entries(TABLE)) {
      const { body, headers, statusCode } = await answer(api.app, route, header);
      let good: boolean;
      if (!known && need !== 'public') good = statusCode === 401;
      else if (entry !== undefined && !allowed(need, entry)) good = statusCode === 403;
      else good = statusCode < 500 && ![401, 403].includes(statusCode);
      // Whoever may order it gets as far as the rules, and not only to the header.
      if (route.endsWith('/override') && known && entry !== undefined && allowed(need, entry)) {
        good = statusCode < 300 || [409, 422].includes(statusCode);
      }
      if (need === 'public' && route.startsWith('GET /')) good = ![401, 403].includes(statusCode);
      if (!good) wrong.push(`${route}: ${statusCode} ${body.slice(0, 200)}`);
      if ([401, 403].includes(statusCode)) {
        expect(headers['content-type'], route).toBe('application/problem+json');
        if (statusCode === 401) expect(headers['www-authenticate']).toMatch(/^Bearer/);
        if (name === 'expired') expect(body).toContain('"expired"');
      }
      if (header !== undefined) expect(body).not.toContain(header.slice(7));
    }
    expect(wrong).toEqual([]);
  });
});

describe('anonymous', () => {
  it('gets in with --insecure-loopback only: reads, runs, promotes, and is told so', async () => {
    const rights = { read: ['*'], run: ['*'], promote: ['*'] };
    const wrong: string[] = [];
    for (const [route, [need]] of Object.entries(TABLE)) {
      const { headers, statusCode } = await answer(open, route, undefined);
      expect(headers['speed-gate-insecure'], route).toBe('loopback');
      const may = allowed(need, { kind: 'person', rights });
      const good = may ? ![401, 403].includes(statusCode) : statusCode === 403;
      if (!good) wrong.push(`${route}: ${statusCode}`);
    }
    expect(wrong).toEqual([]);
    const signIn = await open.inject('/v1/sign-in');
    expect(signIn.json()).toEqual({ token: true, anonymous: true });
    expect((await api.app.inject('/v1/sign-in')).json()).toEqual({ token: true, anonymous: false });
    expect((await open.inject('/v1/me')).json()).toEqual({
      name: 'anonymous',
      kind: 'anonymous',
      rights,
    });
  });

  it('is nobody from elsewhere, and a wrong token is not overlooked', async () => {
    const far = await open.inject({ url: '/v1/runs', remoteAddress: '10.0.0.7' });
    expect(far.statusCode).toBe(401);
    const authorization = `Bearer ${'x'.repeat(43)}`;
    expect((await open.inject({ url: '/v1/me', headers: { authorization } })).statusCode).toBe(401);
    const half = { authorization: 'Bearer' };
    expect((await open.inject({ url: '/v1/me', headers: half })).statusCode).toBe(401);
  });

  it.each([
    ['another name for this machine', { host: 'evil.example.com' }, 421],
    ['a name that begins like it', { host: 'localhost.example.com:7080' }, 421],
    ['a page of another origin', { host: 'localhost:7080', origin: 'http://localhost:3000' }, 403],
    ['a page without an origin', { host: 'localhost:7080', origin: 'null' }, 403],
    ['a request across sites', { host: 'localhost', 'sec-fetch-site': 'cross-site' }, 403],
    ['a proxy', { host: 'localhost', 'x-forwarded-for': '10.0.0.7' }, 403],
    ['a proxy that follows RFC 7239', { host: 'localhost', forwarded: 'for=10.0.0.7' }, 403],
    ['a proxy that names itself', { host: 'localhost', via: '1.1 gate' }, 403],
    ['a proxy that names the caller', { host: 'localhost', 'x-real-ip': '10.0.0.7' }, 403],
    ['a proxy that names the host', { host: 'localhost', 'x-forwarded-host': 'gate' }, 403],
    ['a proxy that ends TLS', { host: 'localhost', 'x-forwarded-proto': 'https' }, 403],
  ])('does not get in by %s', async (_, headers, status) => {
    const url = '/v1/runs/queued-checkout/cancel';
    const refused = await open.inject({ method: 'POST', url, headers });
    expect(refused.statusCode).toBe(status);
    expect(refused.headers['content-type']).toBe('application/problem+json');
  });

  it('gets in from the page of the service itself', async () => {
    for (const host of ['localhost:7080', '127.0.0.1:7080', '[::1]:7080']) {
      const headers = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
      expect((await open.inject({ url: '/v1/me', headers })).statusCode).toBe(200);
    }
  });
});

describe('lists', () => {
  const of = async (url: string, name: string): Promise<unknown[]> => {
    const authorization = `Bearer ${tokenOf(name)}`;
    const listed = await api.app.inject({ url, headers: { authorization } });
    expect(listed.statusCode, listed.body).toBe(200);
    return listed
      .json<{ items: readonly { service?: string; name?: string }[] }>()
      .items.map((item) => item.service ?? item.name);
  };

  it.each(['/v1/services', '/v1/runs', '/v1/runs?limit=1', '/v1/queue'])(
    '%s holds services that the caller may read, and no others',
    async (url) => {
      expect(new Set(await of(url, 'read-here'))).toEqual(new Set(['checkout']));
      expect(new Set(await of(url, 'read-elsewhere'))).toEqual(new Set(['search']));
      if (!url.includes('limit')) {
        expect(new Set(await of(url, 'read-everywhere'))).toEqual(new Set(SERVICES));
      }
    },
  );

  it('of the audit hold what concerns the services of the administrator', async () => {
    expect(new Set(await of('/v1/audit', 'admin-here'))).toEqual(new Set(['checkout']));
    expect(new Set(await of('/v1/audit', 'admin-everywhere')).size).toBeGreaterThanOrEqual(2);
  });

  it.each([
    ['/v1/runs?service=search', 'read-here'],
    ['/v1/audit?service=search', 'admin-here'],
  ])('refuse %s of another service', async (url, name) => {
    const authorization = `Bearer ${tokenOf(name)}`;
    expect((await api.app.inject({ url, headers: { authorization } })).statusCode).toBe(403);
  });

  it('have pages that leave nobody’s runs out', async () => {
    const authorization = `Bearer ${tokenOf('read-here')}`;
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await api.app.inject({
        url: `/v1/runs?limit=1${cursor}`,
        headers: { authorization },
      });
      const { items, nextCursor } = page.json<{ items: { id: string }[]; nextCursor?: string }>();
      seen.push(...items.map(({ id }) => id));
      cursor = nextCursor === undefined ? '' : `&cursor=${encodeURIComponent(nextCursor)}`;
    } while (cursor !== '');
    expect(seen).toEqual(expect.arrayContaining(['finished-checkout', 'queued-checkout']));
    expect(seen.filter((id) => id.includes('search'))).toEqual([]);
  });
});

it('a token of a build never overrides, even when its entry says so', async () => {
  const refused = await answer(api.app, 'POST /v1/runs/:id/override', `Bearer ${tokenOf('ci')}`);
  expect(refused.statusCode).toBe(403);
  expect(await api.store.override('finished-checkout')).not.toMatchObject({ actor: 'ci' });
});

describe('people who sign in with an issuer', () => {
  it('are told where, and the page may connect there and nowhere else', async () => {
    const { oidc } = parseIdentities(
      JSON.stringify({
        oidc: [
          {
            name: 'corp',
            issuer: 'https://login.example.com/realms/corp',
            audience: 'gate',
            kind: 'person',
            signIn: { clientId: 'gate', origins: ['https://token.example.com'] },
            grants: [{ claim: 'sub', value: 'ann', rights: ['read'] }],
          },
        ],
      }),
      'identities',
    );
    const noKeys = () => () => Promise.reject(new Error('none'));
    const app = await api.build({ tokens: createOidcSource(oidc, { keysOf: noKeys }) });
    expect((await app.inject('/v1/sign-in')).json()).toEqual({
      token: true,
      anonymous: false,
      oidc: {
        issuer: 'https://login.example.com/realms/corp',
        clientId: 'gate',
        scopes: ['openid'],
      },
    });
    const connect = async (from: FastifyInstance): Promise<string | undefined> =>
      /connect-src ([^;]*)/.exec(
        String((await from.inject('/')).headers['content-security-policy']),
      )?.[1];
    expect(await connect(app)).toBe("'self' https://login.example.com https://token.example.com");
    expect(await connect(api.app)).toBe("'self'");
  });
});

describe('a caller with too many requests', () => {
  it('waits, and all others do not', async () => {
    const app = await api.build({ requestsPerMinute: 3 });
    const ask = (name: string, remoteAddress = '127.0.0.1') =>
      app.inject({
        url: '/v1/me',
        remoteAddress,
        headers: { authorization: `Bearer ${tokenOf(name)}` },
      });
    const statuses = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await ask('read-here')).statusCode);
    expect(statuses).toEqual([200, 200, 200, 429]);
    // Another address is no way around it.
    const refused = await ask('read-here', '127.0.0.2');
    expect(refused.statusCode).toBe(429);
    expect(refused.headers['content-type']).toBe('application/problem+json');
    expect(refused.json()).toMatchObject({ code: 'too-many-requests' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask('read-elsewhere')).statusCode).toBe(200);
    // A probe that is told to wait has a healthy service restarted.
    for (let n = 0; n < 10; n += 1) {
      expect((await app.inject('/healthz')).statusCode).toBe(200);
      expect((await app.inject('/readyz')).statusCode).not.toBe(429);
    }
  });
});
