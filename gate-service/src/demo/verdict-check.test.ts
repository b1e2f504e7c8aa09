import { describe, expect, it } from 'vitest';
import type { ThresholdOutcome } from '../judge/judgement.ts';
import type { RunView } from '../runs/run.ts';
import { plantedEffect, pushes, type Push } from './pushes.ts';
import { checkPush } from './verdict-check.ts';

const outcome = (given: Partial<ThresholdOutcome>): ThresholdOutcome => ({
  threshold: 'p50 <= baseline + 10%',
  outcome: 'breached',
  unit: 'ratio',
  effect: 0.23,
  low: 0.2,
  high: 0.26,
  confidence: 0.95,
  limit: 0.1,
  baseline: 43.4,
  sentence: '',
  ...given,
});

const run = (given: Partial<RunView>): RunView => ({
  id: 'run',
  revision: '1-0-none',
  service: 'checkout',
  build: 'a'.repeat(64),
  requestedBy: 'ci',
  createdAt: '2026-01-01T00:00:00Z',
  phase: 'finished',
  phases: [],
  earlierRuns: 0,
  overrides: [],
  against: 'production',
  decision: 'rollback',
  cause: 'breached',
  evidence: [],
  shown: [],
  controls: [],
  attempts: [],
  links: {},
  ...given,
});

const push = (build: string): Push => pushes.find((one) => one.build === build)!;

describe('the planted effect', () => {
  it('is the added wait over the measured quantile', () => {
    expect(plantedEffect('p50', 0.25, 43.4)).toBeCloseTo(10 / 43.4, 10);
    expect(plantedEffect('p95', 0.25, 95)).toBeCloseTo(22.76 / 95, 3);
  });
});

describe('the check of a push', () => {
  it('accepts a breach with the planted effect inside the interval', () => {
    const evidence = [outcome({})];
    expect(checkPush(push('1.2'), run({ evidence }), evidence)).toEqual([]);
  });

  it('refuses an interval that misses the planted effect', () => {
    const evidence = [outcome({ effect: 0.12, low: 0.11, high: 0.15 })];
    expect(checkPush(push('1.2'), run({ evidence }), evidence)).toHaveLength(1);
  });

  it('refuses a breach whose lower bound is not above 0', () => {
    const evidence = [outcome({ low: -0.01 })];
    expect(checkPush(push('1.2'), run({ evidence }), evidence)).toHaveLength(1);
  });

  it('refuses missing intervals', () => {
    const evidence = [outcome({})];
    const rejudged = [{ ...outcome({}), baseline: undefined } as unknown as ThresholdOutcome];
    expect(checkPush(push('1.2'), run({ evidence }), rejudged)).toHaveLength(1);
  });

  it('refuses another decision or cause', () => {
    expect(checkPush(push('1.1'), run({ decision: 'pass', cause: 'met' }), [])).toHaveLength(1);
    expect(checkPush(push('1.1'), run({ decision: 'promote', cause: 'met' }), [])).toEqual([]);
  });

  it('wants the failing kind named, and no other', () => {
    const errors = (kinds: string[]): RunView =>
      run({ evidence: [outcome({ threshold: 'errors < 1%', kinds })] });
    expect(checkPush(push('1.3'), errors(['search']), [])).toEqual([]);
    expect(checkPush(push('1.3'), errors(['search', 'cart']), [])).toHaveLength(1);
    expect(checkPush(push('1.3'), errors([]), [])).toHaveLength(1);
    expect(checkPush(push('1.3'), run({ evidence: [outcome({})] }), [])).toHaveLength(1);
  });
});
