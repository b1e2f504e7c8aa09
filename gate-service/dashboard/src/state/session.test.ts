import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { stubService } from '../api/stub-service.ts';
import { getSession, refreshSession } from './session.ts';

beforeEach(() => {
  vi.stubGlobal('sessionStorage', { getItem: () => 'a-token', removeItem: () => undefined });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const ways = { token: true, anonymous: false };

it.each([
  ['/v1/me', 404],
  ['/v1/me', 500],
  ['/v1/sign-in', 404],
  ['/v1/sign-in', 503],
])('gives nobody a right and nobody a form when %s is answered with %i', async (path, status) => {
  stubService(({ pathname }) => (pathname === path ? { status } : { json: ways }));
  await refreshSession();
  expect(getSession()).toMatchObject({ state: 'unknown', problem: { status } });
  expect(getSession().me).toBeUndefined();
});

it('asks to sign in when the token is not taken, and is signed in when it is', async () => {
  const me = { name: 'ada', kind: 'person', rights: { read: ['*'] } };
  stubService(({ pathname }) => (pathname === '/v1/me' ? { status: 401 } : { json: ways }));
  await refreshSession();
  expect(getSession()).toMatchObject({ state: 'signed-out', ways, problem: { status: 401 } });
  stubService(({ pathname }) => ({ json: pathname === '/v1/me' ? me : ways }));
  await refreshSession();
  expect(getSession()).toEqual({ state: 'signed-in', ways, me });
});
