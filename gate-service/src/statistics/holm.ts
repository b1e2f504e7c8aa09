/**
 * Holm's step-down procedure (1979): which hypotheses are rejected so that the chance of any false
 * rejection stays at or below `level`, however the tests depend on each other.
 * @param pValues NaN counts as 1: what could not be tested is not rejected
 * @returns one flag per p-value, in the order given
 */
export function holm(pValues: readonly number[], level: number): boolean[] {
  const order = pValues
    .map((p, index) => ({ p: Number.isNaN(p) ? 1 : p, index }))
    .sort((a, b) => a.p - b.p);
  const rejected = pValues.map(() => false);
  for (const [rank, { p, index }] of order.entries()) {
    if (p > level / (order.length - rank)) break;
    rejected[index] = true;
  }
  return rejected;
}
