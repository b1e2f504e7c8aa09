import { expect, it } from 'vitest';
import { changeInWords, signedPercent } from './wording.ts';

it.each([
  [0, '+0.0 %'],
  [-0.1234, '-12.3 %'],
  [0.5, '+50.0 %'],
  [49, '50 times as much'],
  [1e12, '1000000000000 times as much'],
])('says %d as %s', (ratio, words) => {
  expect(signedPercent(ratio)).toBe(words);
});

it('says differences where a percentage would mislead', () => {
  expect(changeInWords(-0.2)).toBe('-20.0 %');
  expect(changeInWords(-0.2, 1500)).toBe('-300');
  expect(changeInWords(0.25, 0.1)).toBe('+0.025');
});
