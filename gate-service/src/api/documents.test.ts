import { mkdir, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeSampleFile } from '../load/sample-file.ts';
import { FORMAT, HEADER } from '../load/sample-format.ts';
import type { Judgement, ThresholdOutcome } from '../judge/judgement.ts';
import type { MeasurementRecord } from '../runs/run-store.ts';
import type { OverrideView } from '../runs/run.ts';
import type { TuningView } from '../runs/tuning-record.ts';
import type { Problem } from './problems/problem.ts';
import { jtlOf } from './runs/documents/jtl.ts';
import { escapeMarkup } from './runs/documents/markup.ts';
import { bearer, openApiFixture, runView } from '../../../test/support/api-fixture.ts';
import type { ApiFixture } from '../../../test/support/api-fixture.ts';

let fixture: ApiFixture;
beforeEach(async () => {
  fixture = await openApiFixture();
});
afterEach(() => fixture.close());

const get = (path: string) =>
  fixture.app.inject({ url: `/v1/runs/run-1/${path}`, headers: bearer('read') });

function outcome(changes: Partial<ThresholdOutcome> = {}): ThresholdOutcome {
  return {
    threshold: 'p95 <= baseline + 5%',
    outcome: 'met',
    unit: 'ratio',
    effect: 0.01,
    low: -0.02,
    high: 0.04,
    confidence: 0.95,
    limit: 0.05,
    sentence: 'p95 is about as fast.',
    ...changes,
  };
}

const nasty = `<script>alert("1")</script> & 'more' \u0007 \ud800`;
const breached = outcome({
  threshold: 'p99{kind=search} < 1s',
  outcome: 'breached',
  unit: 'ms',
  limit: 1000,
  effect: Infinity,
  high: Infinity,
  sentence: nasty,
});
const judgement: Judgement = {
  decision: 'rollback',
  cause: 'breached',
  outcomes: [outcome(), breached],
  shown: [],
  controls: [],
  windows: { planned: 8, counted: 8, dropped: 0 },
  summary: 'slower',
  procedure: 'test',
};

const tuned: TuningView = {
  outcome: 'kept',
  summary: nasty,
  objective: 'p95',
  memory: [nasty],
  advice: [nasty],
  evaluations: [
    {
      number: 2,
      configurationHash: 'c',
      source: 'critic',
      reason: nasty,
      changes: [{ knob: 'places', from: 150, to: 640, share: 0.9 }],
      predicted: { change: -0.18, low: -0.4, high: 0.04, safe: 0.93 },
      margins: [{ metric: 'errors', max: 0.001, measured: 0.021, share: -20 }],
      verdict: 'unsafe',
      sentence: nasty,
    },
  ],
};

async function measured(): Promise<void> {
  await fixture.runs.begin(runView());
  fixture.runs.views.set(
    'run-1',
    runView({
      phase: 'finished',
      decision: 'rollback',
      cause: 'breached',
      summary: nasty,
      label: nasty,
      phases: [{ phase: 'measuring', seconds: 20.5 }],
      evidence: judgement.outcomes,
      controls: [
        { control: 'same-build', passed: true, sentence: 'agrees with itself' },
        { control: 'planted', passed: false, sentence: 'was not seen' },
      ],
      attempts: [{ number: 1, purpose: 'measuring', sentence: nasty }],
      tuning: tuned,
    }),
  );
  const measurement: MeasurementRecord = {
    id: 'm-1',
    runId: 'run-1',
    attempt: 1,
    purpose: 'measuring',
    file: 'samples/m-1.csv.gz',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:00:20.000Z',
    arms: [],
    windowsPlanned: 8,
    windowsMeasured: 8,
    windowsCounted: 8,
    windowSeconds: 2.5,
    pairsPerSecond: 100,
    seed: 7,
    steady: true,
    counters: { sent: 3, received: 3, inFlight: 0, cpuSeconds: 0.1 },
  };
  await fixture.store.saveMeasurement(measurement);
  await fixture.store.saveMeasurement({
    ...measurement,
    id: 'm-2',
    attempt: 2,
    file: 'samples/m-2.csv.gz',
  });
  await fixture.store.saveMeasurement({
    ...measurement,
    id: 'm-3',
    attempt: 3,
    file: '../outside',
  });
  await fixture.store.saveJudgement({
    id: 'j-1',
    runId: 'run-1',
    measurementId: 'm-1',
    at: '2026-01-01T00:00:21.000Z',
    by: 'run',
    thresholds: judgement.outcomes.map((one) => one.threshold),
    shown: [],
    options: { seed: 7 },
    judgement,
  });
  await fixture.store.updateRun('run-1', 1, { judgementId: 'j-1' });
  await mkdir(join(fixture.directory, 'samples'));
  const sample = {
    arm: 'baseline',
    launch: 'n1',
    window: 0,
    kind: 'cart',
    latencyUs: 41_600,
  } as const;
  await writeSampleFile(join(fixture.directory, 'samples/m-1.csv.gz'), {
    windowsPlanned: 8,
    fitness: [],
    samples: [
      { ...sample, window: -1, intendedUs: 0, status: 'ok' },
      { ...sample, intendedUs: 1_500_400, status: 'ok' },
      { ...sample, arm: 'candidate', intendedUs: 2_000_000, status: '500' },
      { ...sample, arm: 'candidate', intendedUs: 3_000_000, status: 'timeout' },
    ],
  });
}

