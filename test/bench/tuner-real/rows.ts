/** Rows of the bench, and whether its goals are reached. */
import type { SessionResult } from './session.ts';
import { hasGain, objectiveOf, type BenchWorkload, type Objective } from './workloads.ts';

/** Without former sessions, and with what the first one left. */
export type Pass = 'first' | 'memory';

export interface Row {
  readonly workload: string;
  readonly pass: Pass;
  readonly objective: Objective;
  /** Right answers per second, or p95 in ms; all three interleaved in the same minutes, on fresh nodes. */
  readonly stock: number;
  readonly handTuned: number;
  readonly found: number;
  /** As a share of the better direction: 1 is equal, more is better than that. */
  readonly foundByHandTuned: number;
  readonly foundByStock: number;
  /** Whether the tuner claims a gain. */
  readonly adopted: boolean;
  /** The start included. */
  readonly evaluations: number;
  readonly unsafe: number;
  /** The evaluation that was adopted last; absent when none was. */
  readonly adoptedAt?: number;
  readonly seconds: number;
}

export interface Readings {
  readonly stock: number;
  readonly handTuned: number;
  readonly found: number;
}

export function rowOf(
  workload: BenchWorkload,
  pass: Pass,
  { stock, handTuned, found }: Readings,
  session: Pick<SessionResult, 'adopted' | 'points' | 'unsafe' | 'seconds'>,
): Row {
  const objective = objectiveOf(workload);
  const better = (other: number): number =>
    objective === 'throughput' ? found / other : other / found;
  const adoptedAt = session.points.findLast(({ verdict }) => verdict === 'adopted')?.evaluation;
  return {
    workload: workload.name,
    pass,
    objective,
    stock: rounded(stock, 1),
    handTuned: rounded(handTuned, 1),
    found: rounded(found, 1),
    foundByHandTuned: rounded(better(handTuned), 3),
    foundByStock: rounded(better(stock), 3),
    adopted: session.adopted,
    evaluations: session.points.length,
    unsafe: session.unsafe,
    ...(session.adopted && adoptedAt !== undefined ? { adoptedAt } : {}),
    seconds: Math.round(session.seconds),
  };
}

export interface Goal {
  readonly goal: string;
  readonly reached: boolean;
  /** Where it is missed. */
  readonly missed: readonly string[];
}

const OF_HAND_TUNED = 0.9;
const EQUAL = 0.05;
const SECONDS = 15 * 60;

/** Only over what was run; a goal without rows is left out. */
export function goalsOf(workloads: readonly BenchWorkload[], rows: readonly Row[]): Goal[] {
  const of = (gain: boolean, pass: Pass): Row[] =>
    rows.filter(
      (row) =>
        row.pass === pass &&
        workloads.some((workload) => workload.name === row.workload && hasGain(workload) === gain),
    );
  const goal = (
    text: string,
    over: readonly Row[],
    miss: (row: Row) => string | undefined,
  ): readonly Goal[] => {
    if (over.length === 0) return [];
    const missed = over.flatMap((row) => {
      const how = miss(row);
      return how === undefined ? [] : [`${row.workload}, ${row.pass}: ${how}`];
    });
    return [{ goal: text, reached: missed.length === 0, missed }];
  };
  const winning = [...of(true, 'first'), ...of(true, 'memory')];
  const flat = [...of(false, 'first'), ...of(false, 'memory')];
  return [
    ...goal('found is at least 0.9 of hand-tuned', winning, (row) =>
      row.foundByHandTuned >= OF_HAND_TUNED ? undefined : `${row.foundByHandTuned}`,
    ),
    ...goal('within 15 minutes', of(true, 'first'), (row) =>
      row.seconds <= SECONDS ? undefined : `${row.seconds} s`,
    ),
    ...goal('nothing to win: within 5 % of stock', flat, (row) =>
      Math.abs(row.foundByStock - 1) <= EQUAL ? undefined : `${row.foundByStock} of stock`,
    ),
    ...goal('nothing to win: no gain claimed', flat, (row) =>
      row.adopted ? 'a gain was claimed' : undefined,
    ),
    ...goal('with memory at most half of the evaluations', of(true, 'memory'), (row) => {
      const first = rows.find(
        ({ workload, pass }) => workload === row.workload && pass === 'first',
      );
      return first !== undefined && row.evaluations <= first.evaluations / 2
        ? undefined
        : `${row.evaluations} after ${first?.evaluations ?? 'none'}`;
    }),
  ];
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

export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) =>
    [
      row.workload.padEnd(13),
      row.pass.padEnd(8),
      row.objective.padEnd(11),
      ...[row.stock, row.handTuned, row.found].map((value) => value.toFixed(1).padStart(10)),
      row.foundByHandTuned.toFixed(2).padStart(8),
      row.foundByStock.toFixed(2).padStart(8),
      (row.adopted ? 'adopted' : 'kept').padStart(9),
      `${row.evaluations}`.padStart(6),
      `${row.unsafe}`.padStart(7),
      `${row.seconds} s`.padStart(7),
    ].join(''),
  );
  const head =
    'workload     pass    objective       stock     hand     found   /hand  /stock   claim  evals unsafe   time';
  return [head, ...lines].join('\n');
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
