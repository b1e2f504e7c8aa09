import { generateKeyPair } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestIssuer } from '../../../../../test/support/test-issuer.ts';
import type { TokenOptions } from '../../../../../test/support/test-issuer.ts';
import type { Identity } from '../rights.ts';
import { issuerSchema } from './issuer.ts';
import { createIssuerKeys } from './issuer-keys.ts';
import { createOidcSource } from './oidc-source.ts';

const JOB = 'https://ci.example.com/job/checkout/job/main/';
const MINUTE = 60_000;

let issuer: TestIssuer;
let nowMs: number;
let log: string[];
beforeEach(async () => {
  issuer = await TestIssuer.start();
  nowMs = Date.now();
  log = [];
});
afterEach(() => issuer.close());

const builds = () => ({
  name: 'jenkins',
  issuer: issuer.url,
  audience: 'speed-gate',
  kind: 'ci',
  grants: [{ claim: 'sub', value: JOB, rights: { read: ['checkout'], run: ['checkout'] } }],
});
const people = () => ({
  ...builds(),
  kind: 'person',
  name: 'corp',
  actor: 'email',
  grants: [
    { claim: 'groups', value: 'engineers', rights: ['read'] },
    { claim: 'groups', value: 'leads', rights: { promote: ['checkout'], override: ['checkout'] } },
    { claim: 'email', value: 'ann@example.com', rights: { promote: '*' } },
    { claim: 'sub', value: 'bob-1', name: 'bob', rights: ['admin'] },
  ],
});

function open(settings: object) {
  const said = (level: string) => (_fields: object, message: string) => {
    log.push(`${level}: ${message}`);
  };
  return createOidcSource([issuerSchema.parse(settings)], {
    keysOf: ({ issuer: url, jwks }) =>
      createIssuerKeys({
        issuer: url,
        jwks,
        log: { warn: said('warn'), info: said('info') },
        now: () => nowMs,
      }),
    now: () => new Date(nowMs),
  });
}

type Source = ReturnType<typeof open>;

async function known(source: Source, token: string): Promise<Identity> {
  const found = await source.recognise(token);
  if (found === undefined || !('identity' in found)) throw new Error(JSON.stringify(found));
  return found.identity;
}

async function refused(source: Source, token: string): Promise<string> {
  const found = await source.recognise(token);
  if (found === undefined || !('refusal' in found)) throw new Error(JSON.stringify(found));
  for (const part of token.split('.')) {
    if (part !== '') expect(found.refusal.detail).not.toContain(part);
  }
  return `${found.refusal.code}: ${found.refusal.detail}`;
}

describe('a build', () => {
  it('is known by the address of its job, for the services of that job', async () => {
    const build = await known(open(builds()), await issuer.sign({ sub: JOB }));
    expect(build).toMatchObject({ name: `jenkins:${JOB}`, kind: 'ci' });
    expect(build.can('run', 'checkout')).toBe(true);
    expect(build.can('run', 'search')).toBe(false);
    expect(build.can('override', 'checkout')).toBe(false);
  });

  it.each([`${JOB}x`, JOB.slice(0, -1), JOB.toUpperCase(), `${JOB}../other/`, ` ${JOB}`])(
    'of the job %j is another one: exactly, not by its beginning',
    async (sub) => {
      const found = await open(builds()).recognise(await issuer.sign({ sub }));
      if (found !== undefined && 'identity' in found) expect(found.identity.rights).toEqual({});
      else expect(found).toMatchObject({ refusal: { code: 'unauthorized' } });
    },
  );
});

describe('a person', () => {
  it('has the rights of all grants that fit, under an address that was checked', async () => {
    const claims = { sub: 'ann-1', email: 'ann@example.com', email_verified: true };
    const source = open(people());
    const ann = await known(
      source,
      await issuer.sign({ ...claims, groups: ['engineers', 'leads', 'others'] }),
    );
    expect(ann).toMatchObject({ name: 'ann@example.com', kind: 'person' });
    expect(ann.rights).toEqual({ read: ['*'], promote: ['*'], override: ['checkout'] });
    const group = await known(source, await issuer.sign({ ...claims, groups: 'engineers' }));
    expect(group.rights).toEqual({ read: ['*'], promote: ['*'] });
  });

  it('is not known by an address that nobody has checked', async () => {
    for (const email_verified of [undefined, false, 'true']) {
      const token = await issuer.sign({ sub: 'eve-1', email: 'ann@example.com', email_verified });
      expect(await known(open(people()), token)).toMatchObject({ name: 'corp:eve-1', rights: {} });
    }
  });

  it('has the name that the file gives', async () => {
    const bob = await known(open(people()), await issuer.sign({ sub: 'bob-1' }));
    expect(bob).toMatchObject({ name: 'bob', rights: { admin: ['*'] } });
  });

  it('has no right by a claim that every object has', async () => {
    const grants = [{ claim: 'constructor', value: 'Object', rights: ['admin'] }];
    const token = await issuer.sign({ sub: 'eve-1' });
    expect((await known(open({ ...people(), grants }), token)).rights).toEqual({});
  });
});

