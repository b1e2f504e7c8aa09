/** Observations at the same configuration, drawn together without loss; and far too many of them thinned. */
import type { CriticData } from './critic.ts';
import { at } from './dense.ts';

/**
 * Distinct configurations in order of their first observation. Repeats with noise s²·w of each act
 * as one observation of their weighted mean with noise s² ÷ precision, plus what their scatter says
 * about s²: the same likelihood, fewer rows (Binois, Gramacy & Ludkovski 2018, eq. 2–4).
 */
export interface Sites {
  readonly x: readonly (readonly number[])[];
  readonly mean: Float64Array;
  /** Sum of 1 ÷ weight of the observations at each site. */
  readonly precision: Float64Array;
  /** Observations that stand behind the sites. */
  readonly observations: number;
  /** Sum of (y − mean)² ÷ weight within sites. */
  readonly scatter: number;
  /** Sum of ln weight over observations plus that of ln precision over sites. */
  readonly logWeights: number;
}

export function gatherSites({ x, y, weight }: CriticData): Sites {
  const groups = new Map<string, number[]>();
  x.forEach((row, index) => {
    const key = row.join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [index]);
    else group.push(index);
  });
  const weightOf = (index: number): number => weight?.[index] ?? 1;
  let scatter = 0;
  let logWeights = 0;
  const rows: (readonly number[])[] = [];
  const mean = new Float64Array(groups.size);
  const precision = new Float64Array(groups.size);
  for (const group of groups.values()) {
    const site = rows.length;
    rows.push(x[group[0] ?? 0] ?? []);
    const sum = group.reduce((total, index) => total + 1 / weightOf(index), 0);
    const middle = group.reduce((total, index) => total + at(y, index) / weightOf(index), 0) / sum;
    precision[site] = sum;
    mean[site] = middle;
    logWeights += Math.log(sum);
    for (const index of group) {
      scatter += (at(y, index) - middle) ** 2 / weightOf(index);
      logWeights += Math.log(weightOf(index));
    }
  }
  return { x: rows, mean, precision, observations: x.length, scatter, logWeights };
}

/** Configurations that an expected spread counts for. */
const SPREAD_COUNTS = 2;

/**
 * Middle and standard deviation over configurations; each counts once, however often the incumbent
 * was measured again.
 * @param expected standard deviation before anything is measured, counts as much as 2 configurations;
 *   without it 1 stands for the spread of values that are all the same
 */
export function levelOf(
  { mean }: Sites,
  expected: number | undefined,
): { centre: number; spread: number } {
  const count = mean.length;
  const centre = mean.reduce((sum, value) => sum + value, 0) / count;
  const squares = mean.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  const variance =
    expected === undefined
      ? squares / Math.max(1, count - 1)
      : (squares + SPREAD_COUNTS * expected ** 2) / (count - 1 + SPREAD_COUNTS);
  // Differences that only rounding made are none.
  return { centre, spread: variance > (Math.abs(centre) * 1e-12) ** 2 ? Math.sqrt(variance) : 1 };
}

/**
 * Values less what was expected of their configurations.
 * @throws RangeError when that is not a number for one of them
 */
export function subtract(data: CriticData, expected: (x: readonly number[]) => number): CriticData {
  const y = data.y.map((value, i) => value - expected(data.x[i] ?? []));
  const odd = y.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0) throw new RangeError(`what is expected of configuration ${odd} is not a number`);
  return { ...data, y };
}

/** Only the observations at these indices. */
export function pick({ x, y, weight }: CriticData, indices: readonly number[]): CriticData {
  return {
    x: indices.map((index) => x[index] ?? []),
    y: indices.map((index) => at(y, index)),
    ...(weight === undefined ? {} : { weight: indices.map((index) => at(weight, index)) }),
  };
}

/**
 * Indices of at most `most` observations: the newer half of what may stay, because the search goes
 * on there, and of the older ones those that lie farthest from all that stays (maximin), so that no
 * region is forgotten. Decided by where, never by what was measured: choosing good values would make
 * noise look like merit. Repeats of a configuration that stays stay with it.
 */
export function thin(x: readonly (readonly number[])[], most: number): number[] {
  const sites = new Map<string, { row: readonly number[]; last: number }>();
  x.forEach((row, last) => sites.set(row.join(), { row, last }));
  if (sites.size <= most) return x.map((_, index) => index);
  const newestFirst = [...sites].sort(([, a], [, b]) => b.last - a.last);
  const kept = newestFirst.slice(0, Math.ceil(most / 2));
  const older = newestFirst.slice(kept.length).map(([key, { row }]) => ({
    key,
    row,
    distance: Math.min(...kept.map(([, other]) => squaredDistance(row, other.row))),
  }));
  const stays = new Set(kept.map(([key]) => key));
  for (let stay = kept.length; stay < most; stay += 1) {
    const farthest = older.reduce((best, one) => (one.distance > best.distance ? one : best));
    stays.add(farthest.key);
    for (const one of older) {
      one.distance = stays.has(one.key)
        ? -1
        : Math.min(one.distance, squaredDistance(one.row, farthest.row));
    }
  }
  return x.flatMap((row, index) => (stays.has(row.join()) ? [index] : []));
}

function squaredDistance(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, value, index) => sum + (value - at(other, index)) ** 2, 0);
}
