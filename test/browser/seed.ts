/** A few weeks of a service's life, as its runs would have left it in the store. */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Judgement } from '../../gate-service/src/judge/judgement.ts';
import { writeSampleFile } from '../../gate-service/src/load/sample-file.ts';
import type { Cause, Decision } from '../../gate-service/src/runs/run.ts';
import type { InForce, NewRun } from '../../gate-service/src/runs/run-store.ts';
import { STOCK_VALUES } from '../../gate-service/src/stack/stock.ts';
import type { Store } from '../../gate-service/src/store/store.ts';
import { judgementOf } from './judgements.ts';
import { measuredSamples } from './samples.ts';
import { tuningOf } from './tunings.ts';

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export const CONFIGURATION = digestOf('stock');
/** Ids of runs that tests open. */
export const RUNS = {
  /** Met everything; nobody has promoted it yet. */
  passed: 'run-passed',
  breached: 'run-breached',
  invalid: 'run-invalid',
  promoted: 'run-promoted',
  overridden: 'run-overridden',
  tuned: 'run-tuned',
  measuring: 'run-measuring',
  queued: 'run-queued',
} as const;

const DAY_MS = 86_400_000;

export interface Seeded {
  readonly inForce: InForce;
  readonly lastKnownGood: InForce;
}

interface Ended {
  readonly id: string;
  readonly label: string;
  readonly daysAgo: number;
  readonly decision: Decision;
  readonly cause: Cause;
  /** Of p95, as a ratio. */
  readonly effect: number;
  readonly summary: string;
  readonly service?: string;
  readonly more?: Partial<NewRun>;
}

const WORDS: Readonly<Record<string, string>> = {
  met: 'Every threshold is met: p50 +0.4 % (−0.6 … +1.4 %), p95 within its margin of +15 %. Nothing had to be restored; a person may promote it.',
  breached:
    'p95 is 21.3 % slower than the baseline (+18.0 … +24.6 %), and the margin is +15 %: the requests of kind order carry it. Nothing was in production yet, so nothing had to be restored.',
  invalid:
    'The planted delay of 12 ms was not found: the measurement could not have seen a real one either. That is no word against the build; it was repeated once.',
  inconclusive:
    'p95 +9.8 % (+2.1 … +17.5 %) is neither within the margin of +15 % nor beyond it, in the time there was.',
};

export class Seed {
  readonly #store: Store;
  readonly #directory: string;
  readonly #now: number;

  constructor(store: Store, directory: string, now = Date.now()) {
    this.#store = store;
    this.#directory = directory;
    this.#now = now;
  }

