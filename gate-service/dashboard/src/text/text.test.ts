import { describe, expect, it } from 'vitest';
import { ago, exactInstant } from './instants.ts';
import { amount, duration } from './numbers.ts';
import { signOf } from './words.ts';

describe('numbers', () => {
  it.each([
    [0.0512, 'relative-change', '+5.1 %'],
    [-0.0512, 'relative-change', '−5.1 %'],
    [-0.0001, 'relative-change', '0.0 %'],
    [0.0012, 'share-change', '+0.12 points'],
    [0.0012, 'share', '0.12 %'],
    [12.345, 'ms-change', '+12.3 ms'],
    [812, 'ms', '812 ms'],
    [12_345, 'ms', '12.3 s'],
    [512, 'per-second', '512/s'],
    [undefined, 'ms', 'unknown'],
  ] as const)('%s on the axis %s is %s', (value, axis, text) => {
    expect(amount(value, axis)).toBe(text);
  });

  it.each([
    [0.26, '0.3 s'],
    [59.6, '1 min 0 s'],
    [125, '2 min 5 s'],
    [7384, '2 h 3 min'],
  ])('%s seconds are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});

describe('instants and words', () => {
  it('says how long ago it was, and exactly when', () => {
    const now = Date.parse('2026-03-02T12:00:00Z');
    expect(ago('2026-03-02T11:59:50Z', now)).toBe('just now');
    expect(ago('2026-03-02T09:00:00Z', now)).toBe('3 h ago');
    expect(ago('2026-02-27T12:00:00Z', now)).toBe('3 days ago');
    expect(exactInstant('2026-03-02T11:59:50Z')).toBe('2026-03-02 11:59:50.000 UTC');
  });

  it('has a sign for every outcome and decision, and no two the same colour and icon by mistake', () => {
    const known = ['met', 'breached', 'inconclusive', 'invalid', 'pass', 'promote', 'rollback'];
    for (const word of known) expect(signOf(word).word).toBe(word);
    expect(signOf('breached').icon).not.toBe(signOf('met').icon);
    expect(signOf('something new')).toEqual({ tone: 'open', icon: '·', word: 'something new' });
  });
});
