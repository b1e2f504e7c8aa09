/** The real API behind real HTTP, to which a test sends what is wrong. After each test the store must be as before. */
import { Agent } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import {
  identitiesOf,
  parseIdentities,
} from '../../gate-service/src/api/identity/identities-file.ts';
import { createIssuerKeys } from '../../gate-service/src/api/identity/oidc/issuer-keys.ts';
import { tokenDigest } from '../../gate-service/src/api/identity/token-book.ts';
import type { Problem } from '../../gate-service/src/api/problems/problem.ts';
import type { Paths } from './api-bodies.ts';
import { send } from './raw-http.ts';
import type { WireAnswer, WireRequest } from './raw-http.ts';
import { openRealApi } from './real-api.ts';
import type { RealApi } from './real-api.ts';
import { TestIssuer } from './test-issuer.ts';

export const TOKEN = 'a-token-for-everything-0123456789';
export const authorization = `Bearer ${TOKEN}`;
export const json = { authorization, 'content-type': 'application/json' };
const BODY_TIMEOUT_MS = 400;

let api: RealApi;
let issuer: TestIssuer;
let port: number;
let paths: Paths;
let before: string;
const agent = new Agent({ keepAlive: true });

export interface WrongApi {
  readonly api: RealApi;
  readonly issuer: TestIssuer;
  readonly port: number;
  readonly paths: Paths;
}

/** Call it once at the top of a test file; what it answers is there when tests run. */
export function useWrongApi(): WrongApi {
  beforeAll(open);
  beforeEach(async () => {
    before = await stored();
  });
  afterEach(async () => {
    expect(await stored()).toBe(before);
  });
  afterAll(async () => {
    agent.destroy();
    await api.close();
    await issuer.close();
  });
  return {
    get api() {
      return api;
    },
    get issuer() {
      return issuer;
    },
    get port() {
      return port;
    },
    get paths() {
      return paths;
    },
  };
}

async function open(): Promise<void> {
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
}

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

/** What must be so of every refusal. */
export function problemOf(answer: WireAnswer, what: string): Problem {
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

/** Sends it, and answers the problem. */
export async function refused(request: WireRequest, what: string): Promise<Problem> {
  return problemOf(await send(port, request, agent), `${what}: ${request.method} ${request.path}`);
}

/** The problem is with this field, or with the part of the body that it belongs to. */
export function expectNamed(problem: Problem, pointer: string, what: string): void {
  const named = (problem.errors ?? []).map((error) => error.pointer);
  const fits = named.some(
    (one) => one === pointer || one.startsWith(`${pointer}/`) || pointer.startsWith(`${one}/`),
  );
  expect(fits, `${what}: ${JSON.stringify(problem.errors)} ${problem.detail.slice(0, 200)}`).toBe(
    true,
  );
}

/** Sends it over a connection that is kept. */
export function ask(request: WireRequest): Promise<WireAnswer> {
  return send(port, request, agent);
}
