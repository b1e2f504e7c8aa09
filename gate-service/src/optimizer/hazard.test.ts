import { describe, expect, it } from 'vitest';
import {
  lossByUnsafe,
  spareRisk,
  travelled,
  travelledAltogether,
  wayFrom,
  withoutCliff,
} from './hazard.ts';
import { recall } from './memory.ts';
import type { SessionFacts } from './session-facts.ts';
import type { Values } from './space/bound-space.ts';
import { play, PROBLEM, SPACE, STARTED, throughJson } from './tuner-fixture.ts';
import { createTuner } from './tuner.ts';
import type { Prediction, ProposalSource, Step, Trial } from './tuner.ts';

const PREDICTION: Prediction = { change: 0, low: 0, high: 0, safe: 1, knobs: [] };
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

/** What is known after a session that broke limits wherever the workers were not those of the start, or nowhere. */
function factsAfter(rate: number, isCliff: boolean): SessionFacts {
  const former = { ...PROBLEM, context: { rate } };
  const tuner = createTuner(former, { budget: 5, seed: 1 });
  const unsafe = ({ workers }: Values) => isCliff && Number(workers) !== 40;
  play(tuner, { value: () => 100, unsafe }, 1);
  const memory = recall(PROBLEM, throughJson(tuner.experience()), 1);
  return { problem: PROBLEM, options: { budget: 5, seed: 1 }, memory };
}

it('knows what former sessions met, by similarity of workload', () => {
  const met = (rate: number) =>
    travelledAltogether(factsAfter(rate, true), [at(0.3), at(0.9, 0.3)]);
  const [same, similar] = [met(7), met(7.5)];
  expect(similar.cliffs).toBeGreaterThan(1);
  expect(same.cliffs).toBeGreaterThan(similar.cliffs);
  expect(same.evaluations).toBeGreaterThan(similar.evaluations);
});

describe('the risk that a session may spend', () => {
  const calm = factsAfter(7.5, false);
  const step = (safe: number, source: ProposalSource = 'critic'): Step => ({
    ...STARTED,
    proposal: { ...STARTED.proposal, source, predicted: { ...PREDICTION, safe } },
  });
  const risk = (steps: readonly Step[], trials: readonly Trial[], facts = calm): number =>
    spareRisk(facts, steps, trials);
  const ten = Array.from({ length: 10 }, () => at(0.3));

  it('is saved with every evaluation and spent by what is told of a step', () => {
    expect(risk([], [])).toBe(0);
    expect(risk([], ten)).toBeCloseTo(0.2);
    expect(risk([step(0.95), step(0.99)], ten)).toBeCloseTo(0.14);
    // What was adopted in a former session is no step of this one's search.
    expect(risk([step(0.6, 'memory'), step(0.9, 'rerun')], ten)).toBeCloseTo(0.2);
  });

  it('is gone where more broke than was told', () => {
    const broken = [...ten, at(0.9, 0.3)];
    expect(risk([step(0.95)], broken)).toBeCloseTo(0.02 * 11 - 1);
  });

  it('pays first for what former sessions broke beyond their share; what these saved is lost', () => {
    const owing = factsAfter(7.5, true);
    const { cliffs, evaluations } = travelledAltogether(owing, []);
    expect(cliffs).toBeGreaterThan(0.02 * evaluations);
    expect(risk([], ten, owing)).toBeCloseTo(0.2 - (cliffs - 0.02 * evaluations));
    expect(travelledAltogether(calm, []).evaluations).toBeGreaterThan(0);
    expect(risk([], ten, calm)).toBeCloseTo(0.2);
  });
});

it('keeps a session from telling of a first step that it is surely safe', () => {
  const tuner = createTuner(PROBLEM, { budget: 9, seed: 1 });
  tuner.tell(tuner.ask()!.id, { value: 1, metrics: { errors: 1e-9 } });
  expect(tuner.ask()!.predicted!.safe).toBeLessThan(0.99);
});