describe('a token is refused', () => {
  const claims = { sub: JOB };
  const refuse = async (options: TokenOptions, more: object = {}) =>
    refused(open(builds()), await issuer.sign({ ...claims, ...more }, options));

  it('when it has expired, beyond what clocks may differ by', async () => {
    expect(await refuse({ expiresIn: -60 })).toMatch(/^expired: the token of jenkins has expired/);
    const late = await issuer.sign(claims, { expiresIn: -10 });
    expect(await known(open(builds()), late)).toMatchObject({ kind: 'ci' });
  });

  it('before it is valid, for another audience or for none, without end or subject', async () => {
    const later = Math.floor(Date.now() / 1000) + 120;
    expect(await refuse({}, { nbf: later })).toMatch(/not valid yet/);
    expect(await refuse({ audience: 'other' })).toMatch(/not meant for the audience speed-gate/);
    expect(await refuse({ audience: 'speed-gate-2' })).toMatch(/not meant for the audience/);
    expect(await refuse({ audience: undefined })).toMatch(/not meant for the audience|lacks/);
    expect(await refuse({}, { exp: undefined })).toMatch(/lacks the claim exp/);
    expect(await refuse({}, { sub: undefined })).toMatch(/lacks the claim sub/);
  });

  it('when its subject cannot be written into a record', async () => {
    expect(await refuse({}, { sub: 'two\nlines' })).toMatch(/cannot be recorded/);
    expect(await refuse({}, { sub: 'x'.repeat(400) })).toMatch(/cannot be recorded/);
  });

  it('when another key signed it, or a key that the issuer does not have', async () => {
    const { privateKey: key } = await generateKeyPair('RS256');
    expect(await refuse({ key })).toMatch(/signature does not match/);
    expect(await refuse({ key, header: { alg: 'RS256', kid: 'mine' } })).toMatch(/its key is none/);
  });

  it('without a signature, or when the public key was used as a secret', async () => {
    const source = open(builds());
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const { createHmac } = await import('node:crypto');
    const payload = part({ iss: issuer.url, aud: 'speed-gate', sub: JOB, exp: 9e9 });
    for (const alg of ['none', 'None', 'NONE']) {
      expect(await refused(source, `${part({ alg })}.${payload}.`)).toMatch(/^unauthorized: /);
    }
    const signed = `${part({ alg: 'HS256', kid: 'key-1' })}.${payload}`;
    for (const secret of [JSON.stringify(issuer.jwk), String(issuer.jwk.n)]) {
      const signature = createHmac('sha256', secret).update(signed).digest('base64url');
      expect(await refused(source, `${signed}.${signature}`)).toMatch(/not signed with RS256/);
    }
  });

  it('when a piece is missing or changed', async () => {
    const source = open(builds());
    const token = await issuer.sign(claims);
    const [header, , signature] = token.split('.');
    const other = Buffer.from(
      JSON.stringify({ iss: issuer.url, aud: 'speed-gate', sub: `${JOB}x`, exp: 9e9 }),
    ).toString('base64url');
    expect(await refused(source, `${header!}.${other}.${signature!}`)).toMatch(/signature/);
    expect(await refused(source, token.slice(0, -20))).toMatch(/signature|read/);
    for (const broken of [`${header!}..${signature!}`, 'a.b.c', `${token}.x`, header!, '..']) {
      expect(await source.recognise(broken)).toBeUndefined();
    }
  });

  it('of an issuer that is not in the file, without a question to that issuer', async () => {
    const source = open(builds());
    const other = await TestIssuer.start();
    expect(await source.recognise(await other.sign(claims))).toBeUndefined();
    expect(other.asked).toEqual([]);
    await other.close();
  });
});

describe('the keys of an issuer', () => {
  it('are fetched once, and again for a new key', async () => {
    const source = open(builds());
    const first = await issuer.sign({ sub: JOB });
    await Promise.all([known(source, first), known(source, first), known(source, first)]);
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/jwks']);
    await issuer.rotate('key-2');
    const second = await issuer.sign({ sub: JOB });
    // Right after a fetch an unknown key is no reason for another: strangers could order them by the thousand.
    expect(await refused(source, second)).toMatch(/its key is none/);
    expect(issuer.asked).toHaveLength(2);
    nowMs += MINUTE;
    expect(await known(source, second)).toMatchObject({ kind: 'ci' });
    expect(await refused(source, first)).toMatch(/its key is none/);
    expect(issuer.asked).toHaveLength(4);
  });

  it('are kept through an outage for a day, and nobody gets in after that', async () => {
    const source = open({ ...builds(), jwks: `${issuer.url}/jwks` });
    const sign = () => issuer.sign({ sub: JOB, exp: Math.floor(nowMs / 1000) + 300 });
    await known(source, await sign());
    issuer.isDown = true;
    nowMs += 20 * MINUTE;
    expect(await known(source, await sign())).toMatchObject({ kind: 'ci' });
    expect(log).toEqual([expect.stringMatching(/^warn: .*those that are known are used on$/)]);
    const asked = issuer.asked.length;
    await known(source, await sign());
    expect(issuer.asked).toHaveLength(asked);
    nowMs += 24 * 60 * MINUTE;
    expect(await refused(source, await sign())).toMatch(
      /^identity-unavailable: .*cannot be fetched/,
    );
    issuer.isDown = false;
    nowMs += MINUTE;
    expect(await known(source, await sign())).toMatchObject({ kind: 'ci' });
    expect(log.at(-1)).toMatch(/^info: .*can be fetched again$/);
  });

  it('let nobody in when they were never there', async () => {
    issuer.isDown = true;
    const token = await issuer.sign({ sub: JOB });
    const source = open(builds());
    const found = await source.recognise(token);
    expect(found).toMatchObject({
      refusal: { code: 'identity-unavailable', retryAfterSeconds: 30 },
    });
    expect(log).toEqual([expect.stringMatching(/^warn: .*none of its tokens is taken$/)]);
  });

  it('are not taken from an issuer that names itself otherwise', async () => {
    const token = await issuer.sign({ sub: JOB });
    issuer.discovery = { issuer: 'https://other.example.com' };
    expect(await refused(open(builds()), token)).toMatch(/^identity-unavailable/);
    issuer.discovery = { jwks_uri: 'file:///etc/passwd' };
    expect(await refused(open(builds()), token)).toMatch(/^identity-unavailable/);
  });
});
