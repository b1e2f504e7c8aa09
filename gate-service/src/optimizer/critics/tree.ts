/** One extremely randomised regression tree (Geurts, Ernst & Wehenkel 2006), in flat arrays. */
import type { Random } from '../../statistics/random.ts';
import { at } from './dense.ts';

export interface Tree {
  /** Input that a node splits, −1 for a leaf. */
  readonly input: readonly number[];
  readonly threshold: readonly number[];
  /** Node where inputs below the threshold go; the others go to the next one. */
  readonly below: readonly number[];
  /** Of the observations in each leaf, by their weights. */
  readonly mean: readonly number[];
  readonly variance: readonly number[];
}

export interface TreeData {
  readonly columns: readonly Float64Array[];
  readonly y: Float64Array;
  /** How much each observation counts; 0: not in this tree's sample. */
  readonly counts: Float64Array;
}

interface Split {
  readonly input: number;
  readonly threshold: number;
}

interface Sums {
  readonly count: number;
  readonly weight: number;
  readonly mean: number;
  readonly squares: number;
}

/** @param leaf fewest observations in a leaf */
export function growTree(data: TreeData, leaf: number, random: Random): Tree {
  const input: number[] = [];
  const threshold: number[] = [];
  const below: number[] = [];
  const mean: number[] = [];
  const variance: number[] = [];
  const open = (): number => input.push(-1) - 1;
  const rows = [...data.counts.keys()].filter((row) => at(data.counts, row) > 0);
  const waiting = [{ node: open(), rows }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node } = next;
    const sums = sumUp(data, next.rows);
    mean[node] = sums.mean;
    variance[node] = unbiased(sums);
    threshold[node] = below[node] = 0;
    const split = bestSplit(data, next.rows, sums, leaf, random);
    if (split === undefined) continue;
    const column = data.columns[split.input] ?? [];
    input[node] = split.input;
    threshold[node] = split.threshold;
    const first = open();
    below[node] = first;
    waiting.push(
      { node: open(), rows: next.rows.filter((row) => at(column, row) >= split.threshold) },
      { node: first, rows: next.rows.filter((row) => at(column, row) < split.threshold) },
    );
  }
  return { input, threshold, below, mean, variance };
}

/** The leaf that `x` falls into. */
export function leafOf(tree: Tree, x: ArrayLike<number>): number {
  let node = 0;
  for (let input = at(tree.input, 0); input >= 0; input = at(tree.input, node)) {
    const first = at(tree.below, node);
    node = at(x, input) < at(tree.threshold, node) ? first : first + 1;
  }
  return node;
}

/** Of one random threshold per input the one that leaves the least scatter. */
function bestSplit(
  data: TreeData,
  rows: readonly number[],
  sums: Sums,
  leaf: number,
  random: Random,
): Split | undefined {
  if (rows.length < 2 * leaf || !(sums.squares > 0)) return undefined;
  let best: Split | undefined;
  let most = 0;
  data.columns.forEach((column, input) => {
    let low = Infinity;
    let high = -Infinity;
    for (const row of rows) {
      low = Math.min(low, at(column, row));
      high = Math.max(high, at(column, row));
    }
    if (!(high > low)) return;
    // In (low, high]: neither side is empty, also for inputs with two values.
    const threshold = high - random.next() * (high - low);
    const gain = gainOf(data, rows, column, threshold, sums, leaf);
    if (gain > most) {
      most = gain;
      best = { input, threshold };
    }
  });
  return best;
}

/** Scatter that a split takes away; 0 when a side would be too small. */
function gainOf(
  { y, counts }: TreeData,
  rows: readonly number[],
  column: Float64Array,
  threshold: number,
  all: Sums,
  leaf: number,
): number {
  let count = 0;
  let weight = 0;
  let sum = 0;
  for (const row of rows) {
    if (at(column, row) >= threshold) continue;
    count += 1;
    weight += at(counts, row);
    sum += at(counts, row) * (at(y, row) - all.mean);
  }
  if (count < leaf || rows.length - count < leaf) return 0;
  return sum ** 2 / weight + sum ** 2 / (all.weight - weight);
}

function sumUp({ y, counts }: TreeData, rows: readonly number[]): Sums {
  let weight = 0;
  let sum = 0;
  for (const row of rows) {
    weight += at(counts, row);
    sum += at(counts, row) * at(y, row);
  }
  const mean = sum / weight;
  let squares = 0;
  for (const row of rows) squares += at(counts, row) * (at(y, row) - mean) ** 2;
  return { count: rows.length, weight, mean, squares };
}

function unbiased({ count, weight, squares }: Sums): number {
  return count > 1 ? ((squares / weight) * count) / (count - 1) : 0;
}
