import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bearer, openApiFixture, runView } from '../../../../test/support/api-fixture.ts';
import type { ApiFixture } from '../../../../test/support/api-fixture.ts';
import type { DeliveryRecord, MeasurementRecord } from '../../runs/run-store.ts';
import type { Problem } from '../problems/problem.ts';

// Generous: the machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

let fixture: ApiFixture;
beforeEach(async () => {
  fixture = await openApiFixture();
});
afterEach(() => fixture.close());

const all = bearer('everything');
const build = 'a'.repeat(64);
const HOUR_MS = 3_600_000;

describe('/readyz', () => {
  const ask = () => fixture.app.inject('/readyz');

  it('waits for somebody to drive, once', async () => {
    fixture.runs.drivingNow = { here: false };
    const answer = await ask();
    expect(answer.statusCode).toBe(503);
    expect(answer.json<Problem>()).toMatchObject({ code: 'no-driver' });

    fixture.runs.drivingNow = { here: false, holder: 'host-7/0f/123/456' };
    expect((await ask()).json()).toMatchObject({
      status: 'ready',
      checks: [
        { name: 'store', status: 'ok' },
        { name: 'driver', status: 'standby' },
      ],
    });
    // Anybody may ask: names of hosts are not for them.
    expect((await ask()).body).not.toContain('host-7');

    fixture.runs.drivingNow = { here: false };
    expect((await ask()).json()).toMatchObject({
      status: 'ready',
      checks: [{}, { name: 'driver', status: 'waiting' }],
    });
  });
});

