/** `measuring` and `confirming`: baseline against candidate until there is a judgement, with one repeat after `invalid`. */
import { randomUUID } from 'node:crypto';
import type { ComparedArm, Comparison } from '../compared.ts';
import { InvalidAttempt } from '../compared.ts';
import { compare } from '../comparison.ts';
import { placesOf } from '../../stack/headroom.ts';
import type { StackConfiguration } from '../../stack/configuration.ts';
import { RunEnding } from '../endings.ts';
import type { JudgeOptions } from '../ports.ts';
import type { AttemptRecord, JudgementRecord } from '../records.ts';
import type { RunContext } from '../run-context.ts';
import { measuredOptions } from '../stored-measurement.ts';
import { awaitHealth } from './health.ts';
import { awaitQuiet } from './quiet.ts';

export interface Judged {
  readonly record: JudgementRecord;
  readonly comparison: Comparison;
}

export interface JudgedArms {
  /** Absent for a service without production. */
  readonly baseline?: ComparedArm;
  readonly candidate: ComparedArm;
  /** Configuration of the baseline. */
  readonly incumbent: StackConfiguration;
}

/**
 * Every attempt is stored and told, also those that do not count.
 * @throws RunEnding `invalid` when no attempt could be judged at all
 */
export async function measureAndJudge(
  context: RunContext,
  purpose: 'measuring' | 'confirming',
  arms: JudgedArms,
): Promise<Judged> {
  for (;;) {
    const startedAt = context.deps.clock.now();
    const attempt = await tryOnce(context, purpose, arms);
    if (attempt.judged !== undefined && attempt.judged.record.judgement.cause !== 'invalid') {
      return attempt.judged;
    }
    if (context.repeated) {
      if (attempt.judged !== undefined) return attempt.judged;
      throw new RunEnding('invalid', `measured twice, neither can be judged: ${attempt.sentence}`);
    }
    context.repeated = true;
    await context.tell('attempt', `repeated once when it is quiet: ${attempt.sentence}`);
    await context.tell('attempt', `repeated ${await awaitQuiet(context)}`);
    await awaitHealth(context);
    context.cap.extend(context.deps.clock.now() - startedAt);
  }
}

interface Attempt {
  readonly judged?: Judged;
  readonly sentence: string;
}

async function tryOnce(
  context: RunContext,
  purpose: 'measuring' | 'confirming',
  { baseline, candidate, incumbent }: JudgedArms,
): Promise<Attempt> {
  context.attempts += 1;
  const number = context.attempts;
  const base = { runId: context.run.id, number, purpose, startedAt: context.now() };
  await context.deps.store.saveAttempt({ ...base, sentence: 'under way' });
  const { capacity } = context.run.settings;
  // Without a baseline both names lead to the candidate: the controls need a pair, the limits are absolute.
  const reference: ComparedArm = { ...(baseline ?? candidate), name: 'baseline' };
  try {
    const comparison = await compare(context, number, {
      purpose,
      arms: [reference, candidate],
      windows: context.profile.windows,
      warmup: context.profile.warmup,
      planted: { places: placesOf(incumbent) },
      sequential: true,
      ...(capacity === undefined ? {} : { capacity }),
      baseline: baseline !== undefined,
    });
    const record = await judgeStored(context, comparison);
    await saveJudgedPair(context, candidate, record);
    const sentence = record.judgement.summary;
    await end(context, {
      ...base,
      measurementId: comparison.record.id,
      judgementId: record.id,
      sentence,
    });
    await context.tell('judgement', `attempt ${number}: ${sentence}`, {
      attempt: number,
      judgement: record.judgement,
    });
    return { judged: { record, comparison }, sentence };
  } catch (error) {
    const sentence = error instanceof Error ? error.message : String(error);
    await end(context, { ...base, sentence: `not judged: ${sentence}` });
    if (!(error instanceof InvalidAttempt) || context.signal.aborted) throw error;
    await context.tell('problem', `attempt ${number} cannot be judged: ${sentence}`, {
      attempt: number,
    });
    return { sentence };
  }
}

/** What may be promoted by it; not what was compared with a reference, which says nothing about production. */
async function saveJudgedPair(
  { deps, run }: RunContext,
  { build, configurationHash }: ComparedArm,
  { at, id, judgement }: JudgementRecord,
): Promise<void> {
  if (run.settings.against === 'reference') return;
  const { cause, decision } = judgement;
  await deps.store.saveJudgedPair({
    service: run.service,
    build,
    configurationHash,
    runId: run.id,
    judgementId: id,
    decision,
    cause,
    at,
  });
}

async function judgeStored(
  context: RunContext,
  { measurement, record }: Comparison,
): Promise<JudgementRecord> {
  const { seed, shown, thresholds } = context.run.settings;
  const options: JudgeOptions = {
    seed,
    ...measuredOptions(record),
    requirePlanted: true,
    requireSender: true,
  };
  const judgement: JudgementRecord = {
    id: randomUUID(),
    runId: context.run.id,
    measurementId: record.id,
    at: context.now(),
    by: 'run',
    thresholds,
    shown,
    options: { ...options },
    judgement: context.deps.judge.judge(measurement, { thresholds, shown }, options),
  };
  await context.deps.store.saveJudgement(judgement);
  return judgement;
}

async function end(context: RunContext, attempt: AttemptRecord): Promise<void> {
  await context.deps.store.saveAttempt({ ...attempt, endedAt: context.now() });
}
