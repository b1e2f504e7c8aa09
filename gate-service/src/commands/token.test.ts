import { expect, it } from 'vitest';
import { identitiesOf, parseIdentities } from '../api/identity/identities-file.ts';
import { makeToken } from './token.ts';

const noKeys = () => () => Promise.reject(new Error('no issuer'));

it('makes an entry that knows the token, and does not hold it', async () => {
  const made = makeToken(
    ['pipeline', '--kind', 'ci', '--right', 'read', '--right', 'run=checkout,search'].concat([
      '--expires',
      '2999-01-01',
    ]),
  );
  expect(made.token).toMatch(/^sgt_[\w-]{43}$/);
  expect(made.entry).not.toContain(made.token);
  const source = identitiesOf(parseIdentities(`tokens:\n  ${made.entry}\n`, 'file'), noKeys);
  expect(await source.recognise(made.token)).toMatchObject({
    identity: {
      name: 'pipeline',
      kind: 'ci',
      rights: { read: ['*'], run: ['checkout', 'search'] },
    },
  });
  expect(makeToken(['a', '--kind', 'ci', '--right', 'read']).token).not.toBe(made.token);
});

it('says every mistake at once', () => {
  const make = () =>
    makeToken(['no name', '--right', 'rule', '--right', 'override=Check Out', '--expires', 'soon']);
  expect(make).toThrow(/name: letters/);
  expect(make).toThrow(/kind: say `person` or `ci`/);
  expect(make).toThrow(/rights\.rule: expected a right: read, run, /);
  expect(make).toThrow(/rights\.override\[0\]: expected the name of a service/);
  expect(make).toThrow(/expires: expected a day/);
  expect(() => makeToken([])).toThrow(/usage: speed-gate token NAME/);
  expect(() => makeToken(['bot', '--kind', 'ci', '--right', 'override'])).toThrow(
    /rights: a `ci` token cannot have `override`/,
  );
});
