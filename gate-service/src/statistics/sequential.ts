/**
 * Group-sequential levels: how small a one-sided p must be at each look so that looking several
 * times errs no more often than `alpha` in all.
 *
 * Power-2 spending (Kim & DeMets 1987): up to information fraction t the error alpha·t² is spent.
 * The levels follow from the joint normal distribution of the looks by recursive numerical
 * integration (Armitage, McPherson & Rowe 1969) and are used on the p of the t statistic
 * ("significance level approach", Jennison & Turnbull 2000, §4.4); sequential.test.ts holds that
 * against simulated paths of the trimmed t.
 */
import { normalCdf, normalQuantile } from './distributions.ts';

/** Points of the grid on which the distribution of paths that go on is kept. */
const GRID = 240;
/** Paths further than so many standard deviations below zero do not matter. */
const REACH = 7;

/**
 * @param fractions information at each look as a part of what was planned, ascending, last one <= 1
 * @param alpha one-sided error over all looks, 0–0.5
 * @param final true: the last look is the last one there will be and spends all that is left
 * @returns the one-sided level of each look
 */
export function sequentialLevels(
  fractions: readonly number[],
  alpha: number,
  final: boolean,
): number[] {
  const levels: number[] = [];
  let spent = 0;
  let path: Path | undefined;
  for (const [index, fraction] of fractions.entries()) {
    const isLast = index === fractions.length - 1;
    const target = final && isLast ? alpha : alpha * Math.min(1, fraction) ** 2;
    const step = Math.max(0, target - spent);
    const z = path === undefined ? normalQuantile(1 - step) : solveBoundary(path, fraction, step);
    levels.push(1 - normalCdf(z));
    spent = target;
    path = continuation(path, fraction, z);
  }
  return levels;
}

/** Density of the sum of information (variance `time`) among the paths that never crossed. */
interface Path {
  readonly time: number;
  readonly points: Float64Array;
  /** Density times width of the cell. */
  readonly mass: Float64Array;
}

function solveBoundary(path: Path, time: number, step: number): number {
  let low = -8;
  let high = 8;
  for (let iteration = 0; iteration < 60; iteration += 1) {
    const middle = (low + high) / 2;
    if (crossing(path, time, middle) > step) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(a path that went on so far lies above boundary z at `time`). */
function crossing(path: Path, time: number, z: number): number {
  const boundary = z * Math.sqrt(time);
  const spread = Math.sqrt(time - path.time);
  let total = 0;
  for (const [index, mass] of path.mass.entries()) {
    const point = path.points[index] ?? 0;
    total += mass * normalCdf((point - boundary) / spread);
  }
  return total;
}

function continuation(path: Path | undefined, time: number, z: number): Path {
  const deviation = Math.sqrt(time);
  const bottom = -REACH * deviation;
  const width = (z * deviation - bottom) / GRID;
  const points = new Float64Array(GRID);
  const mass = new Float64Array(GRID);
  const spread = path === undefined ? deviation : Math.sqrt(time - path.time);
  for (let cell = 0; cell < GRID; cell += 1) {
    const point = bottom + (cell + 0.5) * width;
    points[cell] = point;
    if (path === undefined) {
      mass[cell] = density(point / spread) * (width / spread);
      continue;
    }
    let total = 0;
    for (const [index, before] of path.mass.entries()) {
      total += before * density((point - (path.points[index] ?? 0)) / spread);
    }
    mass[cell] = (total * width) / spread;
  }
  return { time, points, mass };
}

function density(z: number): number {
  return Math.exp((-z * z) / 2) / 2.5066282746310002;
}
