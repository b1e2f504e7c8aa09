/** Lists must follow an index in the order they are shown in: at 100,000 runs a sort or a scan is felt. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunFilter } from '../runs/run-store.ts';
import { auditQueries } from './audit.ts';
import { deliveryQueries } from './deliveries.ts';
import { intentQueries } from './intents.ts';
import { migrateToLatest } from './migrate.ts';
import { operationCountQueries } from './operation-counts.ts';
import { retentionQueries } from './retention.ts';
import { runCountQueries } from './run-counts.ts';
import { roomFor, runQueries } from './runs.ts';
import type { Schema } from './schema.ts';
import { openSqliteDialect } from './sqlite.ts';
import { trendQueries } from './trend.ts';
import { tuningQueries } from './tunings.ts';

let folder: string;
let file: string;
let db: Kysely<Schema>;
let statements: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'speed-gate-plans-'));
  file = join(folder, 'store.db');
  db = new Kysely<Schema>({
    dialect: openSqliteDialect(file),
    log: ({ query }) => {
      statements.push(query.sql);
    },
  });
  statements = [];
  await migrateToLatest(db);
});
afterAll(async () => {
  await db.destroy();
  await rm(folder, { recursive: true });
});

/** How SQLite carries out what was asked. */
async function plansOf(ask: () => Promise<unknown>): Promise<string> {
  statements = [];
  await ask();
  const database = new DatabaseSync(file);
  try {
    return statements
      .flatMap((statement) =>
        database.prepare(`explain query plan ${statement}`).all(...blanks(statement)),
      )
      .map(({ detail }) => String(detail))
      .join('\n');
  } finally {
    database.close();
  }
}

/** A value for each parameter: the plan does not depend on it. */
function blanks(statement: string): string[] {
  return Array.from(statement.matchAll(/\?/g), () => 'x');
}

const page = { limit: 50 };
const cursor = Buffer.from(JSON.stringify(['2026-01-01', 'id'])).toString('base64url');
const filters: readonly RunFilter[] = [
  {},
  { service: 's' },
  { services: ['s', 't'] },
  { phase: 'measuring' },
  { build: 'b' },
  { decision: 'promote' },
  { cause: 'invalid' },
  { requestedBy: 'p' },
  { service: 's', decision: 'promote' },
  { service: 's', cause: 'invalid' },
  { service: 's', phase: 'finished' },
  { service: 's', requestedBy: 'p' },
];

it.each(filters.map((filter) => [JSON.stringify(filter), filter] as const))(
  'lists runs %s along an index, the first page and later ones',
  async (_name, filter) => {
    const runs = runQueries(db);
    const plans = await plansOf(async () => {
      await runs.runs(filter, page);
      await runs.runs(filter, { ...page, cursor });
    });
    expect(plans).toContain('USING INDEX runs_by_');
    expect(plans).not.toMatch(/TEMP B-TREE|SCAN runs$/m);
    // With a filter the index is one that begins with it, not that of all runs.
    if (Object.keys(filter).length > 0) expect(plans).not.toContain('runs_by_age');
    // Of a small service the list must not go through everybody's runs.
    if (filter.service !== undefined) {
      expect(plans.match(/USING INDEX runs_by_(?!service)\w+/g)).toBeNull();
    }
  },
);

it('finds the latest runs of services along the index of each', async () => {
  const plans = await plansOf(async () => {
    const { latestRun } = runQueries(db);
    await Promise.all([latestRun('s'), latestRun('t')]);
  });
  expect(plans.match(/SEARCH runs USING INDEX runs_by_service /g), plans).toHaveLength(2);
  expect(plans).not.toMatch(/TEMP B-TREE|SCAN runs$/m);
});

