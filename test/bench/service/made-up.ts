/** What is the same for the same run in every database that is filled. */
import { createHash } from 'node:crypto';
import type { Cause, Decision } from '../../../gate-service/src/runs/run.ts';

export const SERVICES = Array.from(
  { length: 40 },
  (_, n) => `service-${String(n).padStart(2, '0')}`,
);
export const PEOPLE = Array.from({ length: 25 }, (_, n) => `person-${n}`);

/** What a run rarely ends with comes rarely here too: the worst case of a filter. */
const ENDS: readonly (readonly [number, Decision, Cause])[] = [
  [0.62, 'pass', 'met'],
  [0.84, 'promote', 'met'],
  [0.93, 'rollback', 'breached'],
  [0.97, 'rollback', 'inconclusive'],
  [0.99, 'rollback', 'invalid'],
  [0.9995, 'rollback', 'cancelled'],
  [1, 'rollback', 'platform-failed'],
];
const MINUTES_APART = 7;

export function idOf(n: number): string {
  const hex = createHash('sha256').update(`run ${n}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** A build is tried about one and a half times. */
export function buildOf(n: number): string {
  return createHash('sha256')
    .update(`build ${n - (n % 3 === 2 ? 40 : 0)}`)
    .digest('hex');
}

/** The first services have far more runs than the last ones. */
export function serviceOf(n: number): string {
  const skewed = Math.floor(SERVICES.length * share(n, 'service') ** 2);
  return SERVICES[skewed] ?? SERVICES[0] ?? '';
}

export function personOf(n: number): string {
  return PEOPLE[n % PEOPLE.length] ?? '';
}

export function endOf(n: number): { readonly decision: Decision; readonly cause: Cause } {
  const [, decision, cause] = ENDS.find(([upTo]) => share(n, 'end') <= upTo) ?? [1, 'pass', 'met'];
  return { decision, cause };
}

export function at(n: number, seconds = 0): string {
  return new Date(Date.UTC(2020, 0, 1) + n * MINUTES_APART * 60_000 + seconds * 1000).toISOString();
}

/** 0 to 1. */
export function share(n: number, what: string): number {
  return createHash('sha256').update(`${what} ${n}`).digest().readUInt32BE(0) / 2 ** 32;
}
