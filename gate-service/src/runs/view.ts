/** The run as the API answers it, from what is stored. */
import type { Judgement, ThresholdOutcome } from '../judge/judgement.ts';
import { revisionOf } from './revision.ts';
import type {
  OverrideView,
  PhaseTime,
  PromotionSummary,
  QueuePlace,
  RunInShort,
  RunView,
} from './run.ts';
import type { JudgementRecord, OverrideRecord, PromotionRecord, RunRecord } from './records.ts';
import type { RunStore } from './run-store.ts';
import type { TuningView } from './tuning-record.ts';

/**
 * @param now milliseconds since the epoch, for the phase that is under way
 * @param place of a queued run
 */
export async function viewOf(
  run: RunRecord,
  store: RunStore,
  now: number,
  place?: QueuePlace,
): Promise<RunView> {
  const [inShort, judgements, attempts, measurements, promotion, values, tuning] =
    await Promise.all([
      viewInShort(run, store, now, place),
      store.judgements(run.id),
      store.attempts(run.id),
      store.measurements(run.id),
      run.promotionId === undefined ? undefined : store.promotion(run.promotionId),
      run.configuration === undefined
        ? undefined
        : store.configurationValues(run.configuration.hash),
      store.tuning(run.id),
    ]);
  const byId = new Map(judgements.map((record) => [record.id, record]));
  const judgementOf = (id: string | undefined): Judgement | undefined =>
    id === undefined ? undefined : byId.get(id)?.judgement;
  const judgement = judgementOf(run.judgementId) ?? lastJudged(judgements, run);
  const code = judgementOf(run.codeJudgementId);
  const configuration = judgementOf(run.configurationJudgementId);
  return {
    ...inShort,
    evidence: judgement?.outcomes ?? [],
    shown: judgement?.shown ?? [],
    controls: judgement?.controls ?? [],
    ...(code === undefined ? {} : { codeEffect: relative(code) }),
    ...(configuration === undefined ? {} : { configurationEffect: relative(configuration) }),
    ...(run.configuration === undefined || values === undefined
      ? {}
      : { configuration: { ...run.configuration, values } }),
    ...(tuning === undefined ? {} : { tuning: tuningOf(run, tuning) }),
    ...(promotion === undefined ? {} : { promotion: promotionSummary(promotion) }),
    attempts: attempts.map((attempt) => {
      const own = judgementOf(attempt.judgementId);
      const hops = measurements.find(({ id }) => id === attempt.measurementId)?.hops;
      return {
        number: attempt.number,
        purpose: attempt.purpose,
        ...(own === undefined ? {} : { judgement: own }),
        sentence: attempt.sentence,
        ...(hops === undefined ? {} : { hops }),
      };
    }),
  };
}

/** Of a run, what a list of many tells. Parameters as of {@link viewOf}. */
export async function viewInShort(
  run: RunRecord,
  store: RunStore,
  now: number,
  place?: QueuePlace,
): Promise<RunInShort> {
  const overrides = await overridesOf(run, store);
  const override = overrides.views.at(-1);
  return {
    ...requested(run),
    revision: revisionOf(run, overrides.records),
    phase: run.phase,
    phases: phaseTimes(run, now),
    ...(place === undefined || run.phase !== 'queued' ? {} : { queue: place }),
    ...(run.cancel === undefined ? {} : { cancel: run.cancel }),
    ...(run.supersededBy === undefined ? {} : { supersededBy: run.supersededBy }),
    ...(run.baseline === undefined ? {} : { baseline: run.baseline }),
    ...(run.decision === undefined ? {} : { decision: run.decision }),
    ...(run.cause === undefined ? {} : { cause: run.cause }),
    ...(run.summary === undefined ? {} : { summary: run.summary }),
    ...(override === undefined ? {} : { override }),
    overrides: overrides.views,
    links: linksOf(run),
  };
}

