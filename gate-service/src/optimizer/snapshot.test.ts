import { describe, expect, it, vi } from 'vitest';
import { play, PROBLEM, smooth } from './tuner-fixture.ts';
import type { World } from './tuner-fixture.ts';
import { createTuner, DamagedSnapshotError, resumeTuner } from './tuner.ts';
import type { TunerSnapshot } from './tuner.ts';

vi.setConfig({ testTimeout: 60_000 });

type Open<T> = T extends object ? { -readonly [K in keyof T]: Open<T[K]> } : T;

/** A session in the middle: something adopted, something unsafe, one evaluation open. */
const whole = ((): TunerSnapshot => {
  const world: World = { value: smooth, unsafe: ({ workers }) => Number(workers) > 90 };
  const tuner = createTuner(PROBLEM, { budget: 20, seed: 4 });
  play(tuner, world, 1, 18);
  tuner.ask();
  return tuner.snapshot();
})();
const copy = (): Open<TunerSnapshot> => JSON.parse(JSON.stringify(whole)) as Open<TunerSnapshot>;

it('has what the forgeries below take away', () => {
  expect(whole.steps.some(({ decision }) => decision.verdict === 'unsafe')).toBe(true);
  expect(whole.state.barriers.length).toBeGreaterThan(0);
  expect(() => resumeTuner(PROBLEM, copy())).not.toThrow();
});

const unsafe = whole.steps.findIndex(({ decision }) => decision.verdict === 'unsafe');

describe('a snapshot', () => {
  it.each<[string, (snapshot: Open<TunerSnapshot>) => unknown, RegExp]>([
    ['of another shape', () => ({ version: 1 }), /space: /],
    ['that is nothing', () => null, /object/],
    ['of a later version', (one) => ({ ...one, version: 2 }), /version: /],
    ['with a field that no session has', (one) => ({ ...one, more: 1 }), /more/],
    [
      'without a part of its state',
      (one) => ({ ...one, state: { ...one.state, barriers: undefined } }),
      /state\.barriers: /,
    ],
    [
      'with a value that is no number',
      (one) => ((one.steps[2]!.observation.value = '1' as never), one),
      /steps\.2\.observation\.value: /,
    ],
    [
      'that lost an evaluation',
      (one) => (one.steps.splice(3, 1), one),
      /evaluation 4 is told as 5/,
    ],
    ['that is cut off', (one) => ({ ...one, steps: one.steps.slice(0, 4) }), /is open after 4/],
    [
      'with an illegal configuration',
      (one) => ((one.steps[2]!.proposal.values.workers = 5), one),
      /evaluation 3 is illegal: workers/,
    ],
    [
      'with an illegal open one',
      (one) => ((one.open!.values.workers = 5), one),
      /the open evaluation is illegal: workers/,
    ],
    [
      'whose violator is told as safe',
      (one) => ((one.steps[unsafe]!.decision.verdict = 'noted'), one),
      /was errors was 0\.3, above 0\.01, but decided as noted/,
    ],
    [
      'whose barrier is gone',
      (one) => ((one.state.barriers = []), one),
      /broke a limit, and nothing keeps from entering it again/,
    ],
    [
      'with a configuration in force that nothing adopted',
      (one) => {
        const values = { ...PROBLEM.start, workers: 1000 };
        one.state.incumbents.push(values);
        one.steps.at(-1)!.decision.incumbent = values;
        return one;
      },
      /a configuration in force that none of its evaluations adopted/,
    ],
    [
      'that begins elsewhere',
      (one) => ((one.state.incumbents[0] = { ...PROBLEM.start, workers: 60 }), one),
      /does not begin at the configuration in force/,
    ],
    [
      'with more evaluations than its budget',
      (one) => ((one.options.budget = 3), one),
      /more than its budget of 3/,
    ],
    [
      'with a barrier at no place',
      (one) => ((one.state.barriers[0]!.safe.workers = 0), one),
      /one of its barriers is of no configuration/,
    ],
    [
      'with an illegal milestone',
      (one) => ((one.state.milestones[0]!.workers = 0), one),
      /one of its milestones is illegal: workers/,
    ],
    [
      'with critics of other knobs',
      (one) => ((one.state.hyperparameters.objective!.lengths = [1]), one),
      /critics are of other knobs/,
    ],
  ])('%s is refused', (_, forge, words) => {
    expect(() => resumeTuner(PROBLEM, forge(copy()))).toThrow(DamagedSnapshotError);
    expect(() => resumeTuner(PROBLEM, forge(copy()))).toThrow(words);
  });
});
