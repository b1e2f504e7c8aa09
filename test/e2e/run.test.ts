/** One good push on the real stack, promoted by itself or by a person's order, and the button back. */
import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Judgement } from '../../gate-service/src/judge/judgement.ts';
import type { InForce, MeasurementRecord } from '../../gate-service/src/runs/run-store.ts';
import type { RunView } from '../../gate-service/src/runs/run.ts';
import { components, SERVICE, startGate, type TestGate } from '../support/gate-fixture.ts';
import { until } from '../support/processes.ts';
import { ProductionWatch } from '../faults/production-watch.ts';

interface Judged {
  readonly id: string;
  readonly deciding: boolean;
  readonly judgement: Judgement;
}

interface Evidence {
  readonly measurements: readonly MeasurementRecord[];
}

const thresholds = ['p50 <= baseline + 100%', 'errors < 5%'];
/** Measured and shown: the nodes' CPU seconds come from real agents. */
const shown = ['cpu_per_request <= baseline + 100%'];

let gate: TestGate;
let users: ProductionWatch;
let first: InForce;

beforeAll(async () => {
  gate = await startGate({
    rate: 40,
    service: {
      thresholds,
      shown,
      promotion: { default: 'auto', stepSeconds: 2, holdSeconds: 2, minimumRequests: 20 },
    },
  });
  users = new ProductionWatch(gate);
  await users.served(10);
  first = (await gate.service()).inForce!;
});

afterAll(async () => {
  await users.stop();
  await gate.close();
});

/** Its median is twice as long. */
const APPLICATION_WAITS_MS = 20;
const ORDER = ['queued', 'deploying', 'measuring', 'judging', 'promoting', 'restoring'];

/** What must hold of every answer, however the measurement came out. */
async function expectConsistent(run: RunView): Promise<void> {
  const phases = run.phases.map(({ phase }) => phase);
  expect(phases).toEqual(ORDER.filter((phase) => phases.includes(phase as RunView['phase'])));
  expect(phases.slice(0, 4)).toEqual(ORDER.slice(0, 4));
  expect(phases.at(-1)).toBe(run.decision === 'promote' ? 'promoting' : 'restoring');
  expect(run.evidence.map(({ threshold }) => threshold).sort()).toEqual([...thresholds].sort());
  expect(run.controls.map(({ control }) => control)).toEqual(
    expect.arrayContaining(['same-build', 'planted', 'sender', 'counts']),
  );
  const outcomes = run.evidence.map(({ outcome }) => outcome);
  const controlsPassed = run.controls.every(({ passed }) => passed);
  if (run.decision === 'promote') {
    expect(outcomes).toEqual(thresholds.map(() => 'met'));
    expect(controlsPassed).toBe(true);
    expect(run.cause).toBe('met');
  } else {
    expect(run.decision).toBe('rollback');
    if (run.cause === 'breached' || run.cause === 'inconclusive') {
      expect(outcomes).toContain(run.cause);
    }
    if (run.cause === 'invalid')
      expect(controlsPassed && !outcomes.includes('invalid')).toBe(false);
  }
  const counted = run.attempts.filter(({ judgement }) => judgement !== undefined);
  expect(counted.at(-1)!.judgement).toMatchObject({ outcomes: run.evidence });
  for (const { sentence } of run.evidence) expect(sentence.length).toBeGreaterThan(10);
  const messages = await gate.events(run.id);
  expect(messages.map(({ sequence }) => sequence)).toEqual(messages.map((_, index) => index + 1));
  expect(messages.filter(({ type }) => type === 'decision')).toHaveLength(1);
  expect(messages.at(-1)!.message).toContain(run.summary!);
  expect(await gate.nodes('staging')).toEqual([]);
}

/** The nodes' CPU seconds were read at the end of nearly every window, and are those of working nodes. */
async function expectCpuByWindow(run: RunView): Promise<void> {
  const { body } = await gate.call<Evidence>('GET', `/v1/runs/${run.id}/evidence`);
  const { cpuSecondsByWindow = [], windowSeconds, windowsMeasured } = body.measurements.at(-1)!;
  expect(cpuSecondsByWindow.length).toBeGreaterThan(windowsMeasured);
  for (const { seconds } of cpuSecondsByWindow) {
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(windowSeconds * availableParallelism() * 1.5);
  }
}

/**
 * Where the time of requests went: something everywhere, and with the application what it waits. A pause of
 * the machine counts from when requests were due, before any node has them: it is the proxy's share.
 */
function expectHops({ attempts }: RunView): void {
  const { baseline, candidate } = attempts.at(-1)!.hops!;
  for (const { httpdMs, jettyMs, proxyMs, totalMs } of [baseline!, candidate!]) {
    expect(proxyMs).toBeGreaterThan(0);
    expect(httpdMs).toBeGreaterThan(0);
    expect(jettyMs).toBeGreaterThan(APPLICATION_WAITS_MS);
    expect(jettyMs).toBeGreaterThan(httpdMs);
    expect(proxyMs + httpdMs + jettyMs).toBeCloseTo(totalMs, 6);
  }
}

