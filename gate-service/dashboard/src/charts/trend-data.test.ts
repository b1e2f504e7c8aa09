import { describe, expect, it } from 'vitest';
import type { TrendPoint } from '../api/types.ts';
import { closestThreshold, trendOf } from './trend-data.ts';

function point(runId: string, effects: Readonly<Record<string, number>>): TrendPoint {
  return {
    runId,
    build: 'b'.repeat(64),
    finishedAt: '2026-03-02T12:00:00Z',
    decision: 'promote',
    cause: 'met',
    outcomes: Object.entries(effects).map(([threshold, effect]) => ({
      threshold,
      effect,
      outcome: 'met',
    })),
  };
}

describe('the trend of a service', () => {
  const points = [
    point('new', { 'p50 <= baseline + 10%': 0.05, 'throughput >= baseline - 5%': -0.04 }),
    point('old', { 'p50 <= baseline + 10%': 0.01, 'throughput >= baseline - 5%': 0.01 }),
  ];

  it('runs from the oldest to the newest, the limit where the effect would lie', () => {
    const trend = trendOf(points, 'throughput >= baseline - 5%');
    expect(trend?.runs.map(({ runId }) => runId)).toEqual(['old', 'new']);
    expect(trend?.limit).toBeCloseTo(-0.05);
  });

  it('is shown for the threshold that was nearest to its limit', () => {
    expect(closestThreshold(points)).toBe('throughput >= baseline - 5%');
    expect(closestThreshold([])).toBeUndefined();
  });
});
