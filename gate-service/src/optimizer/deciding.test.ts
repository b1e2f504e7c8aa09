import { expect, it } from 'vitest';
import { decide } from './deciding.ts';
import { recall } from './memory.ts';
import type { RaceLap, TunerState } from './tuner-state.ts';
import { initialState } from './tuner-state.ts';
import { nextLane } from './racing.ts';
import { PROBLEM } from './tuner-fixture.ts';

const memory = recall(PROBLEM, undefined, 1);
const facts = { problem: PROBLEM, options: { budget: 60, seed: 1 }, memory };
const adopted = { ...PROBLEM.start, share: 0.5 };
const challenger = { ...PROBLEM.start, share: 0.6 };

function laps(...values: readonly number[]): readonly RaceLap[] {
  return values.map((value, lap) => ({ lane: nextLane(lap), value }));
}

it('tells an adoption that rests on an earlier one of the session by both', () => {
  const state: TunerState = {
    ...initialState(PROBLEM, memory),
    incumbents: [PROBLEM.start, adopted],
    races: [
      {
        challenger: adopted,
        incumbent: PROBLEM.start,
        planned: 5,
        laps: laps(80, 101, 82, 99, 79),
      },
    ],
    race: { challenger, incumbent: adopted, planned: 5, laps: laps(75, 78, 79, 82) },
  };
  const proposal = { id: 40, values: challenger, source: 'rerun', reason: 'lap 5 of 5' } as const;
  const told = decide(facts, [], state, proposal, { value: 76, metrics: { errors: 0 } });
  expect(told.state.incumbents).toEqual([PROBLEM.start, adopted, challenger]);
  expect(told.decision).toMatchObject({ verdict: 'adopted', incumbent: challenger });
  expect(told.decision.sentence).toMatch(
    /adopted: -\d.* 3 comparisons\) against what this session adopted before, and by way of that -2\d.* 3 comparisons\) against what it began with/,
  );
  // What the session shows to its users is the change of what was in force.
  expect(told.decision.effect!.change).toBeLessThan(-0.2);
  expect(told.decision.effect!.high).toBeLessThan(0);
});

it('gives up what breaks a limit now, also where something else was adopted after it', () => {
  const incumbents = [PROBLEM.start, adopted, challenger];
  const state: TunerState = { ...initialState(PROBLEM, memory), incumbents };
  const lap = (values: typeof adopted, id: number) =>
    ({ id, values, source: 'rerun', reason: 'the leader, measured again' }) as const;
  const first = decide(facts, [], state, lap(adopted, 40), { unsafe: true });
  expect(first.state.incumbents).toEqual([PROBLEM.start, challenger]);
  expect(first.decision.sentence).toContain('the configuration in force stays');
  const second = decide(facts, [], first.state, lap(challenger, 41), { unsafe: true });
  expect(second.state.incumbents).toEqual([PROBLEM.start]);
  expect(second.decision.sentence).toContain('reverted');
});
