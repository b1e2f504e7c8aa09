import { expect, it } from 'vitest';
import { createTuner, resumeTuner } from './tuner.ts';
import type { Proposal, Tuner } from './tuner.ts';
import { PROBLEM } from './tuner-fixture.ts';

const metrics = { errors: 0 };
/** 15 % better, by comparisons too few and too noisy to show it. */
const LEANS = [-0.26, -0.18, -0.06, -0.14];
const FLAT = [-0.1, 0.05, -0.08, 0.03];

/** Side by side, after the start and one challenger that was compared. */
function afterOne(logRatios: readonly number[], budget = 4): { tuner: Tuner; first: Proposal } {
  const tuner = createTuner(PROBLEM, { budget, seed: 1, paired: true });
  tuner.tell(tuner.ask()!.id, { value: 100, metrics });
  const first = tuner.ask()!;
  const decision = tuner.tell(first.id, { logRatios, metrics });
  expect(decision.verdict).toBe('rejected');
  return { tuner, first };
}

it('compares once more what leans to the good side, and all comparisons count', () => {
  const { tuner, first } = afterOne(LEANS);
  const again = tuner.ask()!;
  expect(again).toMatchObject({ source: 'rerun', values: first.values });
  expect(again.reason).toContain('all comparisons of it count');
  const decision = tuner.tell(again.id, { logRatios: LEANS, metrics });
  expect(decision).toMatchObject({ verdict: 'adopted', incumbent: first.values });
  expect(decision.effect!.comparisons).toBe(2 * LEANS.length);
  // Three challengers share the error, two looks each of them.
  expect(decision.effect!.confidence).toBeCloseTo(1 - 0.05 / 6, 9);
});

it('counts what was compared before against a challenger, too', () => {
  const { tuner } = afterOne(LEANS);
  const decision = tuner.tell(tuner.ask()!.id, { logRatios: FLAT, metrics });
  expect(decision.verdict).toBe('rejected');
  expect(decision.effect!.change).toBeGreaterThan(-0.12);
  expect(tuner.ask()!.source).not.toBe('rerun');
});

it('compares it once more and not for ever', () => {
  const { tuner, first } = afterOne(LEANS);
  const again = tuner.ask()!;
  expect(again.source).toBe('rerun');
  const { effect, verdict } = tuner.tell(again.id, {
    logRatios: [-0.36, 0.02, -0.32, 0.02],
    metrics,
  });
  expect(verdict).toBe('rejected');
  // Four more comparisons would show it, if it is as good as it looks.
  const gain = -Math.log1p(effect!.change);
  const half = Math.log1p(effect!.high) + gain;
  expect(half * Math.sqrt(8 / 12)).toBeLessThan(gain);
  expect(tuner.ask()!.values).not.toEqual(first.values);
});

it('goes on to another one where more comparisons would hardly show a gain', () => {
  const { tuner, first } = afterOne(FLAT);
  expect(tuner.ask()!.values).not.toEqual(first.values);
});

it('ends with the budget, whatever leans', () => {
  expect(afterOne([-0.3, -0.2, -0.06, -0.04], 2).tuner.ask()).toBeUndefined();
});

it('goes on alike from a snapshot in between', () => {
  const { tuner, first } = afterOne(LEANS);
  const resumed = resumeTuner(PROBLEM, JSON.parse(JSON.stringify(tuner.snapshot())));
  const again = resumed.ask()!;
  expect(again.values).toEqual(first.values);
  expect(resumed.tell(again.id, { logRatios: LEANS, metrics }).adopted).toBe(true);
});

it('spends nothing more on a gain that is not worth an evaluation, however sure it is', () => {
  const small = LEANS.map((ratio) => ratio / 10);
  const { tuner, first } = afterOne(small);
  expect(tuner.ask()!.values).not.toEqual(first.values);
});
