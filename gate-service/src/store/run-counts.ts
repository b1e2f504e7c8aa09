/** What `/metrics` says about runs: counted in the database, so that a restart forgets nothing. */
import type { Kysely } from 'kysely';
import type { PhaseSpan } from '../runs/run-store.ts';
import { decode } from './json.ts';
import { UNFINISHED_PHASES } from './run-rows.ts';
import type { Schema } from './schema.ts';

export interface FinishedCount {
  readonly service: string;
  readonly decision: string;
  readonly cause: string;
  readonly runs: number;
}

export interface FinishedRun {
  readonly id: string;
  readonly service: string;
  readonly finishedAt: string;
  readonly phases: readonly PhaseSpan[];
}

export interface RunCounts {
  finishedCounts(): Promise<readonly FinishedCount[]>;
  /** Runs in every phase that is not `finished`. */
  phaseCounts(): Promise<ReadonlyMap<string, number>>;
  /** Runs that ended at or after `since` (ISO 8601), oldest first, at most 1000. */
  finishedSince(since: string): Promise<readonly FinishedRun[]>;
}

export function runCountQueries(db: Kysely<Schema>): RunCounts {
  return {
    async finishedCounts() {
      const rows = await db
        .selectFrom('runs')
        .select(['service', 'decision', 'cause'])
        .select((expression) => expression.fn.countAll().as('runs'))
        .where('phase', '=', 'finished')
        .groupBy(['service', 'decision', 'cause'])
        .execute();
      return rows.map((row) => ({
        service: row.service,
        decision: row.decision ?? 'none',
        cause: row.cause ?? 'none',
        runs: Number(row.runs),
      }));
    },

    async phaseCounts() {
      const rows = await db
        .selectFrom('runs')
        .select('phase')
        .select((expression) => expression.fn.countAll().as('runs'))
        .where('phase', 'in', UNFINISHED_PHASES)
        .groupBy('phase')
        .execute();
      return new Map(rows.map((row) => [row.phase, Number(row.runs)]));
    },

    async finishedSince(since) {
      const rows = await db
        .selectFrom('runs')
        .select(['id', 'service', 'finished_at', 'phases'])
        .where('finished_at', '>=', since)
        .orderBy('finished_at')
        .limit(1000)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        service: row.service,
        finishedAt: row.finished_at ?? '',
        phases: decode(row.phases) as readonly PhaseSpan[],
      }));
    },
  };
}
