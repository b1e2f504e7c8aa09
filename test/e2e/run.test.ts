/** One good push on the real stack, promoted by itself, and the button back. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { InForce } from '../../gate-service/src/runs/run-store.ts';
import type { RunView } from '../../gate-service/src/runs/run.ts';
import { components, SERVICE, startGate, type TestGate } from '../support/gate-fixture.ts';
import { until } from '../support/processes.ts';
import { ProductionWatch } from '../faults/production-watch.ts';

const thresholds = ['p50 <= baseline + 100%', 'errors < 5%'];
/** A machine that is busy may spoil both attempts; the gate says so, and a push would be repeated as well. */
const PUSHES = 3;

let gate: TestGate;
let users: ProductionWatch;
let first: InForce;

beforeAll(async () => {
  gate = await startGate({
    rate: 40,
    service: {
      thresholds,
      shown: [],
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

async function promotedRun(build: string): Promise<RunView> {
  for (let push = 1; ; push += 1) {
    const run = await gate.finished(await gate.submit({ build, promote: 'auto' }));
    console.log(`push ${push}: ${run.decision} (${run.cause}): ${run.summary}`);
    await expectConsistent(run);
    if (run.decision === 'promote') return run;
    // Unlucky or not: what was not promoted has left production as it was.
    expect((await gate.service()).inForce).toEqual(first);
    expect(await gate.productionVersion()).toBe('1.0');
    if (push === PUSHES) return run;
  }
}

it('a good push ends consistent, is promoted where it was met, and the button leads back', async () => {
  const mark = users.mark();
  const build = await gate.upload('1.1');
  const run = await promotedRun(build);
  expect(users.since(mark)).toMatchObject({ failed: 0 });
  const evidence = await gate.call<Record<string, unknown>>('GET', `/v1/runs/${run.id}/evidence`);
  expect(evidence.status).toBe(200);
  if (run.decision !== 'promote') return;

  expect(run.promotion).toMatchObject({ state: 'completed' });
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
  const restored = await until(
    'the restore has ended',
    async () => {
      const { body } = await gate.call<{ state: string; summary?: string }>(
        'GET',
        `/v1/promotions/${order.body.id}`,
      );
      return body.state === 'running' ? undefined : body;
    },
    { withinMs: 180_000 },
  );
  expect(restored).toMatchObject({ state: 'completed' });
  expect(await gate.productionVersion()).toBe('1.0');
  const back = (await gate.service()).inForce!;
  expect(back.build).toBe(components.wars['1.0'].sha256);
  expect(Object.fromEntries(await gate.weights())).toEqual({ [back.armId]: 100 });
  const history = await gate.call<{ items: InForce[] }>('GET', `/v1/services/${SERVICE}/history`);
  expect(history.body.items.map((one) => one.build)).toEqual([first.build, build, first.build]);
  expect((await gate.nodes('production')).every(({ arm }) => arm === back.armId)).toBe(true);
  expect(users.since(mark)).toMatchObject({ failed: 0 });
});
