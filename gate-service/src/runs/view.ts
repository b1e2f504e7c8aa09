/** The run as the API answers it, from what is stored. */
import type { Judgement, ThresholdOutcome } from '../judge/judgement.ts';
import type { PhaseTime, PromotionSummary, RunView } from './run.ts';
import type { JudgementRecord, PromotionRecord, RunRecord } from './records.ts';
import type { RunStore } from './run-store.ts';

/** @param now milliseconds since the epoch, for the phase that is under way */
export async function viewOf(run: RunRecord, store: RunStore, now: number): Promise<RunView> {
  const [judgements, attempts, override, promotion, values] = await Promise.all([
    store.judgements(run.id),
    store.attempts(run.id),
    store.override(run.id),
    run.promotionId === undefined ? undefined : store.promotion(run.promotionId),
    run.configuration === undefined ? undefined : store.configurationValues(run.configuration.hash),
  ]);
  const byId = new Map(judgements.map((record) => [record.id, record]));
  const judgementOf = (id: string | undefined): Judgement | undefined =>
    id === undefined ? undefined : byId.get(id)?.judgement;
  const judgement = judgementOf(run.judgementId) ?? lastJudged(judgements, run);
  const code = judgementOf(run.codeJudgementId);
  const configuration = judgementOf(run.configurationJudgementId);
  return {
    id: run.id,
    service: run.service,
    build: run.build,
    ...(run.label === undefined ? {} : { label: run.label }),
    requestedBy: run.requestedBy,
    createdAt: run.createdAt,
    phase: run.phase,
    phases: phaseTimes(run, now),
    against: run.settings.against,
    ...(run.baseline === undefined ? {} : { baseline: run.baseline }),
    ...(run.decision === undefined ? {} : { decision: run.decision }),
    ...(run.cause === undefined ? {} : { cause: run.cause }),
    ...(run.summary === undefined ? {} : { summary: run.summary }),
    evidence: judgement?.outcomes ?? [],
    shown: judgement?.shown ?? [],
    controls: judgement?.controls ?? [],
    ...(code === undefined ? {} : { codeEffect: relative(code) }),
    ...(configuration === undefined ? {} : { configurationEffect: relative(configuration) }),
    ...(run.configuration === undefined || values === undefined
      ? {}
      : { configuration: { ...run.configuration, values } }),
    ...(promotion === undefined ? {} : { promotion: promotionSummary(promotion) }),
    ...(override === undefined
      ? {}
      : {
          override: {
            actor: override.actor,
            reason: override.reason,
            order: override.order,
            at: override.at,
            expiresAt: override.expiresAt,
          },
        }),
    attempts: attempts.map((attempt) => {
      const own = judgementOf(attempt.judgementId);
      return {
        number: attempt.number,
        purpose: attempt.purpose,
        ...(own === undefined ? {} : { judgement: own }),
        sentence: attempt.sentence,
      };
    }),
    links: linksOf(run),
  };
}

export function promotionSummary(promotion: PromotionRecord): PromotionSummary {
  return {
    id: promotion.id,
    state: promotion.state,
    steps: promotion.steps.map(({ outcome, sentence, weight }) => ({ outcome, sentence, weight })),
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
  };
}
