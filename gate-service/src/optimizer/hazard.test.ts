import { expect, it } from 'vitest';
import { lossByUnsafe, travelled, travelledAltogether, wayFrom, withoutCliff } from './hazard.ts';
import { recall } from './memory.ts';
import { play, PROBLEM, SPACE, throughJson } from './tuner-fixture.ts';
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

it('takes another choice for a short step, not for the longest way that there is', () => {
  const { start } = PROBLEM;
  expect(wayFrom(SPACE, [start], { ...start, balancer: 'least' })).toBe(0.1);
  expect(wayFrom(SPACE, [start], { ...start, balancer: 'least', share: 0.2 })).toBeCloseTo(0.2);
  expect(wayFrom(SPACE, [start], { ...start, share: 0.9 })).toBeCloseTo(0.6);
});

it('makes what breaks limits dearer the more of it there was', () => {
  const nothing = { way: 0, cliffs: 0, evaluations: 0 };
  expect(lossByUnsafe(nothing)).toBeCloseTo(0.5);
  expect(lossByUnsafe({ ...nothing, evaluations: 50 })).toBeCloseTo(0.25);
  expect(lossByUnsafe({ ...nothing, evaluations: 50, cliffs: 5 })).toBeCloseTo(1.5);
});

it('knows what former sessions met, by similarity of workload', () => {
  const met = (rate: number) => {
    const former = { ...PROBLEM, context: { rate } };
    const tuner = createTuner(former, { budget: 5, seed: 1 });
    play(tuner, { value: () => 100, unsafe: ({ workers }) => Number(workers) !== 40 }, 1);
    const memory = recall(PROBLEM, throughJson(tuner.experience()), 1);
    const facts = { problem: PROBLEM, options: { budget: 5, seed: 1 }, memory };
    return travelledAltogether(facts, [at(0.3), at(0.9, 0.3)]);
  };
  const [same, similar] = [met(7), met(7.5)];
  expect(similar.cliffs).toBeGreaterThan(1);
  expect(same.cliffs).toBeGreaterThan(similar.cliffs);
  expect(same.evaluations).toBeGreaterThan(similar.evaluations);
});

it('keeps a session from telling of a first step that it is surely safe', () => {
  const tuner = createTuner(PROBLEM, { budget: 9, seed: 1 });
  tuner.tell(tuner.ask()!.id, { value: 1, metrics: { errors: 1e-9 } });
  expect(tuner.ask()!.predicted!.safe).toBeLessThan(0.99);
});
