/** Parts of the store in memory that know nothing of it. */
import type {
  JudgementRecord,
  Lease,
  NewRun,
  Page,
  PageRequest,
  RoomForRun,
  RunRecord,
  TrendPoint,
} from '../run-store.ts';

export interface MemoryLease {
  readonly holder: string;
  readonly token: number;
  /** Milliseconds since 1970. */
  readonly until: number;
}

export function leaseOf(lease: Omit<Lease, 'expiresAt'>, until: number): Lease {
  return { ...lease, expiresAt: new Date(until).toISOString() };
}

/** Whether the record has all the values that are asked for. */
export function matches<T extends object>(
  record: T,
  wanted: Partial<Record<keyof T, unknown>>,
): boolean {
  return Object.entries(wanted).every(
    ([name, value]) => value === undefined || record[name as keyof T] === value,
  );
}

export function roomFor(run: NewRun, runs: readonly RunRecord[]): RoomForRun {
  const { build, service } = run;
  return {
    earlierRuns: runs.filter((own) => matches(own, { build, service })).length,
    queued: runs.filter((own) => matches(own, { service, phase: 'queued' }) && !own.cancel).length,
    ahead: runs.filter(({ phase }) => phase !== 'finished').length,
  };
}

/** Answers come later, as from a database. */
export async function given<T>(value: T): Promise<T> {
  await Promise.resolve();
  return value;
}

export async function done(): Promise<void> {
  await Promise.resolve();
}

/** The cursor counts from the old end, so that newer items move nothing. */
export function paged<T>(items: readonly T[], { cursor, limit }: PageRequest): Page<T> {
  const from = cursor === undefined ? 0 : items.length - Number(cursor);
  const rest = items.length - from - limit;
  return {
    items: items.slice(from, from + limit),
    ...(rest > 0 ? { nextCursor: String(rest) } : {}),
  };
}

/** Undefined for a run that has not ended. */
export function trendPoint(
  run: RunRecord,
  judged: JudgementRecord | undefined,
): TrendPoint | undefined {
  const { finishedAt, decision, cause, label, build } = run;
  if (finishedAt === undefined || decision === undefined || cause === undefined) return undefined;
  return {
    runId: run.id,
    ...(label !== undefined && { label }),
    build,
    finishedAt,
    decision,
    cause,
    outcomes: (judged?.judgement.outcomes ?? []).map(
      ({ threshold, effect, low, high, outcome }) => ({
        threshold,
        ...(effect !== undefined && { effect }),
        ...(low !== undefined && { low }),
        ...(high !== undefined && { high }),
        outcome,
      }),
    ),
  };
}
