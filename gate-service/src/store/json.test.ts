import { expect, it } from 'vitest';
import { decode, encode, encodeOptional } from './json.ts';

it('gives back what it was given, infinities included', () => {
  const value = {
    effect: Infinity,
    low: [-Infinity, 0.1, null],
    text: '$number',
    nested: { n: NaN },
  };
  expect(decode(encode(value))).toStrictEqual(value);
});

it('keeps absent apart from null', () => {
  expect(encodeOptional(undefined)).toBeNull();
  expect(encodeOptional(null)).toBe('null');
});
