/**
 * A small OpenID Connect issuer on loopback: it signs everybody in as mary, an engineer, and can be told to do it
 * wrong. The gate service is set up for it as docs/identity.md says.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parse } from 'yaml';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { CryptoKey } from 'jose';
import {
  identitiesOf,
  parseIdentities,
} from '../../gate-service/src/api/identity/identities-file.ts';
import { createIssuerKeys } from '../../gate-service/src/api/identity/oidc/issuer-keys.ts';
import type { IdentitySource } from '../../gate-service/src/api/identity/identity-source.ts';

/** What the documentation shows for an issuer of people, as far as this issuer has to know of it. */
interface Documented {
  readonly oidc: readonly {
    readonly name: string;
    readonly signIn?: { readonly clientId: string };
  }[];
}

const MARY = { email: 'mary@example.com', email_verified: true, groups: ['engineers'] };

async function documentedIssuer(): Promise<Documented['oidc'][number]> {
  const page = await readFile(join(import.meta.dirname, '../../docs/identity.md'), 'utf8');
  const example = /```yaml\n(oidc:\n[^]*?)```/.exec(page)?.[1] ?? '';
  const found = (parse(example) as Documented).oidc.find(({ signIn }) => signIn !== undefined);
  if (found === undefined) throw new Error('docs/identity.md shows no issuer with signIn');
  return found;
}

export interface TestIssuer {
  /** For the gate service. */
  readonly source: IdentitySource;
  /** Queries of all requests to sign in. */
  readonly requests: readonly Readonly<Record<string, string>>[];
  fault: 'nonce' | 'state' | 'refusal' | undefined;
  close(): Promise<void>;
}

export async function openIssuer(): Promise<TestIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  const issuer = new Issuer(privateKey, jwk);
  await issuer.listen();
  return issuer;
}

class Issuer implements TestIssuer {
  readonly requests: Readonly<Record<string, string>>[] = [];
  fault: TestIssuer['fault'];
  source!: IdentitySource;
  readonly #key: CryptoKey;
  readonly #jwk: object;
  #client = '';
  readonly #codes = new Map<string, Readonly<Record<string, string>>>();
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });

  constructor(key: CryptoKey, jwk: object) {
    this.#key = key;
    this.#jwk = jwk;
  }

  get #url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const documented = await documentedIssuer();
    this.#client = documented.signIn?.clientId ?? '';
    const file = { oidc: [{ ...documented, issuer: this.#url, jwks: `${this.#url}/keys` }] };
    const log = { info: () => undefined, warn: () => undefined };
    this.source = identitiesOf(parseIdentities(JSON.stringify(file), 'test'), ({ issuer, jwks }) =>
      createIssuerKeys({ issuer, jwks, log }),
    );
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve, reject) => {
      this.#server.close((error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.#url);
    response.setHeader('access-control-allow-origin', '*');
    if (pathname === '/.well-known/openid-configuration') {
      json(response, {
        issuer: this.#url,
        authorization_endpoint: `${this.#url}/authorize`,
        token_endpoint: `${this.#url}/token`,
        jwks_uri: `${this.#url}/keys`,
      });
    } else if (pathname === '/keys') json(response, { keys: [this.#jwk] });
    else if (pathname === '/authorize') this.#authorize(searchParams, response);
    else if (pathname === '/token') await this.#token(request, response);
    else response.writeHead(404).end();
  }

  #authorize(query: URLSearchParams, response: ServerResponse): void {
    const asked = Object.fromEntries(query);
    this.requests.push(asked);
    const back = new URL(asked.redirect_uri ?? '');
    back.searchParams.set('state', this.fault === 'state' ? 'another' : (asked.state ?? ''));
    if (this.fault === 'refusal') {
      back.searchParams.set('error', 'access_denied');
      back.searchParams.set('error_description', 'not today');
    } else {
      const code = randomUUID();
      this.#codes.set(code, asked);
      back.searchParams.set('code', code);
    }
    response.writeHead(302, { location: back.href }).end();
  }

  async #token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const given = new URLSearchParams(body);
    const asked = this.#codes.get(given.get('code') ?? '');
    this.#codes.delete(given.get('code') ?? '');
    const verifier = given.get('code_verifier') ?? '';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    if (asked?.code_challenge !== challenge || given.get('client_id') !== this.#client) {
      response.writeHead(400).end('{"error":"invalid_grant"}');
      return;
    }
    const nonce = this.fault === 'nonce' ? 'another' : asked.nonce;
    const token = await new SignJWT({ nonce, ...MARY })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(this.#url)
      .setAudience(this.#client)
      .setSubject('mary')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(this.#key);
    json(response, { id_token: token, access_token: 'opaque', token_type: 'Bearer' });
  }
}

function json(response: ServerResponse, body: object): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}
