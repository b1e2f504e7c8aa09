import { expect, it } from 'vitest';
import { travelled, wayFrom, withoutCliff } from './hazard.ts';
import { PROBLEM, SPACE } from './tuner-fixture.ts';
import { createTuner } from './tuner.ts';
import type { Trial } from './tuner.ts';

const at = (share: number, errors = 0): Trial => ({
  values: { ...PROBLEM.start, share },
  value: 1,
  metrics: { errors },
  unsafe: errors > 0.01,
});

it('is likelier on a longer way, rarer where much was safe, likelier again after a cliff', () => {
  const few = { way: 0, cliffs: 0 };
  expect(withoutCliff(0, few)).toBe(1);
  expect(withoutCliff(0.3, few)).toBeLessThan(0.97);
  expect(withoutCliff(0.6, few)).toBeLessThan(withoutCliff(0.3, few));
  expect(withoutCliff(0.6, { way: 3, cliffs: 0 })).toBeGreaterThan(withoutCliff(0.6, few));
  expect(withoutCliff(0.6, { way: 3, cliffs: 2 })).toBeLessThan(withoutCliff(0.6, few));
});

it('counts the way between what held, and each cliff', () => {
  const trials = [at(0.3), at(0.5), at(0.4), at(0.9, 0.3), at(0.8)];
  const { way, cliffs } = travelled(PROBLEM, trials);
  expect(way).toBeCloseTo(0.2 + 0.1 + 0.3);
  expect(cliffs).toBe(1);
  expect(wayFrom(SPACE, [], PROBLEM.start)).toBe(0);
});

it('keeps a session from telling of a first step that it is surely safe', () => {
  const tuner = createTuner(PROBLEM, { budget: 9, seed: 1 });
  tuner.tell(tuner.ask()!.id, { value: 1, metrics: { errors: 1e-9 } });
  expect(tuner.ask()!.predicted!.safe).toBeLessThan(0.99);
});
