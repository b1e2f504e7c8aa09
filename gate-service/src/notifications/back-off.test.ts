import { expect, it } from 'vitest';
import { messageBackOff, waitAfter, wakeBackOff } from './back-off.ts';
import type { BackOff } from './back-off.ts';

const HOUR_MS = 3_600_000;

function waits(backOff: BackOff, random: number): number[] {
  const all: number[] = [];
  for (let made = 1; ; made += 1) {
    const wait = waitAfter(made, backOff, random);
    if (wait === undefined) return all;
    all.push(wait);
  }
}

it('tries a message at least ten times over about a day, each wait longer or as long', () => {
  const all = waits(messageBackOff, 0.5);
  expect(all.length + 1).toBeGreaterThanOrEqual(10);
  const hours = all.reduce((sum, wait) => sum + wait, 0) / HOUR_MS;
  expect(hours).toBeGreaterThan(18);
  expect(hours).toBeLessThan(30);
  expect(all).toStrictEqual([...all].sort((a, b) => a - b));
});

it('tries to wake a job often, and for about an hour', () => {
  const all = waits(wakeBackOff, 0.5);
  const hours = all.reduce((sum, wait) => sum + wait, 0) / HOUR_MS;
  expect(hours).toBeGreaterThan(0.75);
  expect(hours).toBeLessThan(1.5);
});

it('spreads the attempts of many messages', () => {
  const [earliest] = waits(messageBackOff, 0);
  const [latest] = waits(messageBackOff, 0.999);
  expect(earliest).toBe(4_000);
  expect(latest).toBeGreaterThan(5_900);
});