  /** Everything that the tests look at. */
  async all(): Promise<Seeded> {
    const store = this.#store;
    await store.saveConfiguration(CONFIGURATION, STOCK_VALUES);
    await this.#history();
    await this.#ended({
      ...base('promoted', '2.7', 4),
      decision: 'promote',
      cause: 'met',
      effect: 0.021,
    });
    await this.#ended({ ...base('invalid', '2.8', 3), cause: 'invalid', effect: 0.03 });
    await this.#ended({ ...base('overridden', '2.9', 2), cause: 'inconclusive', effect: 0.098 });
    await this.#ended({
      ...base('tuned', '2.10', 1.2),
      decision: 'pass',
      cause: 'met',
      effect: -0.034,
    });
    await this.#ended({ ...base('breached', '2.11', 0.3), cause: 'breached', effect: 0.213 });
    await this.#ended({
      ...base('passed', '2.12', 0.1),
      decision: 'pass',
      cause: 'met',
      effect: 0.012,
    });
    await this.#override();
    await this.#tuning();
    await this.#others();
    await this.#unfinished();
    return this.#production();
  }

  /** Older runs, so that there is a trend. */
  async #history(): Promise<void> {
    for (let number = 1; number <= 14; number += 1) {
      const effect = 0.03 * Math.sin(number) + 0.01;
      const breached = number === 6;
      await this.#ended({
        id: `run-old-${number}`,
        label: `2.${number / 2 === Math.floor(number / 2) ? number / 2 : `${(number - 1) / 2}.1`}`,
        daysAgo: 30 - number * 1.7,
        decision: breached ? 'rollback' : 'promote',
        cause: breached ? 'breached' : 'met',
        effect: breached ? 0.19 : effect,
        summary: WORDS[breached ? 'breached' : 'met'] ?? '',
      });
    }
  }

  async #ended(run: Ended): Promise<void> {
    const { cause, daysAgo, decision, effect, id, label, service = 'checkout', summary } = run;
    const created = this.#now - daysAgo * DAY_MS;
    const at = (seconds: number): string => new Date(created + seconds * 1000).toISOString();
    const build = digestOf(`${service} ${label}`);
    const judgement: Judgement = judgementOf(cause, effect, summary);
    await this.#store.saveBuild({
      digest: build,
      location: join(this.#directory, `${build}.war`),
      sizeBytes: 1,
      uploadedBy: 'jenkins',
      uploadedAt: at(-5),
    });
    const spans = [
      ['queued', 0, 2],
      ['deploying', 2, 15],
      ['measuring', 15, 97],
      ['judging', 97, 98],
    ] as const;
    await this.#store.createRun({
      ...newRun(id, service, label, at(0)),
      phases: spans.map(([phase, from, to]) => ({ phase, startedAt: at(from), endedAt: at(to) })),
      phase: 'judging',
      ...run.more,
    });
    await this.#events(id, judgement, at);
    await this.#measured(id, build, judgement, at);
    await this.#store.updateRun(id, 1, {
      phase: 'finished',
      // In production since 2.9 was promoted two days ago; before, 2.6 was.
      baseline: {
        build: digestOf(run.daysAgo < 2 ? 'checkout 2.9' : 'checkout 2.6'),
        configurationHash: CONFIGURATION,
      },
      configuration: { hash: CONFIGURATION, adopted: false },
      judgementId: `${id}-judgement`,
      codeJudgementId: `${id}-judgement`,
      decision,
      cause,
      summary,
      finishedAt: at(99),
    });
    await this.#store.appendEvent({
      runId: id,
      at: at(99),
      type: 'decision',
      message: `${decision} (${cause}): ${summary}`,
      data: { decision, cause },
    });
  }

  async #measured(
    id: string,
    build: string,
    judgement: Judgement,
    at: (seconds: number) => string,
  ): Promise<void> {
    const store = this.#store;
    const file = `samples/${id}.csv.gz`;
    if (Object.values(RUNS).some((own) => own === id)) {
      await mkdir(join(this.#directory, 'samples'), { recursive: true });
      await writeSampleFile(join(this.#directory, file), measuredSamples());
    }
    await store.saveMeasurement({
      id: `${id}-measurement`,
      runId: id,
      attempt: 1,
      purpose: 'measuring',
      file,
      startedAt: at(15),
      endedAt: at(97),
      arms: [],
      windowsPlanned: 24,
      windowsMeasured: 25,
      windowsCounted: 24,
      windowSeconds: 2.5,
      pairsPerSecond: 100,
      seed: 7,
      steady: true,
      counters: { sent: 12_400, received: 12_400, inFlight: 0, cpuSeconds: 3.1 },
      hops: {
        baseline: { totalMs: 42.31, proxyMs: 0.92, httpdMs: 0.41, jettyMs: 40.98 },
        candidate: { totalMs: 51.06, proxyMs: 0.95, httpdMs: 0.42, jettyMs: 49.69 },
      },
    });
    const thresholds = judgement.outcomes.map(({ threshold }) => threshold);
    await store.saveJudgement({
      id: `${id}-judgement`,
      runId: id,
      measurementId: `${id}-measurement`,
      at: at(98),
      by: 'run',
      thresholds,
      shown: judgement.shown.map(({ threshold }) => threshold),
      options: { seed: 7, requireSender: true },
      judgement,
    });
    await store.saveAttempt({
      runId: id,
      number: 1,
      purpose: 'measuring',
      startedAt: at(15),
      endedAt: at(97),
      measurementId: `${id}-measurement`,
      judgementId: `${id}-judgement`,
      sentence: judgement.summary,
    });
    await store.saveJudgedPair({
      service: 'checkout',
      build,
      configurationHash: CONFIGURATION,
      runId: id,
      judgementId: `${id}-judgement`,
      decision: judgement.decision,
      cause: judgement.cause,
      at: at(98),
    });
  }

  async #events(
    runId: string,
    judgement: Judgement,
    at: (seconds: number) => string,
  ): Promise<void> {
    const say = (
      seconds: number,
      type: 'phase' | 'progress' | 'judgement',
      message: string,
      data: Readonly<Record<string, unknown>> = {},
    ) => this.#store.appendEvent({ runId, at: at(seconds), type, message, data });
    await say(0, 'phase', 'queued', { phase: 'queued' });
    await say(2, 'phase', 'deploying', { phase: 'deploying' });
    await say(9, 'progress', 'baseline is up: 2 nodes in 6.8 s');
    await say(15, 'progress', 'candidate is up: 2 nodes in 6.1 s');
    await say(15, 'phase', 'measuring', { phase: 'measuring' });
    for (let window = 2; window <= 24; window += 2) {
      await say(
        20 + window * 3,
        'progress',
        `measuring: ${window} of 24 windows count`,
        progress(window),
      );
    }
    await say(97, 'judgement', `attempt 1: ${judgement.summary}`, { attempt: 1 });
  }

  async #override(): Promise<void> {
    const at = new Date(this.#now - 1.9 * DAY_MS).toISOString();
    await this.#store.saveOverride({
      id: 'override-1',
      runId: RUNS.overridden,
      order: 'promote',
      actor: 'grace',
      reason: 'The fix for lost orders cannot wait; 10 % on p95 is accepted until Monday.',
      at,
      expiresAt: new Date(Date.parse(at) + 3_600_000).toISOString(),
      state: 'acted',
      outcome: 'promotion override-1 began',
      cause: 'inconclusive',
    });
    await this.#promotion('override-1', '2.9', 1.9, {
      origin: 'person',
      actor: 'grace',
      runId: RUNS.overridden,
    });
    await this.#store.appendAudit({
      at,
      actor: 'grace',
      action: 'run.override',
      subject: RUNS.overridden,
      service: 'checkout',
      reason: 'The fix for lost orders cannot wait; 10 % on p95 is accepted until Monday.',
      data: { order: 'promote', decision: 'rollback' },
    });
  }

  async #tuning(): Promise<void> {
    const say = (message: string, data: Readonly<Record<string, unknown>> = {}) =>
      this.#store.appendEvent({
        runId: RUNS.tuned,
        at: new Date(this.#now - 1.2 * DAY_MS + 120_000).toISOString(),
        type: 'tuning',
        message,
        data,
      });
    await say(
      'challenger 1: expert rule: requests wait for each other; places 150 → 300; expected p95 −18.0 % (−40.0 % to +4.0 %)',
      {
        evaluation: 1,
        configuration: digestOf('tuned'),
        values: { ...STOCK_VALUES, 'httpd.maxRequestWorkers': 300 },
      },
    );
    await say('adopted: p95 −3.4 % (plausible range −5.1 % to −1.7 %)', {
      evaluation: 2,
      configuration: digestOf('tuned'),
      adopted: true,
    });
    await this.#store.saveTuning({
      runId: RUNS.tuned,
      start: 1,
      service: 'checkout',
      at: new Date(this.#now - 1.2 * DAY_MS + 120_000).toISOString(),
      view: tuningOf(digestOf('unsafe'), digestOf('tuned')),
    });
  }

  /** Other services, and one where nothing happened yet. */
  async #others(): Promise<void> {
    for (const [index, effect] of [0.01, 0.02, 0.012, -0.01].entries()) {
      await this.#ended({
        id: `run-catalogue-${index}`,
        service: 'catalogue',
        label: `7.${index}`,
        daysAgo: 8 - index * 2,
        decision: 'promote',
        cause: 'met',
        effect,
        summary: WORDS.met ?? '',
      });
    }
  }

  async #unfinished(): Promise<void> {
    const store = this.#store;
    const created = this.#now - 60_000;
    const at = (seconds: number): string => new Date(created + seconds * 1000).toISOString();
    await store.createRun({
      ...newRun(RUNS.measuring, 'checkout', '2.13', at(0)),
      phase: 'measuring',
      phases: [
        { phase: 'queued', startedAt: at(0), endedAt: at(1) },
        { phase: 'deploying', startedAt: at(1), endedAt: at(16) },
        { phase: 'measuring', startedAt: at(16) },
      ],
    });
    await store.createRun({
      ...newRun(RUNS.queued, 'catalogue', '7.4', at(20)),
      phase: 'queued',
      phases: [{ phase: 'queued', startedAt: at(20) }],
    });
    await store.appendEvent({
      runId: RUNS.measuring,
      at: at(16),
      type: 'phase',
      message: 'measuring',
      data: { phase: 'measuring' },
    });
    for (let window = 2; window <= 12; window += 2) await this.progress(window);
  }

  /** One more line of progress in the run that is being measured. */
  async progress(window: number): Promise<void> {
    await this.#store.appendEvent({
      runId: RUNS.measuring,
      at: new Date(this.#now - 44_000 + window * 2500).toISOString(),
      type: 'progress',
      message: `measuring: ${window} of 24 windows count, so far p95 +${(1 + window / 20).toFixed(1)} %; at most ${60 - window * 2} s left`,
      data: progress(window),
    });
  }

  async #promotion(
    id: string,
    label: string,
    daysAgo: number,
    more: { readonly origin: 'run' | 'person'; readonly actor: string; readonly runId: string },
  ): Promise<InForce> {
    const created = this.#now - daysAgo * DAY_MS;
    const at = (seconds: number): string => new Date(created + seconds * 1000).toISOString();
    const build = digestOf(`checkout ${label}`);
    await this.#store.createPromotion({
      id,
      service: 'checkout',
      build,
      configurationHash: CONFIGURATION,
      reason:
        more.origin === 'run'
          ? 'its run met every threshold'
          : 'The fix for lost orders cannot wait.',
      createdAt: at(0),
      state: 'completed',
      stage: 'ended',
      steps: [1, 5, 25, 50, 100].map((weight, index) => ({
        weight,
        outcome: weight === 1 ? 'skipped' : 'held',
        sentence:
          weight === 1
            ? '1 % skipped: about 24 requests in 8 s would be too few to tell anything (at least 50)'
            : `${weight} %: no more failures than before in ${240 * weight} requests, and no slower`,
        at: at(20 + index * 10),
      })),
      summary: `build ${label} is in production`,
      finishedAt: at(80),
      ...more,
    });
    return {
      build,
      configurationHash: CONFIGURATION,
      armId: `arm-${label}`,
      since: at(70),
      promotionId: id,
    };
  }

  async #production(): Promise<Seeded> {
    const store = this.#store;
    const lastKnownGood = await this.#promotion('promotion-27', '2.7', 4, {
      origin: 'run',
      actor: 'jenkins',
      runId: RUNS.promoted,
    });
    const override = await store.promotion('override-1');
    if (override === undefined) throw new Error('the override has not promoted anything');
    const inForce: InForce = {
      build: override.build,
      configurationHash: CONFIGURATION,
      armId: 'arm-2.9',
      since: override.finishedAt ?? override.createdAt,
      promotionId: override.id,
    };
    await store.saveServiceState('checkout', 0, { inForce: lastKnownGood });
    await store.saveServiceState('checkout', 1, { inForce, lastKnownGood });
    await store.saveReference({
      service: 'checkout',
      build: lastKnownGood.build,
      actor: 'grace',
      reason: 'The release of the quarter',
      at: lastKnownGood.since,
    });
    return { inForce, lastKnownGood };
  }
}

