import { describe, expect, it } from 'vitest';
import { sameEffect } from './encoding.ts';
import { explore } from './exploring.ts';
import type { Known } from './exploring.ts';
import { recall } from './memory.ts';
import { createTuner } from './tuner.ts';
import { play, PROBLEM, smooth, SPACE, STARTED, throughJson } from './tuner-fixture.ts';
import { initialState } from './tuner-state.ts';
import type { Proposal } from './tuner.ts';

/** What a session asks when all but the start breaks its limit, and why it ends. */
function amongCliffs(paired: boolean): { asked: readonly Proposal[]; ended: string } {
  const tuner = createTuner(PROBLEM, { budget: 12, seed: 3, paired });
  const asked: Proposal[] = [];
  for (let next = tuner.ask(); next !== undefined; next = tuner.ask()) {
    asked.push(next);
    const start = sameEffect(SPACE, next.values, PROBLEM.start);
    tuner.tell(next.id, {
      ...(start ? { value: 100 } : { aborted: 'error burst' }),
      metrics: { errors: start ? 0 : 0.3 },
    });
  }
  return { asked, ended: tuner.result().ended };
}

describe('after an unsafe evaluation', () => {
  it('goes back to what is in force, but compares nothing with itself side by side', () => {
    const again = (asked: readonly Proposal[]): number =>
      asked.slice(1).filter(({ values }) => sameEffect(SPACE, values, PROBLEM.start)).length;
    expect(again(amongCliffs(false).asked)).toBeGreaterThan(0);
    const { asked } = amongCliffs(true);
    expect(again(asked)).toBe(0);
    expect(asked.length).toBeGreaterThan(3);
  });

  it('counts an unsafe evaluation once among those that brought nothing', () => {
    const { asked, ended } = amongCliffs(false);
    expect(ended).toBe(`${asked.length} evaluations brought nothing better`);
  });
});

describe('a step that is not worth its risk by itself', () => {
  const former = createTuner(PROBLEM, { budget: 30, seed: 1 });
  play(former, { value: smooth });
  const memory = recall(PROBLEM, throughJson(former.experience()), 1);
  /** What is asked after so many evaluations, the first of them broken, where critics expect hardly anything. */
  const asked = (evaluations: number, broken: number) => {
    const held = { values: PROBLEM.start, value: 100, metrics: { errors: 0 }, unsafe: false };
    const violator = { ...held, values: { ...PROBLEM.start, share: 0.9 }, unsafe: true };
    const known: Known = {
      facts: {
        problem: PROBLEM,
        options: { budget: 60, seed: 1 },
        memory: { ...memory, incumbents: [], sessions: [] },
      },
      steps: Array.from({ length: evaluations }, () => STARTED),
      trials: Array.from({ length: evaluations }, (_, at) => (at < broken ? violator : held)),
      safe: [PROBLEM.start],
      landscape: {
        outlook: () => ({ mean: 0, sd: 0.001, safe: 1 }),
        noise: 0.05,
        hyperparameters: {},
        dropped: [],
      },
      leader: PROBLEM.start,
    };
    return explore(known, initialState(PROBLEM, memory)).next;
  };

  it('is taken while the session has risk to spare, and not after it broke a limit', () => {
    expect(memory.gainsKnown).toBe(true);
    expect(asked(20, 0)).toMatchObject({ source: 'critic' });
    expect(asked(20, 1)).toBeUndefined();
  });
});
