import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../api/types.ts';
import { armsOf, latenciesOf, quantilesIn } from './latency-data.ts';

let sequence = 0;
function event(type: string, data: RunEvent['data']): RunEvent {
  sequence += 1;
  const at = new Date(1_760_000_000_000 + sequence * 1000).toISOString();
  return { runId: 'r', sequence, at, type, message: '', data };
}

describe('latency from the events of a run', () => {
  const windows = (...quantiles: readonly unknown[]) => ({
    latencies: quantiles.map((own) => ({ quantiles: own })),
  });

  it('begins anew with every comparison, and leaves the planted delay out', () => {
    const points = latenciesOf([
      event('phase', { phase: 'measuring' }),
      event('progress', windows({ baseline: { p50: 1 }, candidate: { p50: 1 } })),
      event('attempt', {}),
      event('progress', { windows: 0 }),
      event('progress', windows({ baseline: { p50: 20 }, candidate: { p50: 22 } })),
      event('progress', windows({ baseline: { p50: 20 }, planted: { p50: 40 } })),
    ]);
    expect(points.map(({ arms }) => arms)).toEqual([
      { baseline: { p50: 20 }, candidate: { p50: 22 } },
    ]);
    expect(quantilesIn(points)).toEqual(['p50']);
    expect(armsOf(points)).toEqual(['baseline', 'candidate']);
  });

  it('takes no nonsense for a number', () => {
    const quantiles = { baseline: { p50: 1, p95: 2, p99: 3 }, candidate: { p50: 'fast', p95: 4 } };
    const [point] = latenciesOf([event('progress', windows(quantiles, 'many'))]);
    expect(point?.arms).toEqual({ baseline: { p50: 1, p95: 2, p99: 3 }, candidate: { p95: 4 } });
  });

  it('draws every window that an event tells', () => {
    const at = ['2026-03-02T12:00:02.500Z', '2026-03-02T12:00:05.000Z'];
    const latencies = at.map((own, index) => ({
      at: own,
      quantiles: { baseline: { p50: 20 + index }, candidate: { p50: 22 + index } },
    }));
    const points = latenciesOf([event('progress', { latencies })]);
    expect(points.map(({ at: seconds }) => seconds)).toEqual(
      at.map((own) => Date.parse(own) / 1000),
    );
    expect(points.map(({ arms }) => arms.candidate?.p50)).toEqual([22, 23]);
  });
});
