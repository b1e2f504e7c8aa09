/**
 * Minimum of a smooth function in a box: BFGS (Nocedal & Wright 2006, §6.1) on the coordinates that
 * are not held by a bound, steps cut back to the box, Armijo's rule. For a dozen coordinates, where
 * a dense matrix is cheaper than L-BFGS's bookkeeping.
 */
import { at, dot } from './dense.ts';

export interface Evaluated {
  readonly value: number;
  readonly gradient: Float64Array;
}

export interface MinimiseOptions {
  readonly low: ArrayLike<number>;
  readonly high: ArrayLike<number>;
  /** Most iterations; each takes one evaluation, rarely more. Default 60. */
  readonly iterations?: number;
  /** Ends when no free coordinate's slope is above it. Default 1e-3. */
  readonly slope?: number;
  /** Ends when an iteration gains less. Default 1e-5. */
  readonly gain?: number;
}

export interface Minimum extends Evaluated {
  readonly point: Float64Array;
  readonly evaluations: number;
}

const SUFFICIENT = 1e-4;
const HALVINGS = 25;
/** No coordinate moves farther in a step: logarithms of hyper-parameters are flat far away. */
const LONGEST_STEP = 2;

export function minimise(
  evaluate: (point: Float64Array) => Evaluated,
  start: ArrayLike<number>,
  options: MinimiseOptions,
): Minimum {
  const { low, high, iterations = 60, slope = 1e-3, gain = 1e-5 } = options;
  const size = start.length;
  const inBox = (point: Float64Array): Float64Array =>
    point.map((value, i) => Math.min(Math.max(value, at(low, i)), at(high, i)));
  let point = inBox(Float64Array.from(start));
  let current = evaluate(point);
  let evaluations = 1;
  let curvature = identity(size, 1);
  let fresh = true;

  for (let iteration = 0; iteration < iterations; iteration += 1) {
    const { gradient } = current;
    const free = gradient.map((slopeI, i) =>
      (at(point, i) <= at(low, i) && slopeI > 0) || (at(point, i) >= at(high, i) && slopeI < 0)
        ? 0
        : 1,
    );
    const steepest = gradient.map((slopeI, i) => -slopeI * at(free, i));
    if (steepest.every((slopeI) => Math.abs(slopeI) <= slope)) break;
    let direction = multiply(curvature, steepest).map((value, i) => value * at(free, i));
    if (!(dot(direction, gradient) < 0)) {
      curvature = identity(size, 1);
      fresh = true;
      direction = steepest;
    }
    const longest = direction.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    let step = Math.min(1, LONGEST_STEP / longest);
    let next: Minimum | undefined;
    for (let halving = 0; halving < HALVINGS; halving += 1) {
      const scaled = step;
      const candidate = inBox(point.map((value, i) => value + scaled * at(direction, i)));
      const found = evaluate(candidate);
      evaluations += 1;
      const foreseen = candidate.reduce(
        (sum, value, i) => sum + (value - at(point, i)) * at(gradient, i),
        0,
      );
      if (found.value <= current.value + SUFFICIENT * foreseen) {
        next = { ...found, point: candidate, evaluations };
        break;
      }
      step /= 2;
    }
    if (next === undefined) break;
    const moved = next.point.map((value, i) => value - at(point, i));
    const bent = next.gradient.map((value, i) => value - at(gradient, i));
    const product = dot(moved, bent);
    if (product > 1e-10) {
      if (fresh) curvature = identity(size, product / dot(bent, bent));
      fresh = false;
      update(curvature, moved, bent, product);
    }
    const gained = current.value - next.value;
    point = next.point;
    current = next;
    if (gained < gain) break;
  }
  return { ...current, point, evaluations };
}

/** The inverse Hessian after a step, in place. */
function update(
  matrix: Float64Array,
  moved: Float64Array,
  bent: Float64Array,
  product: number,
): void {
  const size = moved.length;
  const image = multiply(matrix, bent);
  const scale = (1 + dot(bent, image) / product) / product;
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j < size; j += 1) {
      matrix[i * size + j] =
        at(matrix, i * size + j) +
        scale * at(moved, i) * at(moved, j) -
        (at(image, i) * at(moved, j) + at(moved, i) * at(image, j)) / product;
    }
  }
}

function identity(size: number, scale: number): Float64Array {
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i += 1) matrix[i * size + i] = scale;
  return matrix;
}

function multiply(matrix: Float64Array, vector: Float64Array): Float64Array {
  const size = vector.length;
  return vector.map((_, i) => dot(matrix.subarray(i * size, (i + 1) * size), vector));
}
