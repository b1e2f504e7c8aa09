/** The public keys of one issuer: fetched, kept through outages, and asked for again seldom. */
import { createLocalJWKSet, errors } from 'jose';
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import { fetchJson } from './fetch-json.ts';

/** Keys that are younger are used without a question. */
const FRESH_MS = 10 * 60_000;
/** After a failure, and for tokens of unknown keys: not more often than this. */
const RETRY_MS = 30_000;
/** Through an outage of the issuer its keys are trusted for so long, then nobody is let in. */
const KEPT_MS = 24 * 60 * 60_000;

/** The keys cannot be had: nothing can be said about the token. */
export class KeysUnavailableError extends Error {
  readonly retryAfterSeconds: number;
  constructor(issuer: string, retryAfterSeconds: number) {
    super(
      `the keys of ${issuer} cannot be fetched, so its tokens cannot be checked: try again later, the log of the service has the reason`,
    );
    this.name = 'KeysUnavailableError';
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export interface KeysLog {
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
}

export interface IssuerKeysOptions {
  readonly issuer: string;
  /** Else the discovery document of the issuer names it. */
  readonly jwks?: string | undefined;
  readonly log: KeysLog;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/**
 * For `jwtVerify`.
 * @throws KeysUnavailableError, or jose's JWKSNoMatchingKey
 */
export function createIssuerKeys(options: IssuerKeysOptions): JWTVerifyGetKey {
  const { issuer, log } = options;
  const now = options.now ?? Date.now;
  let keys: { readonly find: JWTVerifyGetKey; readonly atMs: number } | undefined;
  let attemptedMs = -Infinity;
  let failed = false;
  let pending: Promise<void> | undefined;

  async function load(): Promise<void> {
    attemptedMs = now();
    try {
      const document = await fetchJson(options.jwks ?? (await discover(issuer)));
      keys = { find: createLocalJWKSet(document as unknown as JSONWebKeySet), atMs: now() };
      if (failed) log.info({ issuer }, 'the keys of the issuer can be fetched again');
      failed = false;
    } catch (error) {
      failed = true;
      const until = keys === undefined ? undefined : new Date(keys.atMs + KEPT_MS).toISOString();
      log.warn(
        { issuer, err: error, keptUntil: until },
        until === undefined
          ? 'the keys of the issuer cannot be fetched: none of its tokens is taken'
          : 'the keys of the issuer cannot be fetched: those that are known are used on',
      );
    }
  }

  /** Whoever asks while it is under way waits for the same answer. */
  async function reload(): Promise<void> {
    if (pending === undefined && now() - attemptedMs < RETRY_MS) return;
    pending ??= load().finally(() => {
      pending = undefined;
    });
    await pending;
  }

  return async (header, token) => {
    if (keys === undefined || failed || now() - keys.atMs >= FRESH_MS) await reload();
    if (keys === undefined || now() - keys.atMs >= KEPT_MS) throw unavailable();
    try {
      return await keys.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    await reload();
    try {
      return await keys.find(header, token);
    } catch (error) {
      // With the issuer away it may well be a new key of it.
      if (error instanceof errors.JWKSNoMatchingKey && failed) throw unavailable();
      throw error;
    }
  };

  function unavailable(): KeysUnavailableError {
    const wait = Math.max(1, Math.ceil((attemptedMs + RETRY_MS - now()) / 1000));
    return new KeysUnavailableError(issuer, wait);
  }
}

/** The address of the keys by OpenID Connect Discovery 1.0. */
async function discover(issuer: string): Promise<string> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const { issuer: said, jwks_uri: jwks } = await fetchJson(address);
  if (said !== issuer) throw new Error(`${address} is of another issuer than ${issuer}`);
  const url = typeof jwks === 'string' ? URL.parse(jwks) : null;
  // An issuer that is spoken to in private must not send its keys in the open.
  if (url?.protocol !== new URL(issuer).protocol) {
    throw new Error(`${address} names no usable jwks_uri`);
  }
  return url.href;
}
