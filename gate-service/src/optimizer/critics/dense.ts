/**
 * The little linear algebra of critics, on flat row-major typed arrays. Own code, not ml-matrix: the
 * same factorisation runs hundreds of times a fit on at most 100 rows, and the inverse, which the
 * gradient needs, comes out of the factor in place.
 */

/** Element of an array whose length the caller knows: no check for `undefined` in inner loops. */
export function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? NaN;
}

export function dot(one: ArrayLike<number>, other: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < one.length; i += 1) sum += at(one, i) * at(other, i);
  return sum;
}

export interface Factor {
  readonly size: number;
  /** Lower triangle with L·Lᵀ = A + jitter·I; what is above the diagonal is not to be read. */
  readonly lower: Float64Array;
  /** What had to be added to the diagonal, 0 as a rule. */
  readonly jitter: number;
}

const FIRST_JITTER = 1e-10;
const JITTERS = 8;

/**
 * Cholesky's factor of a symmetric matrix, of which only the lower triangle is read. A matrix that
 * rounding made indefinite gets growing jitter, from 1e-10 to 1e-3 of its mean diagonal.
 * @throws RangeError when it is not positive definite even then
 */
export function factorise(matrix: Float64Array, size: number): Factor {
  const lower = new Float64Array(size * size);
  let diagonal = 0;
  for (let i = 0; i < size; i += 1) diagonal += at(matrix, i * size + i) / size;
  for (let attempt = 0; attempt <= JITTERS; attempt += 1) {
    const jitter = attempt === 0 ? 0 : FIRST_JITTER * 10 ** (attempt - 1) * diagonal;
    if (tryFactorise(matrix, size, jitter, lower)) return { size, lower, jitter };
  }
  throw new RangeError(`the covariance of ${size} observations is not positive definite`);
}

function tryFactorise(
  matrix: Float64Array,
  size: number,
  jitter: number,
  lower: Float64Array,
): boolean {
  for (let i = 0; i < size; i += 1) {
    const rowI = i * size;
    for (let j = 0; j <= i; j += 1) {
      const rowJ = j * size;
      let sum = at(matrix, rowI + j);
      for (let k = 0; k < j; k += 1) sum -= at(lower, rowI + k) * at(lower, rowJ + k);
      if (j < i) {
        lower[rowI + j] = sum / at(lower, rowJ + j);
      } else {
        const pivot = sum + jitter;
        if (!(pivot > 0) || !Number.isFinite(pivot)) return false;
        lower[rowI + i] = Math.sqrt(pivot);
      }
    }
  }
  return true;
}

/** z with L·z = b. */
export function solveLower({ lower, size }: Factor, b: ArrayLike<number>): Float64Array {
  const z = new Float64Array(size);
  for (let i = 0; i < size; i += 1) {
    const row = i * size;
    let sum = at(b, i);
    for (let k = 0; k < i; k += 1) sum -= at(lower, row + k) * at(z, k);
    z[i] = sum / at(lower, row + i);
  }
  return z;
}

/** x with L·Lᵀ·x = b. */
export function solve(factor: Factor, b: ArrayLike<number>): Float64Array {
  const { lower, size } = factor;
  const x = solveLower(factor, b);
  for (let i = size - 1; i >= 0; i -= 1) {
    const row = i * size;
    const value = at(x, i) / at(lower, row + i);
    x[i] = value;
    for (let k = 0; k < i; k += 1) x[k] = at(x, k) - value * at(lower, row + k);
  }
  return x;
}

/** Lower triangle of (L·Lᵀ)⁻¹. */
export function inverse({ lower, size }: Factor): Float64Array {
  const lowerInverse = new Float64Array(size * size);
  for (let i = 0; i < size; i += 1) {
    const rowI = i * size;
    for (let k = 0; k < i; k += 1) {
      const rowK = k * size;
      const factor = at(lower, rowI + k);
      for (let j = 0; j <= k; j += 1) {
        lowerInverse[rowI + j] = at(lowerInverse, rowI + j) - factor * at(lowerInverse, rowK + j);
      }
    }
    const pivot = at(lower, rowI + i);
    for (let j = 0; j < i; j += 1) lowerInverse[rowI + j] = at(lowerInverse, rowI + j) / pivot;
    lowerInverse[rowI + i] = 1 / pivot;
  }
  const result = new Float64Array(size * size);
  for (let k = 0; k < size; k += 1) {
    const rowK = k * size;
    for (let i = 0; i <= k; i += 1) {
      const rowI = i * size;
      const factor = at(lowerInverse, rowK + i);
      for (let j = 0; j <= i; j += 1) {
        result[rowI + j] = at(result, rowI + j) + factor * at(lowerInverse, rowK + j);
      }
    }
  }
  return result;
}

/** ln |L·Lᵀ|. */
export function logDeterminant({ lower, size }: Factor): number {
  let sum = 0;
  for (let i = 0; i < size; i += 1) sum += 2 * Math.log(at(lower, i * size + i));
  return sum;
}
