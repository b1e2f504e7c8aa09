import { describe, expect, test } from 'vitest';
import { FastRandom } from './fast-random.ts';
import { factors, noises } from './noise.ts';
import { gates, pushOnce } from './repetition.ts';
import { rowsOf } from './rows.ts';
import { BASELINE, CANDIDATE, Traffic } from './traffic.ts';

function median(values: Float64Array): number {
  return values.slice().sort()[Math.floor(values.length / 2)]!;
}

describe('simulated traffic', () => {
  test('is the same for the same seed, and another for another', () => {
    const send = (seed: number): Float64Array =>
      new Traffic(noises.harsh, 1, 10, new FastRandom(seed, 1)).send(BASELINE, 0, 4, 500).latencyMs;
    expect(send(1)).toEqual(send(1));
    expect(send(1)).not.toEqual(send(2));
  });

  test('shows the slower build as slow as it is', () => {
    const traffic = new Traffic(noises.quiet, 1.2, 60, new FastRandom(3, 1));
    const slow = median(traffic.send(CANDIDATE, 0, 60, 60_000).latencyMs);
    const plain = median(traffic.send(BASELINE, 0, 60, 60_000).latencyMs);
    expect(slow / plain).toBeCloseTo(1.2, 1);
    expect(plain).toBeGreaterThan(19);
    expect(plain).toBeLessThan(21.5);
  });

  test('draws normal and uniform numbers', () => {
    const random = new FastRandom(1, 1);
    const normals = Float64Array.from({ length: 50_000 }, () => random.normal()).sort();
    const uniform = Array.from({ length: 50_000 }, () => random.next());
    expect(normals[25_000]).toBeCloseTo(0, 1);
    expect(normals[48_750]).toBeCloseTo(1.96, 1);
    expect(uniform.reduce((sum, value) => sum + value, 0) / 50_000).toBeCloseTo(0.5, 2);
  });
});

describe('a push past the gates', () => {
  test('is judged by each, the same way each time; the clear cases right by ours', () => {
    const same = pushOnce('quiet', 1, 1);
    expect(same.map(({ gate }) => gate)).toEqual([...gates]);
    expect(pushOnce('quiet', 1, 1)).toEqual(same);
    expect(same[0]).toMatchObject({ verdict: 'pass', failed: [] });
    expect(pushOnce('quiet', factors[4], 1)[0]).toMatchObject({ verdict: 'breached' });
  });

  test('becomes rows', () => {
    const answer = { gate: gates[0], seconds: 100, failed: [] };
    const rows = rowsOf('quiet', 1, [
      { ...answer, verdict: 'pass' },
      { ...answer, verdict: 'invalid', seconds: 200, failed: ['nodes', 'nodes'] },
    ]);
    expect(rows[0]).toEqual({
      noise: 'quiet',
      factor: 1,
      gate: 'speed-gate',
      repetitions: 2,
      breached: 0,
      pass: 50,
      inconclusive: 0,
      invalid: 50,
      meanSeconds: 150,
      failedControls: { nodes: 1 },
    });
  });
});
