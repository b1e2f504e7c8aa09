/**
 * Judging stored samples again, under other thresholds or with another seed. It reads and writes
 * judgements, and nothing else: what may be promoted is decided by the run's own judgement alone.
 */
import { randomUUID } from 'node:crypto';
import type { Judgement } from '../judge/judgement.ts';
import type { JudgedMeasurement } from '../judge/measurement.ts';
import type { Measurement } from '../load/sample.ts';
import type { Clock } from './clock.ts';
import { asError, isoNow } from './clock.ts';
import { KeyedLock } from './keyed-lock.ts';
import type { JudgeOptions, RunJudge, SampleFiles } from './ports.ts';
import { checkThresholdText } from './request-rules.ts';
import type { JudgementRecord, MeasurementRecord, RunRecord } from './records.ts';
import type { RejudgeRequest } from './run-service.ts';
import { RefusedError } from './run-service.ts';
import type { RunStore } from './run-store.ts';
import { measuredOptions, measurementOf } from './stored-measurement.ts';

/** Of one run: nobody needs more, and each is kept. */
const MOST_JUDGEMENTS = 200;

export interface RejudgingDependencies {
  readonly store: Pick<RunStore, 'judgements' | 'measurements' | 'saveJudgement'>;
  readonly judge: RunJudge;
  readonly sampleFiles: Pick<SampleFiles, 'read'>;
  readonly clock: Clock;
}

export class Rejudging {
  readonly #deps: RejudgingDependencies;
  /** Reading and judging is work for a core: one at a time, so that it hardly disturbs what is measured. */
  readonly #lock = new KeyedLock();

  constructor(deps: RejudgingDependencies) {
    this.#deps = deps;
  }

  /**
   * The same measurement, thresholds and seed give the same judgement as in the run.
   * @throws RefusedError naming what is wrong
   */
  rejudge(run: RunRecord, request: RejudgeRequest, actor: string): Promise<JudgementRecord> {
    return this.#lock.run('', () => this.#rejudge(run, request, actor));
  }

  async #rejudge(run: RunRecord, request: RejudgeRequest, actor: string): Promise<JudgementRecord> {
    const { clock, judge, sampleFiles, store } = this.#deps;
    if (run.phase !== 'finished') {
      throw new RefusedError(
        'not-finished',
        `run ${run.id} is still ${run.phase}: it can be judged again when it has its decision`,
      );
    }
    const check = (field: string, texts: readonly string[]): readonly string[] =>
      texts.map((text, index) =>
        checkThresholdText(text, `/${field}/${index}`, run.settings.workload, judge),
      );
    const thresholds = check('thresholds', request.thresholds);
    const shown = check('shown', request.shown ?? []);
    const judgements = await store.judgements(run.id);
    if (judgements.length >= MOST_JUDGEMENTS) {
      throw new RefusedError(
        'too-many-judgements',
        `run ${run.id} has ${judgements.length} judgements already; judge its sample file on your own machine`,
      );
    }
    const first = firstJudgement(run, judgements, request.measurement);
    const record = (await store.measurements(run.id)).find(({ id }) => id === first.measurementId);
    if (record === undefined) throw noMeasurement(run);
    const stored = await readSamples(sampleFiles, record);
    const required = request.controls !== 'optional';
    const asked: JudgeOptions = {
      ...measuredOptions(record),
      seed: request.seed ?? run.settings.seed,
      requirePlanted: required,
      requireSender: required,
    };
    const rules = { thresholds, shown };
    const { judgement, options } = judgeWithLooks(
      judge,
      measurementOf(record, stored),
      rules,
      asked,
    );
    const result: JudgementRecord = {
      id: randomUUID(),
      runId: run.id,
      measurementId: record.id,
      at: isoNow(clock),
      by: actor,
      rejudges: first.id,
      ...rules,
      options: { ...options },
      judgement,
    };
    await store.saveJudgement(result);
    return result;
  }
}

/** With the looks of the live run: ends at the first that settles the question under these thresholds. */
function judgeWithLooks(
  judge: RunJudge,
  measurement: JudgedMeasurement,
  rules: { readonly thresholds: readonly string[]; readonly shown: readonly string[] },
  options: JudgeOptions,
): { readonly judgement: Judgement; readonly options: JudgeOptions } {
  for (const look of judge.looks(options.windowsPlanned)) {
    if (look >= options.look) break;
    const judgement = judge.judge(measurement, rules, { ...options, look });
    if (judge.settles(judgement)) return { judgement, options: { ...options, look } };
  }
  return { judgement: judge.judge(measurement, rules, options), options };
}

/**
 * The run's own judgement of the measurement: what the run itself could not judge (a node was started
 * again, samples went astray) is worthless under any thresholds.
 */
function firstJudgement(
  run: RunRecord,
  judgements: readonly JudgementRecord[],
  measurement: string | undefined,
): JudgementRecord {
  const own = judgements.filter(({ rejudges }) => rejudges === undefined);
  const found =
    measurement === undefined
      ? (own.find(({ id }) => id === run.judgementId) ?? own.at(-1))
      : own.find(({ measurementId }) => measurementId === measurement);
  if (found !== undefined) return found;
  if (measurement === undefined) throw noMeasurement(run);
  throw new RefusedError(
    'no-measurement',
    `run ${run.id} has judged no measurement ${measurement}; its evidence lists those it has`,
    '/measurement',
  );
}

function noMeasurement(run: RunRecord): RefusedError {
  return new RefusedError(
    'no-measurement',
    `run ${run.id} ended before a measurement could be judged: there is nothing to judge again`,
  );
}

async function readSamples(
  sampleFiles: Pick<SampleFiles, 'read'>,
  record: MeasurementRecord,
): Promise<Measurement> {
  try {
    return await sampleFiles.read(record.file);
  } catch (error) {
    throw new RefusedError(
      'samples-gone',
      `the samples of measurement ${record.id} cannot be read any more: ${asError(error).message}`,
    );
  }
}
