import type { Kysely } from 'kysely';
import type { JudgementRecord, RunStore, TrendPoint } from '../runs/run-store.ts';
import type { Cause, Decision } from '../runs/run.ts';
import { decode } from './json.ts';
import type { Schema } from './schema.ts';

type Part = Pick<RunStore, 'trend'>;

/** How a service's builds did, one after the other. */
export function trendQueries(db: Kysely<Schema>): Part {
  return {
    async trend(service, limit) {
      const rows = await db
        .selectFrom('runs')
        .leftJoin('judgements', 'judgements.id', 'runs.judgement_id')
        .select([
          'runs.id',
          'runs.label',
          'runs.build',
          'runs.finished_at',
          'runs.decision',
          'runs.cause',
          'judgements.record',
        ])
        .where('runs.service', '=', service)
        .where('runs.finished_at', 'is not', null)
        .orderBy('runs.finished_at', 'desc')
        .orderBy('runs.id', 'desc')
        .limit(limit)
        .execute();
      return rows.flatMap(({ id, label, build, finished_at, decision, cause, record }) => {
        if (finished_at === null || decision === null || cause === null) return [];
        return [
          {
            runId: id,
            ...(label !== null && { label }),
            build,
            finishedAt: finished_at,
            decision: decision as Decision,
            cause: cause as Cause,
            outcomes: record === null ? [] : outcomesOf(decode(record) as JudgementRecord),
          },
        ];
      });
    },
  };
}

function outcomesOf({ judgement }: JudgementRecord): TrendPoint['outcomes'] {
  return judgement.outcomes.map(({ threshold, effect, low, high, outcome }) => ({
    threshold,
    ...(effect !== undefined && { effect }),
    ...(low !== undefined && { low }),
    ...(high !== undefined && { high }),
    outcome,
  }));
}
