import { describe, expect, it } from 'vitest';
import { heldValues, safeValues, trialsOf } from './session-facts.ts';
import { PROBLEM } from './tuner-fixture.ts';
import type { Observation, Step, Trial, Values } from './tuner.ts';

const at = (workers: number): Values => ({ ...PROBLEM.start, workers });
const trial = (workers: number, errors?: number, unsafe = (errors ?? 0) > 0.01): Trial => ({
  values: at(workers),
  value: 1,
  ...(errors === undefined ? {} : { metrics: { errors } }),
  unsafe,
});

describe('trials', () => {
  it('are unsafe by their limits, whatever was decided', () => {
    const step = (observation: Observation): Step => ({
      proposal: { id: 1, values: PROBLEM.start, source: 'rerun', reason: '' },
      observation,
      decision: {
        id: 1,
        verdict: 'noted',
        adopted: false,
        incumbent: PROBLEM.start,
        sentence: '',
        margins: [],
      },
    });
    const steps = [
      { value: 1, metrics: { errors: 0.02 } },
      { value: 1, metrics: { errors: 0.01 } },
      { unsafe: true },
      { aborted: 'burst' },
    ].map(step);
    const { limits } = PROBLEM;
    expect(trialsOf(limits, steps).map(({ unsafe }) => unsafe)).toEqual([true, false, true, true]);
  });
});

describe('what is safe', () => {
  it('held its limits each time, and was judged', () => {
    const trials = [trial(40, 0), trial(50, 0), trial(50, 0.3), trial(60), trial(70, 0)];
    expect(heldValues(PROBLEM, trials)).toEqual([at(40), at(70)]);
    expect(safeValues(PROBLEM, trials)).toEqual([at(40), at(70)]);
  });

  it('is nothing but the way out where nothing held: the start, and what broke its limits by less', () => {
    const trials = [trial(40, 0.3), trial(50, 0.5), trial(60, 0.1), trial(70, 0.05), trial(80)];
    expect(heldValues(PROBLEM, trials)).toEqual([]);
    expect(safeValues(PROBLEM, trials)).toEqual([PROBLEM.start, at(60), at(70)]);
    expect(safeValues(PROBLEM, [trial(40, 0.3), trial(60, 0.001, true)])).toEqual([PROBLEM.start]);
  });
});
