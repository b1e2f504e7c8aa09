/** Callers with tokens of OpenID Connect issuers: people, and the builds of a Jenkins with its oidc-provider. */
import { decodeJwt, errors, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import type { IdentitySource, Recognition, Refusal } from '../identity-source.ts';
import { createIdentity, EVERY_SERVICE, rightSchema } from '../rights.ts';
import type { Identity, Right, Rights } from '../rights.ts';
import type { Grant, Issuer } from './issuer.ts';
import { KeysUnavailableError } from './issuer-keys.ts';

/** Clocks of two machines that are both right by their own account, in seconds. */
const CLOCK_TOLERANCE_S = 30;

const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]*$/;
/** What records can show on one line; addresses of jobs are of this kind. */
const RECORDABLE = /^[\x21-\x7e]{1,300}$/;

export interface OidcOptions {
  readonly keysOf: (issuer: Issuer) => JWTVerifyGetKey;
  readonly now?: () => Date;
}

/** @param issuers each `issuer` once */
export function createOidcSource(issuers: readonly Issuer[], options: OidcOptions): IdentitySource {
  const now = options.now ?? (() => new Date());
  const known = new Map(
    issuers.map((issuer) => [issuer.issuer, { issuer, keys: options.keysOf(issuer) }]),
  );
  return {
    async recognise(token): Promise<Recognition> {
      if (!COMPACT_JWS.test(token)) return undefined;
      // Only to find who would have signed it: nothing is believed before the signature is checked.
      const found = known.get(claimedIssuer(token) ?? '');
      if (found === undefined) return undefined;
      const { issuer, keys } = found;
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer: issuer.issuer,
          audience: issuer.audience,
          algorithms: issuer.algorithms,
          clockTolerance: CLOCK_TOLERANCE_S,
          currentDate: now(),
          requiredClaims: ['sub', 'exp'],
        });
        return identityOfClaims(payload, issuer);
      } catch (error) {
        return { refusal: refusalOf(error, issuer) };
      }
    },
    signIn() {
      const issuer = issuers.find((one) => one.signIn !== undefined);
      if (issuer?.signIn === undefined) return undefined;
      const { clientId, origins, scopes } = issuer.signIn;
      return { issuer: issuer.issuer, clientId, scopes, origins };
    },
  };
}

function claimedIssuer(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

function identityOfClaims(claims: JWTPayload, issuer: Issuer): Recognition {
  const grants = issuer.grants.filter((grant) => matches(claims, grant));
  const name = grants.find((grant) => grant.name !== undefined)?.name ?? actorName(claims, issuer);
  if (name === undefined) {
    const detail = `a token of ${issuer.name} has a subject that cannot be recorded: letters, digits and signs of ASCII only, at most 300`;
    return { refusal: { code: 'unauthorized', detail } };
  }
  return { identity: named(name, issuer, grants) };
}

function named(name: string, issuer: Issuer, grants: readonly Grant[]): Identity {
  return createIdentity(name, issuer.kind, union(grants.map(({ rights }) => rights)));
}

/** Two issuers may use the same subject for different people: the name says whose it is. */
function actorName(claims: JWTPayload, issuer: Issuer): string | undefined {
  const email = issuer.actor === 'email' ? verifiedEmail(claims) : undefined;
  const name = email ?? `${issuer.name}:${claims.sub ?? ''}`;
  return RECORDABLE.test(name) ? name : undefined;
}

/** Exact, and for an address only when the issuer says that it was checked. */
function matches(claims: JWTPayload, { claim, value }: Grant): boolean {
  const held = claim === 'email' ? verifiedEmail(claims) : ownClaim(claims, claim);
  return Array.isArray(held) ? held.includes(value) : held === value;
}

function ownClaim(claims: JWTPayload, claim: string): unknown {
  return Object.hasOwn(claims, claim) ? claims[claim] : undefined;
}

function verifiedEmail(claims: JWTPayload): string | undefined {
  if (claims.email_verified !== true) return undefined;
  return typeof claims.email === 'string' ? claims.email : undefined;
}

function union(all: readonly Rights[]): Rights {
  const rights: Partial<Record<Right, readonly string[]>> = {};
  for (const right of rightSchema.options) {
    const services = new Set(all.flatMap((one) => one[right] ?? []));
    if (services.has(EVERY_SERVICE)) rights[right] = [EVERY_SERVICE];
    else if (services.size > 0) rights[right] = [...services];
  }
  return rights;
}

/** Says what is wrong with the token, and nothing of what is in it. */
function refusalOf(error: unknown, { name, algorithms, audience }: Issuer): Refusal {
  if (error instanceof KeysUnavailableError) {
    const { message: detail, retryAfterSeconds } = error;
    return { code: 'identity-unavailable', detail, retryAfterSeconds };
  }
  if (error instanceof errors.JWTExpired) {
    return { code: 'expired', detail: `the token of ${name} has expired: sign in again` };
  }
  return { code: 'unauthorized', detail: `the token of ${name} is refused: ${reason(error)}` };

  function reason(cause: unknown): string {
    if (cause instanceof errors.JWTClaimValidationFailed) {
      if (cause.claim === 'aud') return `it is not meant for the audience ${audience}`;
      if (cause.claim === 'nbf') return 'it is not valid yet: compare the clocks';
      return cause.reason === 'missing'
        ? `it lacks the claim ${cause.claim}`
        : `its claim ${cause.claim} is wrong`;
    }
    if (cause instanceof errors.JOSEAlgNotAllowed) {
      return `it is not signed with ${algorithms.join(' or ')}`;
    }
    if (cause instanceof errors.JWKSNoMatchingKey) return 'its key is none of the issuer’s';
    if (cause instanceof errors.JWSSignatureVerificationFailed) {
      return 'its signature does not match';
    }
    return 'it cannot be read';
  }
}