/** Judged again under the same thresholds and seed, stored samples give the same judgement. */
async function expectSameAgain(run: RunView): Promise<void> {
  const answer = await gate.call<Judged>('POST', `/v1/runs/${run.id}/judgements`, {
    json: { thresholds, shown },
  });
  expect(answer.status).toBe(201);
  const { body } = await gate.call<{ items: Judged[] }>('GET', `/v1/runs/${run.id}/judgements`);
  const first = body.items.find(({ deciding }) => deciding) ?? body.items.at(-2)!;
  expect(answer.body).toMatchObject({ by: 'tester', rejudges: first.id });
  expect(answer.body.judgement).toEqual(first.judgement);
}

async function pushed(build: string): Promise<RunView> {
  const run = await gate.finished(await gate.submit({ build, promote: 'auto' }));
  console.log(`${run.decision} (${run.cause}): ${run.summary}`);
  await expectConsistent(run);
  if (run.decision === 'promote') return run;
  // Unlucky or not: what was not promoted has left production as it was.
  expect((await gate.service()).inForce).toEqual(first);
  expect(await gate.productionVersion()).toBe('1.0');
  return run;
}

/** Id of the promotion that a person's order beside the decision has started; nobody else may give it. */
async function overridden(run: RunView): Promise<string> {
  const seen = await gate.call('GET', `/v1/runs/${run.id}`);
  const json = {
    order: 'promote',
    reason: 'the machine was too busy to show that this build is as fast',
    expiresAt: new Date(Date.now() + 600_000).toISOString(),
  };
  const ask = (token: string, headers: Readonly<Record<string, string>>) =>
    gate.call<RunView>('POST', `/v1/runs/${run.id}/override`, { token, headers, json });
  const seenTag = { 'if-match': String(seen.headers.etag) };
  expect((await ask(gate.approverToken, {})).status).toBe(428);
  expect((await ask(gate.approverToken, { 'if-match': '"1-0-none"' })).status).toBe(412);
  expect((await ask(gate.token, seenTag)).status).toBe(409);
  const order = await ask(gate.approverToken, seenTag);
  expect(order.status).toBe(202);
  const override = order.body.override!;
  expect(order.body).toMatchObject({ decision: run.decision, cause: run.cause });
  expect(override).toMatchObject({ order: 'promote', actor: 'approver' });
  await until('the override has started its promotion', async () => {
    const now = (await gate.run(run.id)).overrides.find(({ id }) => id === override.id);
    return now?.state === 'acted' ? now : undefined;
  });
  return override.id;
}

function ended(promotion: string): Promise<{ readonly state: string; readonly summary?: string }> {
  return until(
    `promotion ${promotion} has ended`,
    async () => {
      const { body } = await gate.call<{ state: string; summary?: string }>(
        'GET',
        `/v1/promotions/${promotion}`,
      );
      return body.state === 'running' ? undefined : body;
    },
    { withinMs: 180_000 },
  );
}

it('a good push ends consistent, gets into production, and the button leads back', async () => {
  const mark = users.mark();
  const build = await gate.upload('1.1');
  const run = await pushed(build);
  expect(users.since(mark)).toMatchObject({ failed: 0 });
  await expectCpuByWindow(run);
  expectHops(run);
  await expectSameAgain(run);

  const promotion = run.decision === 'promote' ? run.promotion!.id : await overridden(run);
  expect(await ended(promotion)).toMatchObject({ state: 'completed' });
  const promoted = await gate.service();
  expect(promoted.inForce).toMatchObject({ build, configurationHash: run.configuration!.hash });
  expect(promoted.lastKnownGood).toMatchObject({ build: first.build });
  expect(await gate.productionVersion()).toBe('1.1');
  expect(Object.fromEntries(await gate.weights())).toEqual({ [promoted.inForce!.armId]: 100 });

  const order = await gate.call<{ id: string }>('POST', `/v1/services/${SERVICE}/promotions`, {
    json: {
      build: first.build,
      configuration: first.configurationHash,
      reason: 'a test of the button back',
    },
  });
  expect(order.status).toBe(202);
  expect(await ended(order.body.id)).toMatchObject({ state: 'completed' });
  expect(await gate.productionVersion()).toBe('1.0');
  const back = (await gate.service()).inForce!;
  expect(back.build).toBe(components.wars['1.0'].sha256);
  expect(Object.fromEntries(await gate.weights())).toEqual({ [back.armId]: 100 });
  const history = await gate.call<{ items: InForce[] }>('GET', `/v1/services/${SERVICE}/history`);
  expect(history.body.items.map((one) => one.build)).toEqual([first.build, build, first.build]);
  expect((await gate.nodes('production')).every(({ arm }) => arm === back.armId)).toBe(true);

  const again = await overridden(run);
  expect(await ended(again)).toMatchObject({ state: 'completed' });
  expect(await gate.productionVersion()).toBe('1.1');
  expect((await gate.service()).inForce).toMatchObject({ build, promotionId: again });
  expect(await gate.run(run.id)).toMatchObject({ decision: run.decision, summary: run.summary });
  expect(users.since(mark)).toMatchObject({ failed: 0 });
});
