/** Sign-in at an OpenID Connect issuer: authorization code with PKCE; state and nonce are checked. */
import { challengeOf, claimsOf, randomText } from './pkce.ts';
import { Problem } from './problem.ts';
import type { SignIn } from './types.ts';

type Issuer = NonNullable<SignIn['oidc']>;

const KEY = 'speed-gate-sign-in';
/** Where the issuer sends the browser back to; to be registered there. */
export const RETURN_PATH = '/signed-in';

interface Pending {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly issuer: Issuer;
  readonly tokenEndpoint: string;
  /** The page that asked to sign in. */
  readonly back: string;
}

interface Discovery {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
}

/** Leaves the page for the issuer's. @throws Problem when the issuer does not answer as it must */
export async function beginSignIn(issuer: Issuer, back: string): Promise<void> {
  const found = await discover(issuer.issuer);
  const pending: Pending = {
    state: randomText(),
    nonce: randomText(),
    verifier: randomText(),
    issuer,
    tokenEndpoint: found.token_endpoint,
    back,
  };
  sessionStorage.setItem(KEY, JSON.stringify(pending));
  const target = new URL(found.authorization_endpoint);
  const parameters = {
    response_type: 'code',
    client_id: issuer.clientId,
    redirect_uri: location.origin + RETURN_PATH,
    scope: [...new Set(['openid', ...issuer.scopes])].join(' '),
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await challengeOf(pending.verifier),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(parameters)) target.searchParams.set(name, value);
  location.assign(target);
}

export interface SignedIn {
  /** Tokens that the gate service may take, the likeliest first: which audience it asks for is its own matter. */
  readonly tokens: readonly string[];
  readonly back: string;
}

/** Exchanges the code that the issuer sent back. @throws Problem in words when anything does not fit */
export async function endSignIn(query: URLSearchParams): Promise<SignedIn> {
  const stored = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  if (stored === null) {
    throw new Problem(0, 'This tab has not asked to sign in. Begin again from this page.');
  }
  const pending = JSON.parse(stored) as Pending;
  if (query.get('state') !== pending.state) {
    throw new Problem(0, 'The answer does not belong to this sign-in. Begin again.');
  }
  const failure = query.get('error');
  if (failure !== null) {
    const words = query.get('error_description') ?? failure;
    throw new Problem(0, `The issuer did not sign you in: ${words}.`);
  }
  const answer = await fetchIssuer(pending.tokenEndpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: query.get('code') ?? '',
      redirect_uri: location.origin + RETURN_PATH,
      client_id: pending.issuer.clientId,
      code_verifier: pending.verifier,
    }),
  });
  const tokens = (await answer.json()) as {
    readonly id_token?: string;
    readonly access_token?: string;
  };
  if (tokens.id_token === undefined) throw new Problem(0, 'The issuer sent no ID token.');
  requireOurs(tokens.id_token, pending);
  const others = [tokens.access_token].filter((text) => text?.split('.').length === 3);
  return { tokens: [tokens.id_token, ...(others as readonly string[])], back: pending.back };
}

/** Straight from the issuer over TLS, so claims are enough here; the gate service verifies the signature. */
function requireOurs(token: string, { issuer, nonce }: Pending): void {
  const claims = claimsOf(token);
  const audience = Array.isArray(claims.aud) ? (claims.aud as unknown[]) : [claims.aud];
  if (claims.nonce !== nonce) {
    throw new Problem(
      0,
      'The token was not made for this sign-in (its nonce differs). Begin again.',
    );
  }
  if (claims.iss !== issuer.issuer || !audience.includes(issuer.clientId)) {
    throw new Problem(0, 'The token is of another issuer or for another application.');
  }
}

async function discover(issuer: string): Promise<Discovery> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const found = (await (await fetchIssuer(address)).json()) as Discovery;
  if (found.issuer !== issuer) {
    throw new Problem(0, `${address} speaks for another issuer (${found.issuer}).`);
  }
  return found;
}

async function fetchIssuer(address: string, options: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(address, { ...options, credentials: 'omit' });
  } catch {
    throw new Problem(0, `The issuer cannot be reached from this browser: ${address}`);
  }
  if (!answer.ok) throw new Problem(0, `The issuer answered ${answer.status}: ${address}`);
  return answer;
}