it('finds the queue, attempts, trends and old samples along an index', async () => {
  const plans = await plansOf(async () => {
    await runQueries(db).queuedRuns();
    await roomFor({ service: 's', build: 'b' }, db);
    await trendQueries(db).trend('s', 50);
    await retentionQueries(db).prunableMeasurements('2026-01-01', 100);
  });
  expect(plans).toContain('runs_by_phase');
  expect(plans).toContain('runs_by_service_build');
  expect(plans).toContain('runs_by_service_end');
  expect(plans).toContain('measurements_with_samples');
  expect(plans).not.toMatch(/TEMP B-TREE|SCAN (runs|measurements|judgements)$/m);
});

it('finds settled messages and old keys along an index', async () => {
  const plans = await plansOf(() => retentionQueries(db).removeSettled('2026-01-01', 500));
  expect(plans).toContain('deliveries_by_due (state=? AND next_at<?)');
  expect(plans).toContain('idempotency_keys_by_age (created_at<?)');
  expect(plans).not.toMatch(/SCAN (deliveries|idempotency_keys|runs)$/m);
});

it('finds what is under way, and nothing that has ended', async () => {
  const plans = await plansOf(async () => {
    await runQueries(db).unfinishedRuns();
    await intentQueries(db).intents({ open: true });
  });
  // The few that are under way may be sorted.
  expect(plans).toContain('SEARCH runs USING INDEX runs_by_phase (phase=?)');
  expect(plans).toContain('intents_open');
});

it('counts for /metrics in indexes alone', async () => {
  const plans = await plansOf(async () => {
    await runCountQueries(db).finishedCounts();
    await runCountQueries(db).phaseCounts();
    await operationCountQueries(db).promotionCounts();
    await operationCountQueries(db).deliveryCounts();
    await operationCountQueries(db).oldestQueued();
  });
  expect(plans.split('\n')).toHaveLength(5);
  for (const plan of plans.split('\n')) expect(plan).toContain('USING COVERING INDEX');
});

it.each([
  [{}, ''],
  [{ service: 's' }, 'audit_by_service'],
  [{ services: ['s', 't'] }, 'audit_by_service'],
  [{ subject: 'r' }, 'audit_by_subject'],
  [{ services: ['s', 't'], subject: 'r' }, 'audit_by_subject'],
] as const)('lists the audit %o without sorting it', async (filter, index) => {
  const audit = auditQueries(db);
  const cursor = Buffer.from('7').toString('base64url');
  const plans = await plansOf(async () => {
    await audit.audit(filter, page);
    await audit.audit(filter, { ...page, cursor });
  });
  expect(plans).toContain(index);
  expect(plans).not.toContain('TEMP B-TREE');
});

it.each([
  {},
  { endpoint: 'e' },
  { state: 'due' },
  { endpoint: 'e', state: 'given-up' },
  { subject: 'r' },
  { endpoint: 'e', subject: 'r' },
] as const)('lists deliveries %o without sorting them', async (filter) => {
  const deliveries = deliveryQueries(db);
  const plans = await plansOf(async () => {
    await deliveries.deliveries(filter, page);
    await deliveries.deliveries(filter, { ...page, cursor });
    await deliveries.claimDueDelivery('h', '2026-01-01', 1);
  });
  expect(plans).toContain('deliveries_by_due');
  expect(plans).not.toContain('TEMP B-TREE');
});

it.each([
  [{}, 'tunings_by_age'],
  [{ service: 's' }, 'tunings_by_service'],
] as const)('finds what tuners learnt %o along an index', async (filter, index) => {
  const tunings = tuningQueries(db);
  const plans = await plansOf(() => tunings.learntSessions(filter, 30));
  expect(plans).toContain(index);
  expect(plans).not.toMatch(/TEMP B-TREE|SCAN tunings$/m);
});

it('replaces what a tuner learnt by its key', async () => {
  const learnt = { runId: 'r', start: 1, service: 's', at: 't', space: 'knobs', session: {} };
  const plans = await plansOf(() => tuningQueries(db).saveLearnt(learnt));
  expect(plans).toContain('(run_id=? AND start=?)');
});
