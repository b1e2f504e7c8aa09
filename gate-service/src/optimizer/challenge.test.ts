import { describe, expect, test } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { createOptimizer } from './challenge.ts';
import {
  UnknownProposalError,
  type EvaluationResult,
  type OptimizerState,
  type Proposal,
} from './optimizer.ts';

const expert: Proposal = {
  id: 'expert',
  values: { 'httpd.maxRequestWorkers': 800, 'jetty.maxThreads': 1000 },
  source: 'expert',
  reason: 'twice the concurrency of the workload',
};
const state: OptimizerState = {
  incumbent: { 'httpd.maxRequestWorkers': 400, 'jetty.maxThreads': 200 },
  somethingToWin: { yes: true, reason: 'all workers were busy' },
  evaluationsLeft: 4,
  secondsLeft: 120,
};
const clean = { challenger: { hits: 0, total: 2000 }, incumbent: { hits: 0, total: 2000 } };

function result(
  logRatios: readonly number[],
  change: Partial<EvaluationResult> = {},
): EvaluationResult {
  return {
    proposalId: 'expert',
    objectives: [{ name: 'p95', logRatios }],
    failures: clean,
    ...change,
  };
}

const better = [-0.21, -0.18, -0.25, -0.19, -0.22];

describe('ask', () => {
  test('proposes the expert configuration once, with reasons', () => {
    const optimizer = createOptimizer({ priors: [expert] });
    const answer = optimizer.ask(state);
    expect(answer.proposal).toEqual(expert);
    expect(answer.sentence).toBe('all workers were busy; twice the concurrency of the workload');
    // Asking again before telling repeats the open one: nothing is lost by a restart of the caller.
    expect(optimizer.ask(state).proposal).toEqual(expert);
    optimizer.tell(result(better));
    expect(optimizer.ask(state)).toEqual({ sentence: 'every proposal was tried' });
  });

  test.each<[string, Partial<OptimizerState>, string]>([
    [
      'nothing to win',
      { somethingToWin: { yes: false, reason: 'workers idle' } },
      'nothing to tune: workers idle',
    ],
    ['no budget', { evaluationsLeft: 0 }, 'no evaluation is left'],
    ['no time', { secondsLeft: 10, secondsPerEvaluation: 30 }, 'too short'],
    ['time unknown', { secondsLeft: NaN }, 'too short'],
    ['in force already', { incumbent: expert.values }, 'in force'],
  ])('proposes nothing: %s', (_, change, expected) => {
    const answer = createOptimizer({ priors: [expert] }).ask({ ...state, ...change });
    expect(answer.proposal).toBeUndefined();
    expect(answer.sentence).toContain(expected);
  });

  test('two proposals of one name are a mistake', () => {
    expect(() => createOptimizer({ priors: [expert, expert] })).toThrow(RangeError);
  });
});

describe('tell', () => {
  const tell = (told: EvaluationResult): ReturnType<ReturnType<typeof createOptimizer>['tell']> => {
    const optimizer = createOptimizer({ priors: [expert] });
    optimizer.ask(state);
    return optimizer.tell(told);
  };

  test('adopts on an interval that excludes zero', () => {
    const adoption = tell(result(better));
    expect(adoption).toMatchObject({ adopted: true });
    expect(adoption.confidence).toBeCloseTo(0.95, 12);
    expect(adoption.high).toBeLessThan(0);
    expect(adoption.sentence).toMatch(/^adopted: p95 -18\.9 % \(plausible range /);
  });

  test.each<[string, EvaluationResult, string]>([
    ['no effect', result([-0.02, 0.03, -0.01, 0.02]), 'no gain is shown'],
    ['worse', result([0.2, 0.22, 0.19, 0.21]), 'it is worse'],
    ['two comparisons', result([-0.5, -0.5]), 'at least 3'],
    ['one lucky comparison', result([-2, 0.01, 0, 0.02]), 'no gain is shown'],
    ['NaN', result([-0.2, NaN, -0.2, -0.21]), 'no estimate'],
    ['no variance', result([-0.2, -0.2, -0.2, -0.2]), 'no estimate'],
    ['nothing', result([], { objectives: [] }), 'nothing was measured'],
    ['aborted', result(better, { aborted: 'error burst' }), 'error burst'],
    [
      'more failures',
      result(better, { failures: { ...clean, challenger: { hits: 9, total: 2000 } } }),
      'more requests fail',
    ],
    [
      'failures not counted',
      result(better, { failures: { ...clean, challenger: { hits: 0, total: 0 } } }),
      'not counted',
    ],
    [
      'another objective gets worse',
      result(better, {
        objectives: [
          { name: 'p95', logRatios: better },
          { name: 'p50', logRatios: [0.1, 0.12, 0.09, 0.11] },
        ],
      }),
      'p50 gets worse',
    ],
  ])('does not adopt: %s', (_, told, expected) => {
    const adoption = tell(told);
    expect(adoption.adopted).toBe(false);
    expect(adoption.sentence).toContain(expected);
    expect(adoption.sentence).toMatch(/^not adopted: /);
  });

  test('an unknown id is an error', () => {
    const optimizer = createOptimizer({ priors: [expert] });
    expect(() => optimizer.tell(result(better))).toThrow(UnknownProposalError);
    optimizer.ask(state);
    expect(() => optimizer.tell(result(better, { proposalId: 'other' }))).toThrow(
      /"expert" is being tried/,
    );
    optimizer.tell(result(better));
    expect(() => optimizer.tell(result(better))).toThrow(/ask first/);
  });

  test('an equal challenger is adopted no more often than promised', () => {
    const random = createRandom(4, 'adoption');
    let adopted = 0;
    const repetitions = 3000;
    for (let i = 0; i < repetitions; i += 1) {
      const logRatios = Array.from(
        { length: 6 },
        () =>
          0.08 *
          Math.sqrt(-2 * Math.log(1 - random.next())) *
          Math.cos(2 * Math.PI * random.next()),
      );
      if (tell(result(logRatios)).adopted) adopted += 1;
    }
    expect(adopted / repetitions).toBeLessThan(
      0.025 + 3 * Math.sqrt((0.025 * 0.975) / repetitions),
    );
  });
});
