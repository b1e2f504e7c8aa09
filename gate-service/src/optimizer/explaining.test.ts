import { describe, expect, it } from 'vitest';
import { explain } from './explaining.ts';
import { recall } from './memory.ts';
import { initialState } from './tuner-state.ts';
import { PROBLEM } from './tuner-fixture.ts';
import type { Decision, Explanation, Step, Values } from './tuner.ts';

const first = { ...PROBLEM.start, workers: 60 };
const second = { ...first, share: 0.4 };
const memory = recall(PROBLEM, undefined, 1);
const facts = { problem: PROBLEM, options: { budget: 9, seed: 1 }, memory };

function stepsOf(
  ...told: readonly [Values, Decision['verdict'], Values, string, number?][]
): Step[] {
  return told.map(([values, verdict, incumbent, sentence, errors = 0], index) => ({
    proposal: { id: index + 1, values, source: 'rerun', reason: '' },
    observation: { value: 1, metrics: { errors } },
    decision: {
      id: index + 1,
      verdict,
      adopted: verdict === 'adopted',
      incumbent,
      sentence,
      margins: [],
      ...(verdict === 'adopted' && {
        effect: { change: -0.1 * (index + 1), low: -1, high: 0, confidence: 0.9, comparisons: 3 },
      }),
    },
  }));
}

function told(incumbents: readonly Values[], steps: readonly Step[]): Explanation {
  return explain(facts, { ...initialState(PROBLEM, memory), incumbents }, steps, []);
}

describe('a result after a reversal', () => {
  const adopted = stepsOf(
    [PROBLEM.start, 'started', PROBLEM.start, ''],
    [first, 'adopted', first, 'adopted: first'],
    [second, 'adopted', second, 'adopted: second'],
    [second, 'unsafe', first, 'unsafe: errors was 0.3, above 0.01; reverted', 0.3],
  );

  it('tells the gain of what is in force now, and what was given up', () => {
    const { changes, effect, summary } = told([PROBLEM.start, first], adopted);
    expect(changes).toEqual([{ name: 'workers', from: 40, to: 60 }]);
    expect(effect?.change).toBeCloseTo(-0.2);
    expect(summary).toContain('adopted: first');
    expect(summary).not.toContain('adopted: second');
    expect(summary).toContain('given up again at evaluation 4: unsafe: errors was 0.3');
  });

  it('tells no gain where the start is in force again', () => {
    const again = stepsOf([first, 'unsafe', PROBLEM.start, 'unsafe: reverted', 0.3]);
    const steps = [...adopted.slice(0, 2), ...again];
    const { changes, effect, summary } = told([PROBLEM.start], steps);
    expect({ changes, effect }).toEqual({ changes: [], effect: undefined });
    expect(summary).not.toContain('adopted: first');
    expect(summary).toContain('given up again');
  });
});

it('says how many evaluations could not be judged', () => {
  const [start] = stepsOf([PROBLEM.start, 'started', PROBLEM.start, '']);
  const blind = { ...start!, observation: { value: 1 } };
  expect(told([PROBLEM.start], [blind]).summary).toContain(
    '1 could not be judged by all limits, as they were told without errors.',
  );
  expect(told([PROBLEM.start], [start!]).summary).not.toContain('judged');
});
