import { describe, expect, it } from 'vitest';
import { createRandom } from '../../statistics/random.ts';
import { gatherSites, thin } from './sites.ts';

describe('gatherSites', () => {
  it('draws repeats together by their weights', () => {
    const { x, mean, precision, scatter } = gatherSites({
      x: [[1], [2], [1]],
      y: [4, 7, 1],
      weight: [1, 1, 0.5],
    });
    expect(x).toEqual([[1], [2]]);
    expect([...mean]).toEqual([2, 7]);
    expect([...precision]).toEqual([3, 1]);
    expect(scatter).toBe((4 - 2) ** 2 + (1 - 2) ** 2 / 0.5);
  });
});

describe('thin', () => {
  const random = createRandom(1);
  const crowd = Array.from({ length: 20 }, () => [0.5 + 0.01 * random.next()]);

  it('keeps the newer half and what lies far from it, with its repeats', () => {
    const x = [[0], ...crowd.slice(0, 10), [0], [1], ...crowd.slice(10)];
    const kept = thin(x, 12);
    expect(kept).toEqual(expect.arrayContaining([0, 11, 12]));
    expect(new Set(kept.map((index) => x[index]!.join())).size).toBe(12);
    expect(kept.slice(-6)).toEqual([17, 18, 19, 20, 21, 22]);
  });

  it('leaves few configurations alone, however often they were measured', () => {
    const x = Array.from({ length: 50 }, (_, i) => [i % 2]);
    expect(thin(x, 2)).toHaveLength(50);
  });
});
