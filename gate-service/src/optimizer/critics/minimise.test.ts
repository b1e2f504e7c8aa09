import { describe, expect, it } from 'vitest';
import { at } from './dense.ts';
import { minimise, type Evaluated } from './minimise.ts';

/** Rosenbrock's valley, minimum 0 at (1, 1). */
function valley(point: Float64Array): Evaluated {
  const [x, y] = [at(point, 0), at(point, 1)];
  const bend = y - x * x;
  return {
    value: (1 - x) ** 2 + 100 * bend ** 2,
    gradient: Float64Array.of(-2 * (1 - x) - 400 * x * bend, 200 * bend),
  };
}

const options = { iterations: 200, gain: 0, slope: 1e-6 };

describe('minimise', () => {
  it('finds the end of a curved valley in few evaluations', () => {
    const found = minimise(valley, [-1.2, 1], { ...options, low: [-5, -5], high: [5, 5] });
    expect(found.point[0]).toBeCloseTo(1, 5);
    expect(found.point[1]).toBeCloseTo(1, 5);
    expect(found.evaluations).toBeLessThan(100);
  });

  it('stays in the box and goes on along its wall', () => {
    const seen: number[] = [];
    const watched = (point: Float64Array): Evaluated => {
      seen.push(at(point, 0));
      return valley(point);
    };
    const found = minimise(watched, [-1.2, 1], { ...options, low: [-5, -5], high: [0.5, 5] });
    expect(Math.max(...seen)).toBeLessThanOrEqual(0.5);
    expect(found.point[0]).toBe(0.5);
    expect(found.point[1]).toBeCloseTo(0.25, 5);
  });
});
