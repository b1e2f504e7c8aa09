/** Port between the check of requests and the ways to know a caller: static tokens, OIDC. */
import type { Identity } from './rights.ts';

/** Why a token is refused: a stable word for programs and a sentence for people; never the token. */
export interface Refusal {
  readonly code: 'unauthorized' | 'expired' | 'identity-unavailable';
  readonly detail: string;
  /** After how many seconds it is worth another try; only where the token may be good. */
  readonly retryAfterSeconds?: number;
}

/** Undefined: the token is not of this source. */
export type Recognition =
  { readonly identity: Identity } | { readonly refusal: Refusal } | undefined;

/** What the sign-in of the dashboard needs to know of an issuer. */
export interface OidcSignIn {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** Further origins that the page must reach to get its token. */
  readonly origins: readonly string[];
}

export interface IdentitySource {
  /** Who the token belongs to. Never throws: what cannot be checked is a refusal. */
  recognise(token: string): Recognition | Promise<Recognition>;
  /** Issuer that people may sign in with at the dashboard. */
  signIn?(): OidcSignIn | undefined;
}