describe('/metrics', () => {
  const scrape = async (): Promise<string> => {
    const answer = await fixture.app.inject({ url: '/metrics', headers: all });
    expect(answer.statusCode).toBe(200);
    return answer.body;
  };
  const later = (ms: number): string => new Date(Date.now() + ms).toISOString();

  it('says what a finished run did, once, whoever asks at the same time', async () => {
    await fixture.runs.begin(runView({ id: 'run-1', createdAt: later(-60_000) }));
    const { store } = fixture;
    for (const [n, purpose] of (['measuring', 'tuning'] as const).entries()) {
      await store.saveMeasurement(measurement(`measurement-${n}`, n, purpose));
    }
    const base = { runId: 'run-1', startedAt: later(0), sentence: 's' };
    const tuning = { ...base, purpose: 'tuning' } as const;
    await store.saveAttempt({
      ...base,
      purpose: 'measuring',
      number: 0,
      measurementId: 'measurement-0',
    });
    await store.saveAttempt({ ...tuning, number: 1, measurementId: 'measurement-1' });
    await store.saveAttempt({ ...tuning, number: 2 });
    const control = { passed: true, sentence: 's' };
    await store.saveJudgement({
      id: 'judgement-1',
      runId: 'run-1',
      measurementId: 'measurement-0',
      at: later(0),
      by: 'run',
      thresholds: [],
      shown: [],
      options: {},
      judgement: {
        decision: 'pass',
        cause: 'met',
        outcomes: [],
        shown: [],
        controls: [
          { ...control, control: 'sender' },
          { ...control, control: 'planted', passed: false },
          { ...control, control: 'steady', notRun: true },
        ],
        windows: { planned: 8, counted: 8, dropped: 2 },
        summary: 's',
        procedure: 'p',
      },
    });
    const finishedAt = later(30_000);
    await store.updateRun('run-1', 1, {
      phase: 'finished',
      decision: 'pass',
      cause: 'met',
      judgementId: 'judgement-1',
      configuration: { hash: 'c', adopted: true },
      finishedAt,
    });
    await Promise.all([scrape(), scrape(), scrape()]);
    const text = await scrape();
    for (const line of [
      'speed_gate_run_seconds_count{service="checkout",decision="pass"} 1',
      'speed_gate_windows_total{service="checkout",result="counted"} 16',
      'speed_gate_windows_total{service="checkout",result="spoilt"} 4',
      'speed_gate_sender_lateness_seconds_count{service="checkout"} 2',
      'speed_gate_sender_lateness_seconds_sum{service="checkout"} 0.0006',
      'speed_gate_controls_total{service="checkout",control="sender",result="passed"} 1',
      'speed_gate_controls_total{service="checkout",control="planted",result="failed"} 1',
      'speed_gate_controls_total{service="checkout",control="steady",result="not_run"} 1',
      'speed_gate_tuning_evaluations_total{service="checkout",result="measured"} 1',
      'speed_gate_tuning_evaluations_total{service="checkout",result="dropped"} 1',
      'speed_gate_tuning_adopted_total{service="checkout"} 1',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
  });

  it('counts queue, promotions, overrides and messages in the store', async () => {
    const { store } = fixture;
    await fixture.runs.begin(runView({ id: 'run-1', createdAt: later(-HOUR_MS) }));
    await fixture.runs.begin(runView({ id: 'run-2', createdAt: later(-1000) }));
    for (const [n, state] of (['completed', 'returned', 'running'] as const).entries()) {
      await store.createPromotion({
        id: `promotion-${n}`,
        service: 'checkout',
        build,
        configurationHash: 'c',
        origin: 'person',
        actor: 'ada',
        reason: 'as it was judged to pass',
        createdAt: later(0),
        state,
        stage: state === 'running' ? 'weighting' : 'ended',
        steps: [],
      });
    }
    for (const [n, state] of (['acted', 'waiting'] as const).entries()) {
      await store.saveOverride({
        id: `override-${n}`,
        runId: 'run-1',
        order: 'promote',
        actor: 'ada',
        reason: 'a reason that is long enough',
        at: later(0),
        expiresAt: later(HOUR_MS),
        state,
      });
    }
    await store.enqueueDelivery(delivery('delivery-1', { createdAt: later(-2 * HOUR_MS) }));
    await store.enqueueDelivery(delivery('delivery-2', { state: 'given-up' }));
    const text = await scrape();
    for (const line of [
      'speed_gate_runs_unfinished{phase="queued"} 2',
      'speed_gate_promotions_ended_total{service="checkout",origin="person",state="completed"} 1',
      'speed_gate_promotions_ended_total{service="checkout",origin="person",state="returned"} 1',
      'speed_gate_promotions_running{service="checkout"} 1',
      'speed_gate_overrides_total{service="checkout",order="promote"} 2',
      'speed_gate_overrides_waiting{service="checkout"} 1',
      'speed_gate_deliveries{endpoint="chat",state="due"} 1',
      'speed_gate_deliveries{endpoint="chat",state="given-up"} 1',
      'speed_gate_driving 1',
      'speed_gate_driver_known 1',
      'speed_gate_store_up 1',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    const value = (name: string) =>
      Number(new RegExp(`^${name}(?:{.*})? (.*)$`, 'm').exec(text)?.[1]);
    expect(value('speed_gate_queue_oldest_age_seconds')).toBeGreaterThanOrEqual(3600);
    expect(value('speed_gate_delivery_oldest_due_age_seconds')).toBeGreaterThanOrEqual(7200);
    expect(text).toMatch(/^speed_gate_build_info\{version="\d+\.\d+\.\d+",node="v\d+/m);
    expect(text).toMatch(/^speed_gate_process_resident_memory_bytes \d/m);
  });

  it('says the rest, and that something is missing, when the store is away', async () => {
    await fixture.store.close();
    const text = await scrape();
    expect(text).toContain('speed_gate_store_up 0\n');
    expect(text).toContain('speed_gate_driving 1\n');
    expect(await scrape()).toMatch(/^speed_gate_metrics_collect_failures_total [1-9]/m);
  });
});

describe('deliveries', () => {
  const get = (query = '') => fixture.app.inject({ url: `/v1/deliveries${query}`, headers: all });
  const retry = (id: string) =>
    fixture.app.inject({ method: 'POST', url: `/v1/deliveries/${id}/retry`, headers: all });

  it('are shown newest first, by endpoint, state and subject, and without what they say', async () => {
    await fixture.store.enqueueDelivery(
      delivery('delivery-1', { createdAt: '2026-01-01T00:00:00.000Z' }),
    );
    await fixture.store.enqueueDelivery(
      delivery('delivery-2', { state: 'given-up', attempts: 12, lastAnswer: '500: no' }),
    );
    const answer = await get();
    expect(answer.json()).toMatchObject({ items: [{ id: 'delivery-2' }, { id: 'delivery-1' }] });
    expect(answer.body).not.toContain('hook-token');
    expect((await get('?state=given-up')).json()).toStrictEqual({
      items: [
        {
          id: 'delivery-2',
          endpoint: 'chat',
          type: 'decision',
          subject: 'delivery-2',
          state: 'given-up',
          createdAt: '2026-02-01T00:00:00.000Z',
          attempts: 12,
          lastAnswer: '500: no',
        },
      ],
    });
    expect((await get('?endpoint=other')).json()).toStrictEqual({ items: [] });
    expect((await get('?state=lost')).statusCode).toBe(400);
  });

  it('that were given up can be tried again, which is audited; others cannot', async () => {
    await fixture.store.enqueueDelivery(delivery('delivery-1'));
    await fixture.store.enqueueDelivery(
      delivery('delivery-2', { state: 'given-up', attempts: 12 }),
    );
    const again = await retry('delivery-2');
    expect(again.statusCode).toBe(202);
    expect(again.json()).toMatchObject({ state: 'due', attempts: 0 });
    const { items } = await fixture.store.deliveries({ id: 'delivery-2' }, { limit: 1 });
    expect(items[0]).toMatchObject({ state: 'due', attempts: 0 });
    const audit = await fixture.store.audit({ subject: 'delivery-2' }, { limit: 5 });
    expect(audit.items.map(({ action, actor }) => [action, actor])).toStrictEqual([
      ['delivery.retry', 'everything'],
    ]);
    expect((await retry('delivery-1')).json<Problem>()).toMatchObject({
      status: 409,
      code: 'not-given-up',
    });
    expect((await retry('delivery-9')).json<Problem>()).toMatchObject({
      status: 404,
      code: 'unknown-delivery',
    });
  });
});

it('a request that asks to wake a job which nobody can wake is refused', async () => {
  const answer = await fixture.app.inject({
    method: 'POST',
    url: '/v1/runs',
    headers: all,
    payload: { service: 'checkout', build, wake: { endpoint: 'ci', token: 'bef13807' } },
  });
  expect(answer.json<Problem>()).toMatchObject({
    status: 422,
    code: 'unknown-wake',
    errors: [{ pointer: '/wake/endpoint' }],
  });
  expect(fixture.runs.calls).toHaveLength(0);
});

function delivery(id: string, changes: Partial<DeliveryRecord> = {}): DeliveryRecord {
  return {
    id,
    endpoint: 'chat',
    subject: id,
    type: 'decision',
    body: '{"run":"run-1","hook":"hook-token"}',
    createdAt: '2026-02-01T00:00:00.000Z',
    state: 'due',
    attempts: 0,
    nextAt: '2026-02-01T00:00:00.000Z',
    ...changes,
  };
}

function measurement(
  id: string,
  attempt: number,
  purpose: MeasurementRecord['purpose'],
): MeasurementRecord {
  return {
    id,
    runId: 'run-1',
    attempt,
    purpose,
    file: 'f',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:01:00.000Z',
    arms: [],
    windowsPlanned: 8,
    windowsMeasured: 10,
    windowsCounted: 8,
    windowSeconds: 2,
    pairsPerSecond: 10,
    seed: 1,
    steady: true,
    counters: { sent: 1, received: 1, inFlight: 0, cpuSeconds: 1 },
    latenessP99Us: 300,
  };
}
