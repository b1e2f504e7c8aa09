import { describe, expect, it } from 'vitest';
import { DocumentError } from '../../settings/yaml-document.ts';
import { identitiesOf, parseIdentities, servicesInFile } from './identities-file.ts';
import { createTokenBook, tokenDigest } from './token-book.ts';

const TOKEN = 'a-token-of-at-least-20';
const digest = tokenDigest(TOKEN);
const noKeys = () => () => Promise.reject(new Error('no issuer'));

function problemsOf(text: string): readonly string[] {
  try {
    parseIdentities(text, 'identities.yaml');
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    expect(error.message).not.toContain(digest);
    return error.problems.map(({ line, path, message }) => `${line ?? 0} ${path}: ${message}`);
  }
  return expect.unreachable();
}

describe('a token', () => {
  const read = async (rights: string, right: 'read' | 'run', service?: string) => {
    const file = `tokens: [{ name: ann, kind: person, sha256: ${digest}, rights: ${rights} }]`;
    const found = await identitiesOf(parseIdentities(file, 'file'), noKeys).recognise(TOKEN);
    if (found === undefined || !('identity' in found)) return expect.unreachable();
    return found.identity.can(right, service);
  };

  it('has its rights for the services that are named, and no others', async () => {
    expect(await read('[read]', 'read', 'checkout')).toBe(true);
    expect(await read('[read]', 'run')).toBe(false);
    expect(await read("{ read: '*' }", 'read', '*')).toBe(true);
    expect(await read('{ read: [checkout] }', 'read')).toBe(true);
    expect(await read('{ read: [checkout] }', 'read', 'checkout')).toBe(true);
    expect(await read('{ read: [checkout] }', 'read', 'checkout-2')).toBe(false);
    expect(await read('{ read: [checkout] }', 'read', 'check')).toBe(false);
    expect(await read('{ read: [checkout] }', 'read', '*')).toBe(false);
  });

  it('is good until the moment it expires, and refused with a word of its own from then on', () => {
    const at = (time: string) =>
      createTokenBook(
        [{ name: 'ann', kind: 'person', sha256: digest, rights: ['read'], expires: '2030-06-01' }],
        () => new Date(time),
      ).recognise(TOKEN);
    expect(at('2030-05-31T23:59:59.999Z')).toMatchObject({ identity: { name: 'ann' } });
    expect(at('2030-06-01T00:00:00.000Z')).toMatchObject({ refusal: { code: 'expired' } });
  });

  it('of a build never overrides, whatever was made of its entry', () => {
    const book = createTokenBook([
      { name: 'bot', kind: 'ci', sha256: digest, rights: ['run', 'override'] },
    ]);
    const found = book.recognise(TOKEN) as { identity: { can(right: string): boolean } };
    expect(found.identity.can('run')).toBe(true);
    expect(found.identity.can('override')).toBe(false);
  });
});

it('lists the services that it names', () => {
  const file = `tokens:
  - { name: a, kind: ci, sha256: ${digest}, rights: { read: [search], run: [checkout, search] } }
  - { name: b, kind: ci, sha256: ${tokenDigest('b')}, rights: [read] }`;
  expect(servicesInFile(parseIdentities(file, 'file'))).toStrictEqual(['checkout', 'search']);
});

it('says every mistake of every token at once, with its line', () => {
  const problems = problemsOf(`tokens:
  - { name: bot, kind: ci, sha256: short, rights: [run, override] }
  - { name: '', kind: robot, sha256: ${digest}, rights: { fly: '*', read: checkout, run: ['*'] } }
  - { name: c, kind: person, sha256: ${digest}, rights: [], expires: tomorrow, token: x }`);
  expect(problems).toStrictEqual([
    expect.stringMatching(/^2 tokens\[0\]\.sha256: the SHA-256 of the token/),
    expect.stringMatching(/^2 tokens\[0\]\.rights: a `ci` token cannot have `override`/),
    expect.stringMatching(/^3 tokens\[1\]\.name: letters/),
    expect.stringMatching(/^3 tokens\[1\]\.kind: say `person` or `ci`/),
    expect.stringMatching(/^3 tokens\[1\]\.rights\.fly: expected a right/),
    expect.stringMatching(/^3 tokens\[1\]\.rights\.read: expected '\*' for all/),
    expect.stringMatching(/^3 tokens\[1\]\.rights\.run\[0\]: expected the name of a service/),
    expect.stringMatching(/^4 tokens\[2\]\.rights: without a right/),
    expect.stringMatching(/^4 tokens\[2\]\.expires: expected a day/),
    expect.stringMatching(/^4 tokens\[2\]: .*token/),
  ]);
});

it('refuses the same name or the same token twice', () => {
  expect(
    problemsOf(`tokens:
  - { name: a, kind: ci, sha256: ${digest}, rights: [read] }
  - { name: a, kind: person, sha256: ${digest}, rights: [read, override] }`),
  ).toStrictEqual([
    '3 tokens[1].name: is the same as that of tokens[0]',
    '3 tokens[1].sha256: is the same as that of tokens[0]',
  ]);
});

it('refuses issuers that could let in anybody, and says why', () => {
  const issuer = (changes: object) => ({
    name: 'jenkins',
    issuer: 'https://ci.example.com/oidc',
    audience: 'speed-gate',
    kind: 'ci',
    grants: [{ claim: 'sub', value: 'https://ci.example.com/job/a/', rights: ['run'] }],
    ...changes,
  });
  const problems = (changes: object) =>
    problemsOf(JSON.stringify({ oidc: [issuer(changes)] })).join('\n');
  expect(problems({ audience: undefined })).toMatch(/oidc\[0\]\.audience: /);
  expect(problems({ issuer: 'http://ci.example.com' })).toMatch(/issuer: expected an https:/);
  expect(problems({ jwks: 'ftp://ci.example.com/jwks' })).toMatch(/jwks: expected an https:/);
  expect(problems({ algorithms: ['none'] })).toMatch(/algorithms\[0\]: expected one of RS256/);
  expect(problems({ algorithms: ['HS256'] })).toMatch(/algorithms\[0\]/);
  expect(problems({ kind: 'robot' })).toMatch(/kind: say/);
  expect(problems({ grants: [] })).toMatch(/grants: without a grant/);
  const grant = (changes: object) =>
    problems({ grants: [{ claim: 'sub', value: 'v', rights: ['run'], ...changes }] });
  expect(grant({ value: 'https://ci.example.com/job/*' })).toMatch(/value: .*no patterns/);
  expect(grant({ claim: 'groups' })).toMatch(/claim: a build is known by `sub`/);
  expect(grant({ rights: ['override'] })).toMatch(/rights: `ci` cannot have `override`/);
  expect(problems({ signIn: { clientId: 'x' } })).toMatch(/signIn: only people/);
  const people = { kind: 'person', signIn: { clientId: 'x' } };
  expect(
    problems({
      ...people,
      grants: [{ claim: 'groups', value: 'v', name: 'ann', rights: ['run'] }],
    }),
  ).toMatch(/name: several people/);
  const two = [issuer(people), issuer({ ...people, name: 'b', issuer: 'https://b.example.com' })];
  expect(problemsOf(JSON.stringify({ oidc: two })).join()).toMatch(
    /oidc\[1\]\.signIn: .*oidc\[0\]/,
  );
});
