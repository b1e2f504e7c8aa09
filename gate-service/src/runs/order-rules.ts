/** What every order of a person has to keep, whatever it orders. Pure. */
import { RefusedError } from './run-service.ts';
import type { PromotionOrder } from './run-service.ts';

const LEAST_REASON = 10;
const DEFAULT_MS = 3_600_000;
const MOST_DAYS = 7;
const MOST_MS = MOST_DAYS * 24 * 3_600_000;
/** Clocks of people's machines differ a little. */
const TOLERANCE_MS = 60_000;

/**
 * @returns without the space around it
 * @throws RefusedError `reason-too-short`
 */
export function checkedReason(reason: string): string {
  const trimmed = reason.trim();
  if (trimmed.length >= LEAST_REASON) return trimmed;
  throw new RefusedError(
    'reason-too-short',
    `say why, in at least ${String(LEAST_REASON)} characters: the audit keeps it`,
    '/reason',
  );
}

/**
 * @param now milliseconds since the epoch
 * @returns latest moment at which the order may act, ISO 8601 in UTC; in an hour when nothing was said
 * @throws RefusedError `expired`, `expires-too-late`
 */
export function checkedExpiry(expiresAt: string | undefined, now: number): string {
  if (expiresAt === undefined) return new Date(now + DEFAULT_MS).toISOString();
  const expires = Date.parse(expiresAt);
  if (!(expires > now)) {
    throw new RefusedError(
      'expired',
      `expiresAt ${expiresAt} has passed or is no instant: an expired order does nothing`,
      '/expiresAt',
    );
  }
  if (expires > now + MOST_MS + TOLERANCE_MS) {
    throw new RefusedError(
      'expires-too-late',
      `expiresAt ${expiresAt} is more than ${String(MOST_DAYS)} days ahead: nobody will remember why by then`,
      '/expiresAt',
    );
  }
  return new Date(expires).toISOString();
}

/** Latest moment, in milliseconds, at which a promotion that a person ordered at `createdAt` may begin. */
export function latestBegin(createdAt: string): number {
  return Date.parse(createdAt) + DEFAULT_MS;
}

/**
 * Nobody approves what he asked for himself.
 * @param what for the message: `override` or `promotion`
 * @throws RefusedError `own-run`
 */
export function requireSomebodyElse(
  run: {
    readonly id: string;
    readonly requestedBy: string;
    readonly request: { readonly startedBy?: string | undefined };
  },
  actor: string,
  what: 'override' | 'promotion',
): void {
  const { startedBy } = run.request;
  const own = [run.requestedBy, startedBy].find(
    (name) => name !== undefined && isSamePerson(name, actor),
  );
  if (own === undefined) return;
  const how = own === run.requestedBy ? 'asked for' : 'started the build of';
  throw new RefusedError(
    'own-run',
    `${actor} ${how} run ${run.id}: ${what === 'override' ? 'an override' : 'a promotion of this service'} takes somebody else`,
  );
}

/**
 * The second pair of eyes is a person's: a pipeline with two tokens has none.
 * @throws RefusedError `person-needed`
 */
export function requirePerson(
  service: string,
  actor: string,
  { byPerson = false }: Pick<PromotionOrder, 'byPerson'>,
): void {
  if (byPerson) return;
  throw new RefusedError(
    'person-needed',
    `the service catalogue asks for four eyes on ${service}: a pass is promoted by a person with a token of his own, and ${actor} is a pipeline or has not signed in`,
  );
}

/**
 * Whether two names may be the same person's: told apart by letters' case never, and by what follows
 * the `@` only where both have it, because build servers tell user names and issuers mail addresses.
 */
export function isSamePerson(one: string, other: string): boolean {
  const [a, b] = [normal(one), normal(other)];
  if (a === b) return true;
  const bare = (name: string): boolean => !name.includes('@');
  return bare(a) !== bare(b) && a.split('@')[0] === b.split('@')[0];
}

function normal(name: string): string {
  return name.trim().normalize('NFKC').toLowerCase();
}
