/** One evaluation: a challenger beside the incumbent, measured, told to the tuner, and taken away unless it is adopted. */
import { randomUUID } from 'node:crypto';
import type { Judgement } from '../../judge/judgement.ts';
import type { Arm } from '../../platforms/platform.ts';
import type { StackConfiguration } from '../../stack/configuration.ts';
import { asError } from '../clock.ts';
import type { Comparison } from '../compared.ts';
import { InvalidAttempt } from '../compared.ts';
import { compare } from '../comparison.ts';
import type { Tuner, TuningAnswer, TuningTold } from '../ports.ts';
import { short } from '../production.ts';
import type { RunContext } from '../run-context.ts';
import { measuredOptions } from '../stored-measurement.ts';
import type { TuningLog } from '../tuning-log.ts';
import { deploy } from './deploy.ts';
import type { StagedArms } from './deploy.ts';
import { isTrouble, stands } from './standing.ts';
import { warmArms } from './warm.ts';

/** A challenger that cannot be measured is tried so often, then given up. */
const MOST_TRIES = 2;

/** `left`: it was not adopted and could not be removed; no further one may come up beside it. */
export type Challenged = { readonly adopted: Arm } | 'gone' | 'left';

/**
 * The challenger's arm when it was adopted; otherwise it is gone again, as far as that can be done.
 * @throws what has nothing to do with the challenger: errors of the store, the signal's reason
 */
export async function challenge(
  context: RunContext,
  arms: StagedArms,
  configuration: StackConfiguration,
  tuner: Tuner,
  log: TuningLog,
): Promise<Challenged> {
  try {
    const arm = await deploy(context, 'challenger', context.run.build, configuration);
    // As warm as the candidate was before its measurement.
    await warmArms(context, [arm]);
    const { errorLimit } = tuner;
    const comparison = await compareConfigurations(context, arms, arm, configuration, errorLimit);
    const { burst, measurement } = comparison;
    const answer = told(tuner, configuration, {
      kind: 'measured',
      measurement,
      ...(burst === undefined ? {} : { burst }),
    });
    if (burst === undefined) await saveEffect(context, comparison);
    await log.answer(answer);
    if (answer.verdict === 'adopted') return { adopted: arm };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isTrouble(error)) throw error;
    await notMeasured(context, arms, configuration, tuner, log, error);
  }
  return (await removeChallengers(context)) ? 'gone' : 'left';
}

/** An optimizer that fails has learnt nothing. */
function told(tuner: Tuner, configuration: StackConfiguration, what: TuningTold): TuningAnswer {
  try {
    return tuner.tell(configuration, what);
  } catch (error) {
    const sentence = `the tuner failed (${asError(error).message})`;
    return { verdict: 'dropped', margins: [], sentence };
  }
}

/**
 * Also one that came up in part. What cannot be removed now is removed when staging is cleared: no
 * reason to fail a run that has met.
 */
async function removeChallengers(context: RunContext): Promise<boolean> {
  const { world } = context.deps;
  try {
    for (const { arm } of await world.observe(context.service.name, 'staging')) {
      if (arm.role !== 'challenger') continue;
      await world.remove(arm.id, 'staging', context.owner, context.signal);
    }
    return true;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isTrouble(error)) throw error;
    await context.tell('problem', `a challenger could not be removed yet: ${error.message}`);
    return false;
  }
}

/**
 * Tried again by the next ask. One whose requests failed in a burst, or that cannot be measured
 * twice beside an incumbent that stands (else it is not to blame), is not entered again on this
 * workload.
 */
async function notMeasured(
  context: RunContext,
  arms: StagedArms,
  configuration: StackConfiguration,
  tuner: Tuner,
  log: TuningLog,
  error: Error,
): Promise<void> {
  const burst = error instanceof InvalidAttempt ? error.burst : undefined;
  const again = log.failuresOf(configuration.hash) + 1 >= MOST_TRIES;
  if (burst === undefined && !(again && (await stands(context, arms.candidate)))) {
    await log.drop(error.message);
    return;
  }
  const reason =
    burst === undefined
      ? `it could not be measured twice: ${error.message}`
      : `${burst}; then ${error.message}`;
  await log.answer(told(tuner, configuration, { kind: 'failed', reason }));
}

async function compareConfigurations(
  context: RunContext,
  arms: StagedArms,
  challenger: Arm,
  configuration: StackConfiguration,
  errorLimit: number | undefined,
): Promise<Comparison> {
  const { profile, run } = context;
  context.attempts += 1;
  const number = context.attempts;
  const base = { runId: run.id, number, purpose: 'tuning', startedAt: context.now() } as const;
  await context.deps.store.saveAttempt({ ...base, sentence: 'under way' });
  const { build } = run;
  try {
    const comparison = await compare(context, number, {
      purpose: 'tuning',
      arms: [
        { name: 'candidate', arm: arms.candidate, build, configurationHash: arms.incumbent.hash },
        { name: 'challenger', arm: challenger, build, configurationHash: configuration.hash },
      ],
      windows: profile.tuning.windows,
      warmup: {
        ...profile.warmup,
        minSeconds: Math.min(profile.tuning.warmupSeconds, profile.warmup.maxSeconds),
      },
      sequential: false,
      baseline: true,
      endAtBurst: { ...(errorLimit === undefined ? {} : { limit: errorLimit }) },
    });
    await context.deps.store.saveAttempt({
      ...base,
      endedAt: context.now(),
      measurementId: comparison.record.id,
      sentence: `challenger ${short(configuration.hash)} was measured against the incumbent configuration${comparison.burst === undefined ? '' : `, and broken off: ${comparison.burst}`}`,
    });
    return comparison;
  } catch (error) {
    const sentence = `not compared: ${asError(error).message}`;
    await context.deps.store.saveAttempt({ ...base, endedAt: context.now(), sentence });
    throw error;
  }
}

/** The configuration effect in the words of the thresholds. It is shown, and decides nothing. */
async function saveEffect(context: RunContext, { measurement, record }: Comparison): Promise<void> {
  const { judge, store } = context.deps;
  const { seed, thresholds } = context.run.settings;
  const options = {
    seed,
    ...measuredOptions(record),
    requirePlanted: false,
    requireSender: true,
  };
  const id = randomUUID();
  let judgement: Judgement;
  try {
    judgement = judge.judge(measurement, { thresholds, shown: [] }, options);
  } catch (error) {
    const why = asError(error).message;
    await context.tell('problem', `the effect of the configuration cannot be shown: ${why}`);
    return;
  }
  await store.saveJudgement({
    id,
    runId: context.run.id,
    measurementId: record.id,
    at: context.now(),
    by: 'run',
    thresholds,
    shown: [],
    options,
    judgement,
  });
  await context.update({ configurationJudgementId: id });
}