describe('documents of a run', () => {
  beforeEach(measured);

  it('hold all that the decision rests on, and no path of the machine', async () => {
    const answer = await get('evidence');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      decision: 'rollback',
      judgements: [{ id: 'j-1', deciding: true, measurement: 'm-1', options: { seed: 7 } }],
      measurements: [
        { id: 'm-1', samples: '/v1/runs/run-1/samples?measurement=m-1' },
        { id: 'm-2' },
        { id: 'm-3' },
      ],
    });
    expect(answer.body).not.toContain('.csv.gz');
    expect(answer.body).not.toContain('outside');
  });

  it('give the samples of the deciding measurement, or of another that is named', async () => {
    const answer = await get('samples');
    expect(answer.headers['content-type']).toBe('application/gzip');
    expect(answer.headers['content-disposition']).toContain('m-1.csv.gz');
    expect(gunzipSync(answer.rawPayload).toString()).toContain('baseline,n1,0,cart,1500400');
    expect((await get('samples?measurement=m-2')).json<Problem>()).toMatchObject({
      status: 410,
      code: 'samples-gone',
    });
    expect((await get('results.jtl?measurement=m-2')).statusCode).toBe(410);
    expect((await get('samples?measurement=m-9')).json<Problem>().code).toBe('no-measurement');
    expect((await get('samples?measurement=../m-1')).statusCode).toBe(400);
    expect((await get('samples?measurement=m-3')).json<Problem>().code).toBe('internal-error');
  });

  it('are JTL without warm-up, in whole milliseconds', async () => {
    const start = Date.parse('2026-01-01T00:00:00.000Z');
    expect((await get('results.jtl')).body.split('\n')).toStrictEqual([
      'timeStamp,elapsed,label,responseCode,responseMessage,success,bytes',
      `${String(start + 1500)},42,baseline/cart,200,,true,0`,
      `${String(start + 2000)},42,candidate/cart,500,,false,0`,
      `${String(start + 3000)},42,candidate/cart,,timeout,false,0`,
      '',
    ]);
  });

  it('are streamed as JTL: HEAD reads nothing, and what is damaged does not look whole', async () => {
    const url = '/v1/runs/run-1/results.jtl';
    const file = join(fixture.directory, 'samples', 'm-1.csv.gz');
    const text = `# format: ${FORMAT}\n${HEADER}\n`;
    const row = 'candidate,n1,0,cart,2000000,42000,ok\n';
    const packed = gzipSync(text + row.repeat(50_000));
    await writeFile(file, packed);
    let longest = 0;
    let lines = 0;
    for await (const piece of jtlOf(file, 0)) {
      longest = Math.max(longest, piece.length);
      lines += piece.split('\n').length - 1;
    }
    expect(lines).toBe(50_001);
    expect(longest).toBeLessThan(1_000_000);

    await writeFile(file, packed.subarray(0, packed.length / 2));
    await fixture.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = fixture.app.server.address() as AddressInfo;
    const broken = await fetch(`http://127.0.0.1:${port}${url}`, { headers: bearer('read') });
    await expect(broken.text()).rejects.toThrow();
    await writeFile(file, gzipSync(`${text}nonsense\n`));
    expect((await get('results.jtl')).statusCode).toBe(500);
    const head = await fixture.app.inject({ method: 'HEAD', url, headers: bearer('read') });
    expect(head.statusCode).toBe(200);
    expect(head.headers['content-type']).toContain('text/csv');
  }, 30_000);

  it('are JUnit: a breach fails, what was not measured is an error', async () => {
    const { body } = await get('junit.xml');
    expect(body).toContain('tests="5" failures="2" errors="1"');
    expect(body).toMatch(/name="p95 &lt;= baseline \+ 5%"><system-out>/);
    expect(body).toMatch(/name="p99\{kind=search\} &lt; 1s"><failure type="breached"/);
    expect(body).toMatch(/name="planted"><error type="invalid"/);
    expect(body).not.toContain('<script>');
    expect(body).not.toContain('\u0007');
  });

  it('are one report that loads and runs nothing, whatever the texts hold', async () => {
    const answer = await get('report.html');
    expect(answer.headers['content-security-policy']).toContain('sandbox');
    expect(answer.body).not.toMatch(/<script|<link|src=|@import|url\(/);
    expect(answer.body).toContain('✗ breached');
    expect(answer.body).toContain('+1.0 % (−2.0 % to +4.0 % at 95 %), limit +5.0 %');
    expect(answer.body.match(/<svg/g)).toHaveLength(1);
    expect(answer.body).toContain('<h2>Tuning: kept</h2>');
    expect(answer.body).toContain('2: ✗ unsafe');
    expect(answer.body).toContain('<code>places</code> 150 → 640 (carries 90 %)');
    expect(answer.body).toContain('Expected p95 −18.0 % (−40.0 % to +4.0 %); all limits hold');
    expect(answer.body).toContain('errors 2.10 %, limit 0.10 %: broken');
  });
});

