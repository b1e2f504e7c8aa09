/** Between a run's record and its row. */
import type { Insertable, Selectable, Updateable } from 'kysely';
import type {
  BuildAndConfiguration,
  NewRun,
  PhaseSpan,
  RunRecord,
  RunSettings,
  RunUpdate,
} from '../runs/run-store.ts';
import type { Cause, Decision, RunPhase, RunRequest } from '../runs/run.ts';
import { decode, encode, encodeOptional } from './json.ts';
import type { RunTable } from './schema.ts';

/**
 * Asked for by name: no index finds what a run is not, and these few rows are asked for at every submission.
 * A record, so that no phase can be forgotten.
 */
const ACTIVE: Readonly<Record<Exclude<RunPhase, 'queued' | 'finished'>, true>> = {
  deploying: true,
  measuring: true,
  tuning: true,
  confirming: true,
  judging: true,
  promoting: true,
  restoring: true,
};
export const ACTIVE_PHASES: readonly string[] = Object.keys(ACTIVE);
export const UNFINISHED_PHASES: readonly string[] = ['queued', ...ACTIVE_PHASES];

export function runToRow(run: NewRun): Insertable<RunTable> {
  return {
    id: run.id,
    service: run.service,
    build: run.build,
    label: run.label ?? null,
    request: encode(run.request),
    settings: encode(run.settings),
    requested_by: run.requestedBy,
    created_at: run.createdAt,
    version: 1,
    phase: run.phase,
    phases: encode(run.phases),
    baseline: encodeOptional(run.baseline),
    configuration: encodeOptional(run.configuration),
    judgement_id: run.judgementId ?? null,
    code_judgement_id: run.codeJudgementId ?? null,
    configuration_judgement_id: run.configurationJudgementId ?? null,
    promotion_id: run.promotionId ?? null,
    superseded_by: run.supersededBy ?? null,
    ending: encodeOptional(run.ending),
    decision: run.decision ?? null,
    cause: run.cause ?? null,
    summary: run.summary ?? null,
    finished_at: run.finishedAt ?? null,
    cancel_actor: run.cancel?.actor ?? null,
    cancel_at: run.cancel?.at ?? null,
  };
}

/** The columns that an update changes; a field that it does not name is left alone. */
export function runUpdateToRow(update: RunUpdate): Updateable<RunTable> {
  const row: Updateable<RunTable> = {};
  if (update.phase !== undefined) row.phase = update.phase;
  if (update.phases !== undefined) row.phases = encode(update.phases);
  if (update.baseline !== undefined) row.baseline = encode(update.baseline);
  if (update.configuration !== undefined) row.configuration = encode(update.configuration);
  if (update.judgementId !== undefined) row.judgement_id = update.judgementId;
  if (update.codeJudgementId !== undefined) row.code_judgement_id = update.codeJudgementId;
  if (update.configurationJudgementId !== undefined) {
    row.configuration_judgement_id = update.configurationJudgementId;
  }
  if (update.promotionId !== undefined) row.promotion_id = update.promotionId;
  if (update.supersededBy !== undefined) row.superseded_by = update.supersededBy;
  if (update.ending !== undefined) row.ending = encode(update.ending);
  if (update.decision !== undefined) row.decision = update.decision;
  if (update.cause !== undefined) row.cause = update.cause;
  if (update.summary !== undefined) row.summary = update.summary;
  if (update.finishedAt !== undefined) row.finished_at = update.finishedAt;
  return row;
}

export function rowToRun(row: Selectable<RunTable>): RunRecord {
  return {
    id: row.id,
    service: row.service,
    build: row.build,
    ...(row.label !== null && { label: row.label }),
    request: decode(row.request) as RunRequest,
    settings: decode(row.settings) as RunSettings,
    requestedBy: row.requested_by,
    createdAt: row.created_at,
    version: row.version,
    phase: row.phase as RunPhase,
    phases: decode(row.phases) as readonly PhaseSpan[],
    ...(row.baseline !== null && { baseline: decode(row.baseline) as BuildAndConfiguration }),
    ...(row.configuration !== null && {
      configuration: decode(row.configuration) as { hash: string; adopted: boolean },
    }),
    ...(row.judgement_id !== null && { judgementId: row.judgement_id }),
    ...(row.code_judgement_id !== null && { codeJudgementId: row.code_judgement_id }),
    ...(row.configuration_judgement_id !== null && {
      configurationJudgementId: row.configuration_judgement_id,
    }),
    ...(row.promotion_id !== null && { promotionId: row.promotion_id }),
    ...(row.superseded_by !== null && { supersededBy: row.superseded_by }),
    ...(row.ending !== null && { ending: decode(row.ending) as { cause: Cause; words: string } }),
    ...(row.decision !== null && { decision: row.decision as Decision }),
    ...(row.cause !== null && { cause: row.cause as Cause }),
    ...(row.summary !== null && { summary: row.summary }),
    ...(row.finished_at !== null && { finishedAt: row.finished_at }),
    ...(row.cancel_actor !== null &&
      row.cancel_at !== null && { cancel: { actor: row.cancel_actor, at: row.cancel_at } }),
  };
}
