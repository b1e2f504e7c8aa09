/** What to do when limits cannot be judged because their metrics are not told: say so early, and try nothing else. */
import { unjudgedLimits, whyUnsafe } from './measures.ts';
import type { Step, TuningProblem } from './tuner.ts';

/** Evaluations in a row without a limit's metric after which a session ends. */
const MOST_IN_A_ROW = 3;
/** So often the configuration in force is measured before it is given up to judge it. */
const MOST_STARTS = 2;

export interface Blind {
  /** Whether the configuration in force is to be measured again, or the session has no point. */
  readonly kind: 'again' | 'end';
  readonly reason: string;
}

/** Undefined while limits can be judged: then the session goes on as usual. */
export function blindOf(
  { limits }: Pick<TuningProblem, 'limits'>,
  steps: readonly Step[],
): Blind | undefined {
  const missing = steps.map(({ observation }) =>
    whyUnsafe(limits, observation) === undefined ? unjudgedLimits(limits, observation) : [],
  );
  const latest = missing.at(-1) ?? [];
  if (latest.length === 0) return undefined;
  const row = missing.length - 1 - missing.findLastIndex(({ length }) => length === 0);
  const names = latest.map(({ metric }) => metric).join(', ');
  // Before anything was judged it is the configuration in force that was measured.
  const begun = row < missing.length;
  if (row >= (begun ? MOST_IN_A_ROW : MOST_STARTS)) {
    const reason = `the limit of ${names} cannot be judged: ${row} evaluations in a row were told without it; each has to tell it, or the limit has to go`;
    return { kind: 'end', reason };
  }
  if (begun) return undefined;
  const reason = `the configuration in force once more: ${names} was not told, and without it nothing can be judged`;
  return { kind: 'again', reason };
}
