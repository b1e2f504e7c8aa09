/** Fills a database with years of runs, in bulk; sizes as the demo's runs have them. */
import { Kysely, sql } from 'kysely';
import type { Dialect, Insertable } from 'kysely';
import type {
  JudgementRecord,
  MeasurementRecord,
  NewRun,
} from '../../../gate-service/src/runs/run-store.ts';
import { DatabaseTarget } from '../../../gate-service/src/store/database-target.ts';
import { encode } from '../../../gate-service/src/store/json.ts';
import { postgresDialect } from '../../../gate-service/src/store/postgres.ts';
import { runToRow } from '../../../gate-service/src/store/run-rows.ts';
import type { Schema } from '../../../gate-service/src/store/schema.ts';
import { openSqliteDialect } from '../../../gate-service/src/store/sqlite.ts';
import { openStore } from '../../../gate-service/src/store/store.ts';
import type { StorePlace } from '../../../gate-service/src/store/store.ts';
import { newRun } from '../../support/store/records.ts';
import { at, buildOf, endOf, idOf, personOf, serviceOf, share } from './made-up.ts';
import { Operations } from './operations.ts';

const THRESHOLDS = [
  'p50 <= baseline + 10%',
  'p95 <= baseline + 15%',
  'p99 <= baseline + 25%',
  'errors < 1%',
  'cpu_per_request <= baseline + 5%',
];
const EVENTS_PER_RUN = 10;
const BATCH = 250;

export interface Filled {
  readonly newestRun: string;
  readonly build: string;
  readonly seconds: number;
}

/** Makes the tables and fills them. @param runs how many, oldest first */
export async function fillHistory(
  place: StorePlace,
  runs: number,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Filled> {
  const began = performance.now();
  await (await openStore(place)).close();
  const db = new Kysely<Schema>({ dialect: dialectOf(place) });
  const operations = new Operations();
  try {
    await db.insertInto('configurations').values({ hash: 'stock', knob_values: '{}' }).execute();
    for (let from = 0; from < runs; from += BATCH) {
      signal.throwIfAborted();
      const rows = Array.from({ length: Math.min(BATCH, runs - from) }, (_, n) => from + n);
      await insert(db, operations, rows);
      if ((from / BATCH) % 80 === 79) say(`  ${from + BATCH} runs`);
    }
    // As PostgreSQL's own upkeep would have done over the years; SQLite has none.
    if ('url' in place) await vacuum(place);
  } finally {
    await db.destroy();
  }
  return {
    newestRun: idOf(runs - 1),
    build: buildOf(runs - 1),
    seconds: (performance.now() - began) / 1000,
  };
}

function dialectOf(place: StorePlace): Dialect {
  return 'url' in place
    ? postgresDialect(new DatabaseTarget(place.url), { connections: 2 })
    : openSqliteDialect(place.file);
}

async function vacuum(place: StorePlace): Promise<void> {
  const db = new Kysely<Schema>({ dialect: dialectOf(place) });
  await sql`vacuum analyze`.execute(db);
  await db.destroy();
}

async function insert(
  db: Kysely<Schema>,
  operations: Operations,
  numbers: readonly number[],
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto('runs')
      .values(numbers.map((n) => runToRow(runOf(n))))
      .execute();
    await trx
      .insertInto('attempts')
      .values(
        numbers.map((n) => ({
          run_id: idOf(n),
          number: 1,
          record: encode({
            runId: idOf(n),
            number: 1,
            purpose: 'measuring',
            startedAt: at(n),
            endedAt: at(n, 60),
            measurementId: `m-${n}`,
            judgementId: `j-${n}`,
            sentence: 'compared 4800 pairs of requests in 8 windows',
          }),
        })),
      )
      .execute();
    await trx.insertInto('measurements').values(numbers.map(measurementOf)).execute();
    await trx.insertInto('judgements').values(numbers.map(judgementOf)).execute();
    const events = numbers.flatMap((n) =>
      Array.from({ length: EVENTS_PER_RUN }, (_, sequence) => ({
        run_id: idOf(n),
        sequence: sequence + 1,
        at: at(n, sequence),
        type: 'progress',
        message: `window ${sequence} of 8: p95 baseline 12.3 ms, candidate 12.5 ms`,
        data: encode({
          window: sequence,
          baseline: { p50: 4.2, p95: 12.3 },
          candidate: { p50: 4.3, p95: 12.5 },
        }),
      })),
    );
    for (let from = 0; from < events.length; from += 1000) {
      await trx
        .insertInto('run_events')
        .values(events.slice(from, from + 1000))
        .execute();
    }
    await operations.insert(trx, numbers);
  });
}