/** What the run was asked with. */
function requested(run: RunRecord) {
  const { against, earlierRuns = 0, loosened } = run.settings;
  const { startedBy } = run.request;
  return {
    id: run.id,
    service: run.service,
    build: run.build,
    ...(run.label === undefined ? {} : { label: run.label }),
    requestedBy: run.requestedBy,
    ...(startedBy === undefined ? {} : { startedBy }),
    createdAt: run.createdAt,
    against,
    earlierRuns,
    ...(loosened === undefined ? {} : { loosened }),
  } as const;
}

interface Overrides {
  readonly records: readonly OverrideRecord[];
  readonly views: readonly OverrideView[];
}

/** With the promotion that an order started: it has the order's id. */
async function overridesOf(run: RunRecord, store: RunStore): Promise<Overrides> {
  const records = await store.overrides(run.id);
  const views = await Promise.all(
    records.map(async (record) =>
      overrideView(record, record.state === 'acted' ? await store.promotion(record.id) : undefined),
    ),
  );
  return { records, views };
}

function overrideView(
  record: OverrideRecord,
  promotion: PromotionRecord | undefined,
): OverrideView {
  const { actor, at, cause, expiresAt, id, order, outcome, reason, state } = record;
  const summary = promotion?.summary;
  return {
    id,
    actor,
    reason,
    order,
    at,
    expiresAt,
    state,
    ...(outcome === undefined ? {} : { outcome }),
    ...(cause === undefined ? {} : { cause }),
    ...(promotion === undefined
      ? {}
      : {
          promotion: {
            ...promotionSummary(promotion),
            ...(summary === undefined ? {} : { summary }),
          },
        }),
  };
}

export function promotionSummary(promotion: PromotionRecord): PromotionSummary {
  return {
    id: promotion.id,
    state: promotion.state,
    steps: promotion.steps.map(({ outcome, sentence, weight }) => ({ outcome, sentence, weight })),
  };
}

/** What was under way when the run ended is not any more. */
function tuningOf({ phase }: RunRecord, tuning: TuningView): TuningView {
  const tunes = phase === 'tuning' || phase === 'confirming';
  if (tunes || !(tuning.outcome === 'under-way' || tuning.outcome === 'adopted')) return tuning;
  return {
    ...tuning,
    outcome: 'broken-off',
    summary: `${tuning.summary}; the run went on or ended before that was done`,
  };
}

/** While an attempt is repeated, or when the run ended before a judgement could count: what was judged last. */
function lastJudged(judgements: readonly JudgementRecord[], run: RunRecord): Judgement | undefined {
  return judgements.findLast(
    ({ id, rejudges }) => rejudges === undefined && id !== run.configurationJudgementId,
  )?.judgement;
}

function relative(judgement: Judgement): readonly ThresholdOutcome[] {
  return judgement.outcomes.filter(({ threshold }) => threshold.includes('baseline'));
}

function phaseTimes(run: RunRecord, now: number): readonly PhaseTime[] {
  return run.phases
    .filter(({ phase }) => phase !== 'finished')
    .map(({ endedAt, phase, startedAt }) => ({
      phase,
      seconds: ((endedAt === undefined ? now : Date.parse(endedAt)) - Date.parse(startedAt)) / 1000,
    }));
}

function linksOf(run: RunRecord): Readonly<Record<string, string>> {
  const self = `/v1/runs/${run.id}`;
  return {
    self,
    events: `${self}/events`,
    evidence: `${self}/evidence`,
    judgements: `${self}/judgements`,
    samples: `${self}/samples`,
    report: `${self}/report.html`,
    junit: `${self}/junit.xml`,
    results: `${self}/results.jtl`,
    service: `/v1/services/${run.service}`,
    ...(run.promotionId === undefined ? {} : { promotion: `/v1/promotions/${run.promotionId}` }),
    ...(run.supersededBy === undefined ? {} : { supersededBy: `/v1/runs/${run.supersededBy}` }),
  };
}
