import { describe, expect, it } from 'vitest';
import {
  boundedScores,
  excessOf,
  holdsLimits,
  scaleOfTrials,
  unjudgedLimits,
  valueScale,
  whyUnsafe,
} from './measures.ts';
import type { Trial } from './tuner.ts';

const limits = [
  { metric: 'errors', max: 0.01 },
  { metric: 'cpu', max: 0.9 },
];
const trials = (...values: readonly number[]): Trial[] =>
  values.map((value) => ({ values: {}, value, unsafe: false }));

describe('limits', () => {
  it('hold only where each was judged', () => {
    expect(holdsLimits(limits, { metrics: { errors: 0, cpu: 0.5 } })).toBe(true);
    expect(holdsLimits(limits, { metrics: { errors: 0 } })).toBe(false);
    expect(holdsLimits(limits, { unsafe: false })).toBe(false);
    expect(holdsLimits(limits, { metrics: { errors: 0, cpu: 0.5 }, unsafe: true })).toBe(false);
    expect(holdsLimits(limits, { metrics: { errors: 0, cpu: 0.95 } })).toBe(false);
    expect(holdsLimits([], {})).toBe(true);
    expect(unjudgedLimits(limits, { metrics: { errors: 0 } })).toEqual([limits[1]]);
    // Not judged is not broken either.
    expect(whyUnsafe(limits, { metrics: { errors: 0 } })).toBeUndefined();
  });

  it('are exceeded by more or less, as far as that is known', () => {
    const excess = (errors: number, rest = {}) =>
      excessOf(limits, { metrics: { errors, cpu: 0.5 }, unsafe: true, ...rest });
    expect(excess(0.1)).toBeGreaterThan(excess(0.02));
    expect(excess(1)).toBeGreaterThan(excess(0.1));
    expect(excess(0.001)).toBe(Infinity);
    expect(excess(0.02, { aborted: 'burst' })).toBe(Infinity);
    expect(excess(0.02, { metrics: { errors: 0.02 } })).toBe(Infinity);
    expect(excess(0.001, { unsafe: false })).toBe(0);
  });
});

describe('scores of values', () => {
  const bounded = (of: readonly Trial[]) => boundedScores(of, scaleOfTrials(of));

  it('are as measured where nothing is absurd', () => {
    const usual = trials(100, 80, 30, 150);
    const scale = scaleOfTrials(usual);
    for (const { value } of usual) expect(bounded(usual)(value!)).toBe(scale.of(value!));
    expect(bounded(usual)(1e4)).toBe(1);
  });

  it.each([
    ['far too small', [100, 80, 1e-12, 120]],
    ['far too large', [100, 80, 1e12, 120]],
    ['negative', [100, 80, -1e12, 120]],
    ['far too small at the start', [1e-12, 80, 100, 120]],
    ['far too large at the start', [1e12, 80, 100, 120]],
  ])('keep their differences beside one that is %s', (_, values) => {
    const scores = values.map(bounded(trials(...values)));
    const usual = values.flatMap((value, i) => (value >= 80 && value <= 120 ? [scores[i]!] : []));
    const spread = Math.max(...scores) - Math.min(...scores);
    expect(new Set(usual).size).toBe(usual.length);
    expect(spread).toBeLessThan(10);
  });

  it.each([
    [[1e100, 1e-300, 80, 100, 120]],
    [[1e-300, 1e100, 80, 100, 120]],
    [[1e-300, -1, 80, 100, 120]],
    [[1e100, -1, 80, 100, 120]],
  ])('are numbers whatever was told, e.g. %j', (values) => {
    const scores = values.map(bounded(trials(...values)));
    for (const score of scores) expect(Math.abs(score)).toBeLessThan(1e6);
  });

  it('are differences in units of the first, or of the middle one, where values may be 0', () => {
    expect(valueScale([-200, -300])).toMatchObject({ kind: 'linear', reference: 200 });
    expect(valueScale([0, 5, -7, 1e12])).toMatchObject({ kind: 'linear', reference: 7 });
    expect(valueScale([0]).of(3)).toBe(3);
    expect(valueScale([2, 3]).reference).toBeUndefined();
  });
});
