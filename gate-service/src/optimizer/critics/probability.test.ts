import { expect, it } from 'vitest';
import type { Critic } from './critic.ts';
import { probabilityBelow } from './probability.ts';

function critic(mean: number, sd: number): Critic {
  return { predict: () => ({ mean, sd }), noise: 1 };
}

it('is the normal probability of the latent value', () => {
  expect(probabilityBelow(critic(1, 2), [0], 1)).toBeCloseTo(0.5, 10);
  expect(probabilityBelow(critic(1, 2), [0], 1 + 2 * 1.6448536)).toBeCloseTo(0.95, 6);
  expect(probabilityBelow(critic(1, 2), [0], Infinity)).toBe(1);
});

it('is a step where nothing is in doubt', () => {
  expect(probabilityBelow(critic(1, 0), [0], 1)).toBe(1);
  expect(probabilityBelow(critic(1, 0), [0], 0.9)).toBe(0);
});

it('never passes what is no number', () => {
  expect(() => probabilityBelow(critic(1, 1), [0], NaN)).toThrow(/limit/);
  expect(probabilityBelow(critic(NaN, 1), [0], 5)).toBe(0);
  expect(probabilityBelow(critic(1, NaN), [0], 5)).toBe(0);
});
