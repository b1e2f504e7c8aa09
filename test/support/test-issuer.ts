/** An OpenID Connect issuer on loopback: discovery, keys, and tokens signed with them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { JWK, JWTPayload } from 'jose';

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

export interface TokenOptions {
  readonly issuer?: string;
  readonly audience?: string | undefined;
  /** Seconds from now; default 300. */
  readonly expiresIn?: number;
  readonly key?: PrivateKey;
  readonly header?: { readonly alg: string; readonly kid?: string };
}

export class TestIssuer {
  readonly url: string;
  /** Paths that were asked for, oldest first. */
  readonly asked: string[] = [];
  /** Answers 500 while true. */
  isDown = false;
  /** What discovery says besides the usual. */
  discovery: Readonly<Record<string, unknown>> = {};
  #keys: readonly { readonly kid: string; readonly key: PrivateKey; readonly jwk: JWK }[] = [];
  readonly #server: ReturnType<typeof createServer>;

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => {
      this.asked.push(request.url ?? '');
      if (this.isDown) response.writeHead(500).end();
      else if (request.url === '/.well-known/openid-configuration') {
        response.end(
          JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/jwks`, ...this.discovery }),
        );
      } else if (request.url === '/jwks') {
        response.end(JSON.stringify({ keys: this.#keys.map(({ jwk }) => jwk) }));
      } else response.writeHead(404).end();
    });
  }

  static async start(): Promise<TestIssuer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const issuer = new TestIssuer(server);
    await issuer.rotate('key-1');
    return issuer;
  }

  /** From now on there is only the key of this name. */
  async rotate(kid: string): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' };
    this.#keys = [{ kid, key: privateKey, jwk }];
  }

  /** The public key as the issuer serves it. */
  get jwk(): JWK {
    return this.#keys[0]!.jwk;
  }

  /** A token with these claims, right in everything that is not told otherwise. */
  async sign(claims: JWTPayload, options: TokenOptions = {}): Promise<string> {
    const { kid, key } = this.#keys[0]!;
    const now = Math.floor(Date.now() / 1000);
    const audience = 'audience' in options ? options.audience : 'speed-gate';
    return await new SignJWT({
      iss: options.issuer ?? this.url,
      ...(audience !== undefined && { aud: audience }),
      iat: now,
      exp: now + (options.expiresIn ?? 300),
      ...claims,
    })
      .setProtectedHeader(options.header ?? { alg: 'RS256', kid })
      .sign(options.key ?? key);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
