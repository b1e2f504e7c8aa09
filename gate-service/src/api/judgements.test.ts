/** Judging stored samples again, over HTTP: with the real judge, store and rules, on synthetic samples. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runJudge } from '../runs/adapters/run-judge.ts';
import type { RunRecord } from '../runs/run-store.ts';
import { FakeGate, FakeWorld, NEW, stock } from '../runs/test-support/harness.ts';
import { waits } from '../runs/test-support/waits.ts';
import { openBuildFiles } from '../store/build-files.ts';
import { openStore } from '../store/store.ts';
import type { Store } from '../store/store.ts';
import { buildApp } from './app.ts';
import { createTokenBook, tokenDigest } from './identity/token-book.ts';

const STRICT = 'p50 <= baseline + 20%';
const LOOSE = 'p50 <= baseline + 120%';

interface Judged {
  readonly id: string;
  readonly deciding: boolean;
  readonly rejudges?: string;
  readonly by: string;
  readonly thresholds: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly judgement: { readonly decision: string; readonly cause: string };
}

let directory: string;
let store: Store;
let world: FakeWorld;
let gate: FakeGate;
let app: FastifyInstance;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'speed-gate-judgements-'));
  store = await openStore({ file: ':memory:' });
  world = new FakeWorld(store);
  await world.seed();
  Object.assign(world.service, { thresholds: [STRICT] });
  waits(world.sender, (arm) => (arm === 'candidate' ? 1.6 : 1));
  gate = new FakeGate(world, {
    judge: runJudge,
    profile: { windows: 12, planted: { windows: 4, delayMs: 20 } },
  });
  app = await buildApp({
    runs: gate.runs,
    store,
    buildFiles: await openBuildFiles({ directory, maxBytes: 1024 }),
    tokens: createTokenBook([
      {
        name: 'ann',
        kind: 'person',
        sha256: tokenDigest('token-of-ann-0123456789'),
        rights: ['read', 'run', 'promote'],
      },
    ]),
    stateDirectory: directory,
    maxBuildBytes: 1024,
  });
});
afterEach(async () => {
  await app.close();
  await store.close();
  await rm(directory, { recursive: true });
});

const headers = { authorization: 'Bearer token-of-ann-0123456789' };
const judgeAgain = async (run: RunRecord, payload: object) => {
  await world.clock.run(world.clock.sleep(1000));
  return app.inject({ method: 'POST', url: `/v1/runs/${run.id}/judgements`, headers, payload });
};
const listed = async (run: RunRecord) =>
  (await app.inject({ url: `/v1/runs/${run.id}/judgements`, headers })).json<{ items: Judged[] }>()
    .items;

describe('a run judged again', () => {
  it('is judged alike under the same thresholds and seed', async () => {
    const run = await gate.gate({ promote: 'never' });
    expect(run).toMatchObject({ decision: 'rollback', cause: 'breached' });
    const answer = await judgeAgain(run, { thresholds: [STRICT] });
    expect(answer.statusCode).toBe(201);
    const [first, again] = await listed(run);
    expect(first).toMatchObject({ deciding: true, by: 'run' });
    expect(again).toMatchObject({ deciding: false, by: 'ann', rejudges: first!.id });
    expect(again!.judgement).toEqual(first!.judgement);
    expect(again!.options).toEqual(first!.options);
    const one = await app.inject({ url: answer.headers.location!, headers });
    expect(one.json()).toEqual(again);
  });

  it('can pass under looser thresholds; decision and first judgement stay as they were', async () => {
    const run = await gate.gate({ promote: 'never' });
    const [first] = await listed(run);
    const answer = await judgeAgain(run, { thresholds: [LOOSE], shown: [STRICT], seed: 4 });
    expect(answer.json<Judged>().options).toMatchObject({ seed: 4 });
    const list = await listed(run);
    expect(list[0]).toEqual(first);
    expect(list[1]?.judgement).toMatchObject({ decision: expect.any(String) as string });
    const view = (await app.inject({ url: `/v1/runs/${run.id}`, headers })).json<object>();
    expect(view).toMatchObject({
      decision: 'rollback',
      cause: 'breached',
      evidence: [{ threshold: STRICT, outcome: 'breached' }],
    });
    const evidence = await app.inject({ url: `/v1/runs/${run.id}/evidence`, headers });
    expect(evidence.json()).toMatchObject({
      judgements: [{ deciding: true }, { deciding: false, rejudges: first!.id }],
    });
  });

  it('does not become promotable by it, however the new judgement came out', async () => {
    const run = await gate.gate({ promote: 'never' });
    const order = { build: NEW, configuration: stock.hash, reason: 'it passes when judged so' };
    const promote = () => gate.runs.promote('checkout', order, 'ann');
    await expect(promote()).rejects.toMatchObject({ code: 'judged-rollback' });
    const met = await judgeAgain(run, { thresholds: ['p50 < 10s'], controls: 'optional' });
    expect(met.json<Judged>().judgement).toMatchObject({ decision: 'pass', cause: 'met' });
    await expect(promote()).rejects.toMatchObject({ code: 'judged-rollback' });
    expect((await store.serviceState('checkout')).inForce?.build).not.toBe(NEW);
  });

  it('ends at the look that settles the other thresholds, as a run would have', async () => {
    Object.assign(world.service, { thresholds: ['p50 <= baseline + 60%'] });
    const run = await gate.gate({ promote: 'never' });
    expect(run).toMatchObject({ cause: 'inconclusive' });
    const answer = await judgeAgain(run, { thresholds: [STRICT] });
    const { judgement, options } = answer.json<Judged>();
    expect(judgement.cause).toBe('breached');
    expect(options.look).toBeLessThan(12);
  });

  it('is not decided by windows that an early end has left out', async () => {
    const run = await gate.gate({ promote: 'never' });
    const [measurement] = await store.measurements(run.id);
    expect(measurement!.stoppedAt).toBeLessThan(12);
    // True effect at the limit: nothing can settle that.
    const answer = await judgeAgain(run, { thresholds: ['p50 <= baseline + 60%'] });
    expect(answer.json<Judged>().judgement).toMatchObject({ cause: 'inconclusive' });
  });

  it.each([
    ['no threshold', { thresholds: [] }, 400, 'invalid-request'],
    ['a threshold that is none', { thresholds: ['p50 =< 3ms'] }, 422, 'invalid-threshold'],
    ['a kind that was not sent', { thresholds: ['p50{kind=x} < 3ms'] }, 422, 'invalid-threshold'],
    ['an unknown field', { thresholds: [STRICT], promote: 'auto' }, 400, 'invalid-request'],
    ['an unknown measurement', { thresholds: [STRICT], measurement: 'm' }, 409, 'no-measurement'],
  ])('is refused with %s', async (_, payload, status, code) => {
    const run = await gate.gate({ promote: 'never' });
    const answer = await judgeAgain(run, payload);
    expect(answer.json()).toMatchObject({ status, code });
    expect((await listed(run)).every(({ by }) => by === 'run')).toBe(true);
  });

  it('is refused once its samples are gone', async () => {
    const run = await gate.gate({ promote: 'never' });
    world.sender.files.clear();
    expect((await judgeAgain(run, { thresholds: [STRICT] })).json()).toMatchObject({
      status: 410,
      code: 'samples-gone',
    });
  });

  it('is refused where the run itself could not judge the measurement', async () => {
    world.sender.launchOf = () => 'candidate-2-node-1';
    const run = await gate.gate({ promote: 'never' });
    expect(run).toMatchObject({ cause: 'invalid' });
    expect(await store.measurements(run.id)).toHaveLength(2);
    const answer = await judgeAgain(run, { thresholds: [LOOSE], controls: 'optional' });
    expect(answer.json()).toMatchObject({ status: 409, code: 'no-measurement' });
  });

  it('is refused while it is under way', async () => {
    const { run } = await gate.runs.submit({ service: 'checkout', build: NEW }, 'ci');
    const record = (await store.run(run.id))!;
    expect((await judgeAgain(record, { thresholds: [STRICT] })).json()).toMatchObject({
      status: 409,
      code: 'not-finished',
    });
  });

  it('is said to be unknown when it is', async () => {
    const run = await gate.gate({ promote: 'never' });
    for (const url of ['/v1/runs/none/judgements', `/v1/runs/${run.id}/judgements/none`]) {
      expect((await app.inject({ url, headers })).statusCode).toBe(404);
    }
  });
});
