/**
 * From paths to templates: a segment is kept only where it looks like a word of a route. Everything else
 * (numbers, UUIDs, hashes, addresses, tokens, names behind `/users/`) becomes a placeholder. Pure.
 */

/** Stands for one segment that was taken out. */
export const PARAMETER = '${sequence}';

/** Deeper paths end in one placeholder. */
const MAX_SEGMENTS = 12;
const MAX_SEGMENT = 48;
/** Letters, then at most two digits: `v1`, `oauth2`, `search`. */
const WORD = /^[A-Za-z]{1,20}[0-9]{0,2}$/;
const SEPARATORS = /[._-]/;
/** Developers write `user_orders` or `userOrders`; both at once has base64url. */
const PART_OF_TOKEN = /^(?=.*[_-]).*[a-z][A-Z]/;
const HEXADECIMAL = /^[0-9a-fA-F]{6,}$/;
const VOWEL = /[aeiouy]/i;

/** What follows names a person, an account or a secret, whatever it looks like. */
const OWNERS =
  /^(?:users?|accounts?|customers?|clients?|members?|people|persons?|patients?|employees?|profiles?|owners?|authors?|contacts?|guests?|tenants?|orgs?|organi[sz]ations?|teams?|emails?|mails?|phones?|tokens?|sessions?|keys?|secrets?|passwords?|reset|verify|confirm|activate|invites?|invitations?|unsubscribe|auth|callback|download|share)$/i;
/** Routes that commonly stand there. */
const BELOW_OWNERS =
  /^(?:me|self|new|list|all|search|login|logout|register|signup|settings|count|export|import)$/i;

/** @param path as it was sent, percent-encoded, starting with `/` */
export function templateOf(path: string): string {
  // Matrix parameters (`;jsessionid=…`) are values.
  const segments = path
    .slice(1)
    .split('/')
    .map((segment) => segment.split(';', 1)[0] ?? '');
  const kept = segments
    .slice(0, MAX_SEGMENTS)
    .map((segment, index) => (keeps(segment, segments[index - 1]) ? segment : PARAMETER));
  if (segments.length > MAX_SEGMENTS) kept.push(PARAMETER);
  return `/${kept.join('/')}`;
}

function keeps(segment: string, before: string | undefined): boolean {
  if (segment === '') return true;
  if (before !== undefined && OWNERS.test(before) && !BELOW_OWNERS.test(segment)) return false;
  return isRouteWord(segment);
}

/** Whether it can be a name that a developer gave, rather than a value. Plain ASCII only. */
export function isRouteWord(text: string): boolean {
  if (text.length > MAX_SEGMENT) return false;
  if (PART_OF_TOKEN.test(text)) return false;
  const parts = text.split(SEPARATORS);
  return parts.length <= 5 && parts.every(isWord) && !hasManyDigits(text);
}

function isWord(part: string): boolean {
  if (!WORD.test(part)) return false;
  if (HEXADECIMAL.test(part) && (/\d/.test(part) || part.length >= 8)) return false;
  // Made-up strings: no vowel for long, or capitals all over.
  if (part.length >= 6 && !VOWEL.test(part)) return false;
  const capitals = part.match(/[a-z][A-Z]/g)?.length ?? 0;
  return capitals * 4 <= part.length;
}

function hasManyDigits(text: string): boolean {
  return (text.match(/\d/g)?.length ?? 0) > 3;
}