function runOf(n: number): NewRun {
  const run = newRun(idOf(n), { service: serviceOf(n), build: buildOf(n) });
  return {
    ...run,
    label: `1.${n}`,
    requestedBy: personOf(n),
    createdAt: at(n),
    settings: { ...run.settings, thresholds: THRESHOLDS },
    phase: 'finished',
    phases: ['queued', 'deploying', 'measuring', 'judging'].map((phase, index) => ({
      phase: phase as 'queued',
      startedAt: at(n, index * 20),
      endedAt: at(n, index * 20 + 20),
    })),
    baseline: { build: buildOf(n - 1), configurationHash: 'stock' },
    configuration: { hash: 'stock', adopted: false },
    judgementId: `j-${n}`,
    codeJudgementId: `j-${n}`,
    ...endOf(n),
    summary:
      'Every threshold is met: p95 is 0.4 % above the baseline’s, at most 2.1 %. Nothing had to be restored.',
    finishedAt: at(n, 80),
  };
}

function measurementOf(n: number): Insertable<Schema['measurements']> {
  const record: MeasurementRecord = {
    id: `m-${n}`,
    runId: idOf(n),
    attempt: 1,
    purpose: 'measuring',
    file: `samples/${idOf(n)}/1.csv.gz`,
    startedAt: at(n, 20),
    endedAt: at(n, 60),
    arms: (['baseline', 'candidate'] as const).map((name) => ({
      name,
      armId: `${name}-${n}`,
      build: buildOf(n),
      configurationHash: 'stock',
    })),
    windowsPlanned: 8,
    windowsMeasured: 8,
    windowsCounted: 8,
    windowSeconds: 5,
    pairsPerSecond: 120,
    seed: n,
    steady: true,
    counters: { sent: 9600, received: 9600, inFlight: 0, cpuSeconds: 2.5 },
    cpuSecondsByWindow: Array.from({ length: 16 }, (_, w) => ({
      window: w >> 1,
      arm: w % 2 === 0 ? ('baseline' as const) : ('candidate' as const),
      seconds: 0.4321,
    })),
  };
  return {
    id: record.id,
    run_id: record.runId,
    attempt: 1,
    started_at: record.startedAt,
    ended_at: record.endedAt,
    samples_pruned_at: n % 10 === 0 ? null : at(n + 5000),
    record: encode(record),
  };
}

function judgementOf(n: number): Insertable<Schema['judgements']> {
  const record: JudgementRecord = {
    id: `j-${n}`,
    runId: idOf(n),
    measurementId: `m-${n}`,
    at: at(n, 70),
    by: 'run',
    thresholds: THRESHOLDS,
    shown: [],
    options: { seed: n, looks: 4 },
    judgement: {
      decision: 'pass',
      cause: 'met',
      outcomes: THRESHOLDS.map((threshold) => ({
        threshold,
        outcome: 'met',
        unit: 'ratio',
        effect: share(n, threshold) / 20,
        low: -0.01,
        high: share(n, threshold) / 10,
        confidence: 0.95,
        limit: 0.1,
        minimumDetectableEffect: 0.021,
        baseline: 12.3,
        candidate: 12.5,
        valueUnit: 'ms',
        requests: 9600,
        windows: 8,
        seconds: 40,
        sentence: `${threshold}: 0.4 % slower, between 1.0 % faster and 2.1 % slower (95 %), from 9600 requests in 8 windows`,
      })),
      shown: [],
      controls: (['same-build', 'nodes', 'planted', 'sender', 'counts', 'steady'] as const).map(
        (control) => ({
          control,
          passed: true,
          effect: 0.001,
          low: -0.01,
          high: 0.011,
          sentence:
            'the baseline’s samples split at random differ by 0.1 %, within what chance makes',
        }),
      ),
      windows: { planned: 8, counted: 8, dropped: 0 },
      summary: 'Every threshold is met.',
      procedure: '1',
    },
  };
  return {
    id: record.id,
    run_id: record.runId,
    measurement_id: record.measurementId,
    at: record.at,
    record: encode(record),
  };
}