it('say so when nothing was measured or decided yet', async () => {
  await fixture.runs.begin(runView());
  expect((await get('samples')).json<Problem>()).toMatchObject({
    status: 404,
    code: 'no-measurement',
  });
  expect((await get('junit.xml')).body).toContain('<error type="unfinished"');
  expect((await get('report.html')).body).toContain('Not finished');
  expect((await get('evidence')).json()).toMatchObject({ judgements: [], measurements: [] });
});

describe('documents of a run beside whose decision somebody ordered something', () => {
  beforeEach(async () => {
    const override: OverrideView = {
      id: 'o-1',
      actor: 'ann',
      order: 'promote',
      reason: 'a <b>known</b> regression',
      at: '2026-01-01T00:10:00.000Z',
      expiresAt: '2026-01-01T01:10:00.000Z',
      state: 'acted',
      outcome: 'overridden although the measurement was invalid: promotion o-1 begins',
      cause: 'invalid',
      promotion: { id: 'o-1', state: 'returned', steps: [], summary: 'p95 rose at 25 %' },
    };
    await fixture.runs.begin(
      runView({
        phase: 'finished',
        decision: 'rollback',
        cause: 'invalid',
        summary: 'too noisy.',
        startedBy: 'bob',
        earlierRuns: 3,
        loosened: ['p50 <= baseline + 25% instead of p50 <= baseline + 10%'],
        override,
        overrides: [override],
      }),
    );
  });

  it('show who ordered what, against what, and what came of it', async () => {
    const { body } = await get('report.html');
    for (const part of [
      'ann ordered <strong>promote</strong>',
      'a &lt;b&gt;known&lt;/b&gt; regression',
      'overridden although the measurement was invalid',
      'promotion returned, p95 rose at 25 %',
      'build started by bob',
      'Runs of this build before</dt><dd>3',
      'Loosened for this run: p50 &lt;= baseline + 25%',
    ]) {
      expect(body).toContain(part);
    }
    expect((await get('junit.xml')).body).toMatch(/<error type="invalid"[^>]*ann ordered promote/);
    expect((await get('evidence')).json()).toMatchObject({
      earlierRuns: 3,
      startedBy: 'bob',
      overrides: [{ actor: 'ann', state: 'acted', promotion: { state: 'returned' } }],
    });
  });
});

it('show that a run is being cancelled', async () => {
  const cancel = { actor: 'ann', at: '2026-01-01T00:01:00.000Z' };
  await fixture.runs.begin(runView({ phase: 'measuring', cancel }));
  expect((await get('report.html')).body).toContain('ann has cancelled the run');
  expect((await get('junit.xml')).body).toContain('and ann has cancelled it');
});

it('escapes what XML does not allow', () => {
  expect(escapeMarkup(`a<b>&"'\u0000\ud800😀\n`)).toBe('a&lt;b&gt;&amp;&quot;&#39;��😀\n');
});
