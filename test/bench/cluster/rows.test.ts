import { describe, expect, it } from 'vitest';
import { readOptions } from './options.ts';
import { pushRow, spread, weightsRow } from './rows.ts';

describe('rows of the cluster bench', () => {
  it('take the middle one and the worst, whatever their order', () => {
    expect(spread([300, 100.4, 200])).toEqual({ count: 3, p50: 200, worst: 300 });
    expect(spread([4, 1, 3, 2])).toEqual({ count: 4, p50: 2, worst: 4 });
    expect(() => spread([])).toThrow('nothing was measured');
  });

  it('speak of metrics for the changes alone that have been seen by them', () => {
    const changes = [
      { appliedMs: 10, inEffectMs: 30, seenMs: 900 },
      { appliedMs: 20, inEffectMs: 40 },
    ];
    expect(weightsRow(changes, 200, { requests: 50, failed: 1 })).toEqual({
      changes: 2,
      perSecond: 200,
      requests: 50,
      failed: 1,
      appliedMs: { count: 2, p50: 10, worst: 20 },
      inEffectMs: { count: 2, p50: 30, worst: 40 },
      seenMs: { count: 1, p50: 900, worst: 900 },
    });
  });

  it('add up a phase that came twice', () => {
    const phases = [
      { phase: 'deploying', seconds: 8.04, at: '' },
      { phase: 'measuring', seconds: 20, at: '' },
      { phase: 'measuring', seconds: 22.22, at: '' },
    ] as const;
    expect(pushRow({ decision: 'promote', cause: 'met', phases })).toEqual({
      decision: 'promote',
      cause: 'met',
      seconds: 50.3,
      phases: { deploying: 8, measuring: 42.2 },
    });
  });
});

describe('options of the cluster bench', () => {
  it('have defaults, and limits that are told', () => {
    expect(readOptions([])).toEqual({ pushes: 4, changes: 30, perSecond: 200 });
    expect(readOptions(['--pushes', '0']).pushes).toBe(0);
    expect(() => readOptions(['--rate', '0'])).toThrow(/--rate 0: expected .* 1 to 1000/);
    expect(() => readOptions(['--changes', ''])).toThrow(/--changes/);
    expect(() => readOptions(['--push', '1'])).toThrow(/usage/);
  });
});
