/** The hash chain of the audit: whoever changes an entry has to change every later one, and a noted hash shows that. */
import { createHash } from 'node:crypto';
import type { AuditEntry } from './records.ts';

/** `previousHash` of the first entry. */
export const NO_PREVIOUS_HASH = '0'.repeat(64);

/**
 * The hash of an entry: SHA-256 over the hash of the entry before and the canonical JSON of this one without
 * its hashes: keys sorted by code unit at every level, absent fields absent, no white space.
 * @returns 64 lower-case hex digits
 */
export function auditHash(
  previousHash: string,
  entry: Omit<AuditEntry, 'previousHash' | 'hash'>,
): string {
  const { sequence, at, actor, action, subject, service, reason, data } = entry;
  const text = canonicalJson({ sequence, at, actor, action, subject, service, reason, data });
  return createHash('sha256')
    .update(previousHash + text)
    .digest('hex');
}

/** JSON with one spelling for one value. Not finite numbers become strings: JSON would make all of them null. */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return `{"$number":"${String(value)}"}`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`);
  return `{${fields.join(',')}}`;
}
