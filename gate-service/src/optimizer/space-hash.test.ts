import { expect, it } from 'vitest';
import { hashOfSpace } from './space-hash.ts';
import { integerKnob } from './space/knob.ts';

const range = { minimum: 16, maximum: 8192 };
const knob = integerKnob({ description: 'places', unit: '', scale: 'log', ...range });

it('is of the declared range, not of words nor of what is in force', () => {
  const hash = hashOfSpace({ knob });
  expect(hashOfSpace({ knob: { ...knob, description: 'other words' } })).toBe(hash);
  expect(hashOfSpace({ knob: { ...knob, minimum: 8, declared: range } })).toBe(hash);
  expect(hashOfSpace({ knob: { ...knob, minimum: 8 } })).not.toBe(hash);
  expect(hashOfSpace({ other: knob })).not.toBe(hash);
});
