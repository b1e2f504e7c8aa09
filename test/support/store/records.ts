/** Records for tests of the store, whole and small. */
import type {
  DeliveryRecord,
  JudgementRecord,
  MeasurementRecord,
  NewRun,
  OverrideRecord,
} from '../../../gate-service/src/runs/run-store.ts';

export const BUILD = 'a'.repeat(64);

/** The n-th second of a day, so that instants can be told apart and sorted. */
export function second(n: number): string {
  return new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString();
}

export function newRun(id: string, changes: Partial<NewRun> = {}): NewRun {
  const service = changes.service ?? 'checkout';
  const build = changes.build ?? BUILD;
  return {
    id,
    service,
    build,
    request: { service, build },
    settings: {
      workload: {
        rate: 10,
        arrivals: 'poisson',
        freshConnections: 0,
        requests: [
          { name: 'cart', weight: 1, method: 'GET', path: '/cart', headers: {}, expect: {} },
        ],
      },
      thresholds: ['p95 < 200ms'],
      shown: [],
      tune: 'off',
      promote: 'manual',
      profile: 'quick',
      against: 'production',
      seed: 7,
    },
    requestedBy: 'ci',
    createdAt: second(0),
    phase: 'queued',
    phases: [{ phase: 'queued', startedAt: second(0) }],
    ...changes,
  };
}

/** A finished run; a rollback by `breached` unless said otherwise. */
export function finishedRun(id: string, changes: Partial<NewRun> = {}): NewRun {
  return newRun(id, {
    phase: 'finished',
    decision: 'rollback',
    cause: 'breached',
    summary: 'slower',
    finishedAt: second(60),
    ...changes,
  });
}

export function measurement(
  id: string,
  runId: string,
  changes: Partial<MeasurementRecord> = {},
): MeasurementRecord {
  return {
    id,
    runId,
    attempt: 1,
    purpose: 'measuring',
    file: `samples/${id}.csv.gz`,
    startedAt: second(10),
    endedAt: second(30),
    arms: [],
    windowsPlanned: 8,
    windowsMeasured: 8,
    windowSeconds: 2,
    pairsPerSecond: 50,
    seed: 7,
    steady: true,
    counters: { sent: 1600, received: 1600, inFlight: 0, cpuSeconds: 0.5 },
    ...changes,
  };
}

export function judgement(id: string, runId: string, effect: number): JudgementRecord {
  return {
    id,
    runId,
    measurementId: `of-${id}`,
    at: second(40),
    by: 'run',
    thresholds: ['p95 <= baseline + 5%'],
    shown: [],
    options: {},
    judgement: {
      decision: 'rollback',
      cause: 'breached',
      outcomes: [
        {
          threshold: 'p95 <= baseline + 5%',
          outcome: 'breached',
          unit: 'ratio',
          effect,
          low: effect - 0.01,
          high: Infinity,
          confidence: 0.95,
          limit: 0.05,
          sentence: 'slower',
        },
      ],
      shown: [],
      controls: [],
      windows: { planned: 8, counted: 8, dropped: 0 },
      summary: 'slower',
      procedure: '1',
    },
  };
}

export function override(id: string, runId: string, changes: Partial<OverrideRecord> = {}) {
  return {
    id,
    runId,
    order: 'promote',
    actor: 'ann',
    reason: 'the shop must open today',
    at: second(70),
    expiresAt: second(3600),
    state: 'waiting',
    ...changes,
  } satisfies OverrideRecord;
}

export function delivery(id: string, changes: Partial<DeliveryRecord> = {}): DeliveryRecord {
  return {
    id,
    endpoint: 'chat',
    subject: id,
    type: 'decision',
    body: '{"decision":"pass"}',
    createdAt: second(0),
    state: 'due',
    attempts: 0,
    nextAt: second(0),
    ...changes,
  };
}
