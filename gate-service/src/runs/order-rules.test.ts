import { describe, expect, it } from 'vitest';
import {
  checkedExpiry,
  checkedReason,
  isSamePerson,
  latestBegin,
  requireSomebodyElse,
} from './order-rules.ts';

const now = Date.parse('2026-01-05T08:00:00Z');
const hours = (count: number): string => new Date(now + count * 3_600_000).toISOString();

describe('the expiry of an order', () => {
  it('is in an hour unless told', () => {
    expect(checkedExpiry(undefined, now)).toBe(hours(1));
    expect(latestBegin(new Date(now).toISOString())).toBe(Date.parse(hours(1)));
  });

  it.each([hours(0.001), hours(7 * 24)])('may be %s', (expiresAt) => {
    expect(checkedExpiry(expiresAt, now)).toBe(expiresAt);
  });

  it.each([
    [hours(0), 'expired'],
    [hours(-1), 'expired'],
    ['tomorrow', 'expired'],
    [hours(7 * 24 + 1), 'expires-too-late'],
  ])('may not be %s: %s', (expiresAt, code) => {
    expect(() => checkedExpiry(expiresAt, now)).toThrow(
      expect.objectContaining({ code, field: '/expiresAt' }),
    );
  });
});

describe('the reason of an order', () => {
  it('is kept without the space around it', () => {
    expect(checkedReason('  it is known  ')).toBe('it is known');
  });

  it.each(['', 'too short', `x${' '.repeat(50)}`])('must say something: %j', (reason) => {
    expect(() => checkedReason(reason)).toThrow(
      expect.objectContaining({ code: 'reason-too-short', field: '/reason' }),
    );
  });
});

describe('one person by two names', () => {
  it.each([
    ['ann', 'ann'],
    ['Ann ', 'ann'],
    ['ann', 'ann@example.com'],
    ['ANN@example.com', 'ann'],
  ])('%j and %j may be the same', (one, other) => {
    expect(isSamePerson(one, other)).toBe(true);
    expect(isSamePerson(other, one)).toBe(true);
  });

  it.each([
    ['ann', 'anna'],
    ['ann@example.com', 'ann@example.org'],
    ['ann', 'bob@ann'],
  ])('%j and %j are two', (one, other) => {
    expect(isSamePerson(one, other)).toBe(false);
  });

  it('keeps from approving what he asked for, or what his build asked for', () => {
    const run = { id: 'run-1', requestedBy: 'jenkins', request: { startedBy: 'ann' } };
    for (const actor of ['jenkins', 'ann@example.com']) {
      expect(() => {
        requireSomebodyElse(run, actor, 'override');
      }).toThrow(expect.objectContaining({ code: 'own-run' }));
    }
    requireSomebodyElse(run, 'bob', 'override');
  });
});