function base(name: keyof typeof RUNS, label: string, daysAgo: number) {
  const cause = { invalid: 'invalid', overridden: 'inconclusive', breached: 'breached' }[
    name as string
  ];
  return {
    id: RUNS[name],
    label,
    daysAgo,
    decision: 'rollback',
    summary: WORDS[cause ?? 'met'] ?? '',
  } as const;
}

function newRun(id: string, service: string, label: string, createdAt: string) {
  const build = digestOf(`${service} ${label}`);
  return {
    id,
    service,
    build,
    label,
    request: { service, build },
    settings: {
      workload: {
        rate: 100,
        arrivals: 'poisson',
        freshConnections: 0,
        requests: [
          { name: 'search', weight: 1, method: 'GET', path: '/search', headers: {}, expect: {} },
        ],
      },
      thresholds: ['p50 <= baseline + 10%', 'p95 <= baseline + 15%', 'errors < 1%'],
      shown: ['p99 <= baseline + 20%'],
      tune: 'off',
      promote: 'manual',
      profile: 'standard',
      against: 'production',
      seed: 7,
    },
    requestedBy: 'jenkins',
    createdAt,
  } satisfies Partial<NewRun>;
}

function progress(window: number): Readonly<Record<string, unknown>> {
  const wave = Math.sin(window);
  return {
    windows: window,
    counted: window,
    spoilt: 0,
    planned: 24,
    latencies: [
      {
        quantiles: {
          baseline: { p50: 21.2 + wave * 0.6, p95: 48 + wave * 3, p99: 83 + wave * 9 },
          candidate: { p50: 21.9 + wave * 0.8, p95: 51 + wave * 4, p99: 92 + wave * 12 },
        },
      },
    ],
  };
}
