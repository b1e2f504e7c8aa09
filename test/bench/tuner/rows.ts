/** From the outcomes of sessions to the rows of the bench. */
import type { MethodName } from './methods/all.ts';
import type { Outcome } from './run-method.ts';
import type { StackName } from './stacks/catalogue.ts';

export interface Row {
  readonly stack: StackName;
  readonly method: MethodName;
  readonly budget: number;
  readonly seeds: number;
  /** Median over the seeds of the answer's true value above the best known. */
  readonly gapPercent: number;
  /** Quartiles of the same. */
  readonly gapQuartiles: readonly [number, number];
  /** Of all evaluations. */
  readonly unsafePercent: number;
  /** Sessions whose answer itself breaks a limit, per cent. */
  readonly unsafeAnswersPercent: number;
  /** Mean of what was used of the budget. */
  readonly evaluations: number;
  /** Mean of the asks that broke a constraint known beforehand. They cost no evaluation. */
  readonly rejected: number;
}

/** @param outcomes one per seed, all of one budget; not empty */
export function rowOf(
  stack: StackName,
  method: MethodName,
  budget: number,
  outcomes: readonly Outcome[],
): Row {
  const gaps = outcomes.map(({ gapPercent }) => gapPercent).sort((one, other) => one - other);
  const total = (of: (outcome: Outcome) => number): number =>
    outcomes.reduce((sum, outcome) => sum + of(outcome), 0);
  const evaluations = total((outcome) => outcome.evaluations);
  return {
    stack,
    method,
    budget,
    seeds: outcomes.length,
    gapPercent: rounded(quantile(gaps, 0.5)),
    gapQuartiles: [rounded(quantile(gaps, 0.25)), rounded(quantile(gaps, 0.75))],
    unsafePercent: rounded((100 * total((outcome) => outcome.unsafe)) / evaluations),
    unsafeAnswersPercent: rounded(
      (100 * total((outcome) => Number(outcome.bestUnsafe))) / outcomes.length,
    ),
    evaluations: rounded(evaluations / outcomes.length),
    rejected: rounded(total((outcome) => outcome.rejected) / outcomes.length),
  };
}

/** A table for people: per stack and method, gap and share of unsafe evaluations at each budget. */
export function tableOf(rows: readonly Row[]): string {
  const budgets = [...new Set(rows.map(({ budget }) => budget))].sort((a, b) => a - b);
  const head = [
    'stack'.padEnd(13),
    'method'.padEnd(17),
    ...budgets.map((budget) => `${budget}: gap [quartiles]    unsafe`.padEnd(32)),
  ].join('');
  const lines = [...new Set(rows.map(({ stack, method }) => `${stack} ${method}`))].map((key) => {
    const own = rows.filter(({ stack, method }) => `${stack} ${method}` === key);
    const cells = budgets.map((budget) => {
      const row = own.find((one) => one.budget === budget);
      if (row === undefined) return ''.padEnd(32);
      const gap = `${row.gapPercent.toFixed(1)} %`.padStart(9);
      const [low, high] = row.gapQuartiles.map((value) => value.toFixed(0));
      const unsafe = `${row.unsafePercent.toFixed(1)} %`.padStart(8);
      const bad = row.unsafeAnswersPercent > 0 ? ' !' : '';
      return `${gap} ${`[${low ?? ''}–${high ?? ''}]`.padEnd(11)}${unsafe}${bad}`.padEnd(32);
    });
    const [stack = '', method = ''] = key.split(' ');
    return [stack.padEnd(13), method.padEnd(17), ...cells].join('').trimEnd();
  });
  return [head.trimEnd(), ...lines, '! = some answers themselves break a limit'].join('\n');
}

/** Of sorted values, linearly interpolated (Hyndman & Fan 1996, type 7). */
function quantile(sorted: readonly number[], p: number): number {
  const place = p * (sorted.length - 1);
  const low = sorted[Math.floor(place)] ?? NaN;
  const high = sorted[Math.ceil(place)] ?? NaN;
  return low + (place - Math.floor(place)) * (high - low);
}

function rounded(value: number): number {
  return Number(value.toFixed(1));
}
