import { describe, expect, it } from 'vitest';
import { createRandom } from '../../statistics/random.ts';
import { at, factorise, inverse, logDeterminant, solve } from './dense.ts';

const SIZE = 7;

/** B·Bᵀ + I, so positive definite. */
function someMatrix(): Float64Array {
  const random = createRandom(3);
  const b = Array.from({ length: SIZE }, () => Array.from({ length: SIZE }, () => random.next()));
  return Float64Array.from({ length: SIZE * SIZE }, (_, index) => {
    const [i, j] = [Math.floor(index / SIZE), index % SIZE];
    return b[i]!.reduce((sum, value, k) => sum + value * b[j]![k]!, i === j ? 1 : 0);
  });
}

describe('factorise', () => {
  it('solves, inverts and has the determinant of the matrix', () => {
    const matrix = someMatrix();
    const factor = factorise(matrix, SIZE);
    const wanted = Float64Array.from({ length: SIZE }, (_, i) => i - 2);
    const product = wanted.map((_, i) =>
      wanted.reduce((sum, value, j) => sum + at(matrix, i * SIZE + j) * value, 0),
    );
    solve(factor, product).forEach((value, i) => {
      expect(value).toBeCloseTo(wanted[i]!, 10);
    });
    const inverted = inverse(factor);
    for (let i = 0; i < SIZE; i += 1) {
      const unit = new Float64Array(SIZE);
      unit[i] = 1;
      solve(factor, unit).forEach((value, j) => {
        if (j >= i) expect(at(inverted, j * SIZE + i)).toBeCloseTo(value, 10);
      });
    }
    expect(factor.jitter).toBe(0);
    const two = factorise(Float64Array.of(4, 0, 2, 5), 2);
    expect(logDeterminant(two)).toBeCloseTo(Math.log(4 * 5 - 2 * 2), 12);
  });

  it('helps a singular matrix with jitter, and says how much', () => {
    const ones = new Float64Array(9).fill(1);
    const factor = factorise(ones, 3);
    expect(factor.jitter).toBeGreaterThan(0);
    expect(factor.jitter).toBeLessThan(1e-6);
  });

  it('refuses what is no covariance', () => {
    expect(() => factorise(Float64Array.of(1, 0, 2, 1), 2)).toThrow(/not positive definite/);
    expect(() => factorise(Float64Array.of(NaN), 1)).toThrow(/not positive definite/);
  });
});
