/** Whether the goals of the comparison are reached, one line each; a goal that is missed says where. */
import { isPeer } from './methods/all.ts';
import type { Row } from './rows.ts';

export interface Goal {
  readonly goal: string;
  readonly reached: boolean;
  /** Where it is missed. */
  readonly missed: readonly string[];
}

/** Gaps closer than this are equal: a share of the best known value far below the noise of one evaluation. */
const EQUAL_PERCENT = 0.5;

/** @returns nothing for goals whose methods were not run */
export function goalsOf(rows: readonly Row[]): Goal[] {
  const cells = [...new Set(rows.map(cellOf))].map((cell) => {
    const own = rows.filter((row) => cellOf(row) === cell);
    const peers = own.filter(({ method }) => isPeer(method));
    return {
      cell,
      peers,
      others: own.filter(({ method }) => method !== 'speed-gate-warm'),
      warm: own.find(({ method }) => method === 'speed-gate-warm'),
      cold: own.find(({ method }) => method === 'speed-gate-cold'),
    };
  });
  const goal = (text: string, miss: (cell: (typeof cells)[number]) => string | undefined): Goal => {
    const missed = cells.flatMap((one) => {
      const how = miss(one);
      return how === undefined ? [] : [`${one.cell}: ${how}`];
    });
    return { goal: text, reached: missed.length === 0, missed };
  };
  const least = (some: readonly Row[], of: (row: Row) => number): number =>
    Math.min(...some.map(of));
  const gap = (row: Row): number => row.gapPercent;
  const unsafe = (row: Row): number => row.unsafePercent;
  const goals: Goal[] = [];
  if (cells.some(({ warm }) => warm !== undefined)) {
    goals.push(
      goal('warm: lowest gap at every budget', ({ warm, others }) => {
        const best = least(others, gap);
        return warm === undefined || warm.gapPercent <= best + EQUAL_PERCENT
          ? undefined
          : `${warm.gapPercent} %, the best other ${best} %`;
      }),
      goal('warm: at most 2 % unsafe', ({ warm }) =>
        warm === undefined || warm.unsafePercent <= 2 ? undefined : `${warm.unsafePercent} %`,
      ),
    );
  }
  if (cells.some(({ cold, peers }) => cold !== undefined && peers.length > 0)) {
    goals.push(
      goal('cold: gap not above the best peer’s', ({ cold, peers }) => {
        const best = least(peers, gap);
        return cold === undefined || cold.gapPercent <= best + EQUAL_PERCENT
          ? undefined
          : `${cold.gapPercent} %, the best peer ${best} %`;
      }),
      goal('cold: at most half as many unsafe as the safest peer', ({ cold, peers }) => {
        const safest = least(peers, unsafe);
        return cold === undefined || cold.unsafePercent <= safest / 2
          ? undefined
          : `${cold.unsafePercent} %, the safest peer ${safest} %`;
      }),
      goal('every peer has unsafe evaluations (the stacks are hard enough)', ({ peers }) => {
        const without = peers.filter((row) => row.unsafePercent === 0);
        return without.length === 0 ? undefined : without.map(({ method }) => method).join(', ');
      }),
    );
  }
  return goals;
}

export function wordingOf(goals: readonly Goal[]): string {
  return goals
    .map(({ goal, reached, missed }) =>
      [
        `${reached ? 'reached' : 'MISSED '}  ${goal}`,
        ...missed.map((how) => `           ${how}`),
      ].join('\n'),
    )
    .join('\n');
}

function cellOf(row: Row): string {
  return `${row.stack}, budget ${row.budget}`;
}
