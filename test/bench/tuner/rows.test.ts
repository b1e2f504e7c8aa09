import { describe, expect, it } from 'vitest';
import { goalsOf } from './goals.ts';
import type { MethodName } from './methods/all.ts';
import { parseOptions } from './options.ts';
import { rowOf, tableOf } from './rows.ts';
import type { Row } from './rows.ts';
import type { Outcome } from './run-method.ts';

function outcome(gapPercent: number, unsafe: number): Outcome {
  return {
    budget: 15,
    gapPercent,
    bestUnsafe: gapPercent < 0,
    evaluations: 10,
    unsafe,
    rejected: 1,
  };
}

function row(method: MethodName, gapPercent: number, unsafePercent: number): Row {
  const one = rowOf('mild', method, 15, [outcome(gapPercent, 0)]);
  return { ...one, unsafePercent };
}

describe('a row', () => {
  it('holds median and quartiles of the gaps and the share of all evaluations', () => {
    const of = rowOf(
      'mild',
      'random',
      15,
      [-1, 30, 2, 4].map((gap, i) => outcome(gap, i)),
    );
    expect(of).toMatchObject({
      seeds: 4,
      gapPercent: 3,
      gapQuartiles: [1.3, 10.5],
      unsafePercent: 15,
      unsafeAnswersPercent: 25,
      evaluations: 10,
      rejected: 1,
    });
    expect(tableOf([of])).toContain('3.0 % [1–11]');
  });
});

describe('the goals', () => {
  const peers = [row('optuna-tpe', 20, 40), row('bayes-gp', 10, 50)];
  const reached = (rows: readonly Row[]) => goalsOf(rows).map((goal) => goal.reached);

  it('are reached at their limits', () => {
    const rows = [row('speed-gate-warm', 10.5, 2), row('speed-gate-cold', 10.5, 20), ...peers];
    expect(reached(rows)).toEqual([true, true, true, true, true]);
  });

  it('are missed beyond them', () => {
    const rows = [row('speed-gate-warm', 10.6, 2.1), row('speed-gate-cold', 10.6, 20.1), ...peers];
    expect(reached(rows)).toEqual([false, false, false, false, true]);
    const tame = row('bayes-gp', 12, 0);
    expect(goalsOf([...rows, tame]).at(-1)?.missed).toEqual(['mild, budget 15: bayes-gp']);
  });

  it('say nothing of what was not run', () => {
    expect(goalsOf(peers)).toEqual([]);
    expect(goalsOf([row('speed-gate-cold', 1, 1)])).toEqual([]);
  });
});

describe('the options', () => {
  it('choose stacks, methods and budgets', () => {
    expect(
      parseOptions(['--stacks', 'mild', '--methods', 'random,optuna-tpe', '--budgets', '30,15,15']),
    ).toMatchObject({
      stacks: ['mild'],
      methods: ['random', 'optuna-tpe'],
      budgets: [15, 30],
      seeds: 12,
      record: false,
    });
  });

  it.each([
    [['--stacks', 'gone'], '--stacks'],
    [['--methods', 'speed-gate'], 'speed-gate-cold'],
    [['--seeds', '0'], '--seeds'],
    [['--budgets', '15,'], '--budgets'],
  ])('refuse %s', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
