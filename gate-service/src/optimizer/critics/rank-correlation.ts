/** How well predictions order what was measured; all that a search asks of a critic. */
import { at } from './dense.ts';

/**
 * Spearman's rank correlation, −1 to 1, ties at their mean rank; 0 when one side does not vary or
 * there are fewer than 2 values.
 */
export function rankCorrelation(one: readonly number[], other: readonly number[]): number {
  const [a, b] = [ranks(one), ranks(other)];
  const middle = (one.length - 1) / 2;
  let product = 0;
  let squaresA = 0;
  let squaresB = 0;
  a.forEach((rank, i) => {
    const [fromA, fromB] = [rank - middle, at(b, i) - middle];
    product += fromA * fromB;
    squaresA += fromA ** 2;
    squaresB += fromB ** 2;
  });
  return squaresA > 0 && squaresB > 0 ? product / Math.sqrt(squaresA * squaresB) : 0;
}

/** From 0, ties share the mean of their places. */
function ranks(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((a, b) => at(values, a) - at(values, b));
  const result = new Array<number>(values.length).fill(0);
  for (let first = 0; first < order.length;) {
    const value = at(values, at(order, first));
    let next = first + 1;
    while (next < order.length && at(values, at(order, next)) === value) next += 1;
    for (const index of order.slice(first, next)) result[index] = (first + next - 1) / 2;
    first = next;
  }
  return result;
}
