/** `tuning`: the candidate on other configurations against itself on the incumbent one. */
import { randomUUID } from 'node:crypto';
import { asError } from '../clock.ts';
import type { Comparison } from '../compared.ts';
import { InvalidAttempt } from '../compared.ts';
import { compare } from '../comparison.ts';
import type { Measurement } from '../../load/sample.ts';
import { PlatformError } from '../../platforms/platform.ts';
import type { Arm } from '../../platforms/platform.ts';
import type { StackConfiguration } from '../../stack/configuration.ts';
import type { RunContext } from '../run-context.ts';
import { deploy } from './deploy.ts';
import type { StagedArms } from './deploy.ts';
import { warmArms } from './warm.ts';
import type { Judged } from './measure.ts';
import { short } from '../production.ts';
import { measuredOptions } from '../stored-measurement.ts';

export interface Adopted {
  readonly configuration: StackConfiguration;
  /** Candidate build on the adopted configuration. */
  readonly arm: Arm;
}

/** Why there is nothing to tune, or undefined when there may be. */
export function tuningSkipped(
  context: RunContext,
  arms: StagedArms,
  judged: Judged,
): string | undefined {
  const { cause } = judged.record.judgement;
  if (context.run.settings.tune === 'off') return 'tuning is off for this run';
  if (cause !== 'met') return `not tuned: the code comparison ended ${cause}`;
  if (arms.baseline === undefined)
    return 'not tuned: there is no production to confirm against yet';
  return undefined;
}

/**
 * Asks the tuner until it has nothing to propose, adopts one configuration, or the budget is spent.
 * A challenger that the platform cannot bring up is dropped: the first judgement stands without it.
 */
export async function tune(
  context: RunContext,
  arms: StagedArms,
  judged: Judged,
): Promise<Adopted | undefined> {
  const { settings } = context.run;
  if (settings.tune === 'off') return undefined;
  const { clock, tuners } = context.deps;
  const deadline = clock.now() + settings.tune.seconds * 1000;
  const tuner = tuners.create(arms.incumbent, {
    measurement: judged.comparison.measurement,
    workload: settings.workload,
    observations: judged.comparison.observations,
    candidateArmId: arms.candidate.id,
  });
  const { tuning, windowSeconds } = context.profile;
  const secondsPerEvaluation = tuning.warmupSeconds + tuning.windows * windowSeconds;
  for (let evaluation = 1; evaluation <= settings.tune.evaluations; evaluation += 1) {
    const proposal = tuner.ask({
      evaluationsLeft: settings.tune.evaluations - evaluation + 1,
      secondsLeft: (deadline - clock.now()) / 1000,
      secondsPerEvaluation,
    });
    if (proposal.kind === 'none') {
      await context.tell('tuning', proposal.sentence);
      return undefined;
    }
    const { configuration } = proposal;
    await context.tell('tuning', `challenger ${evaluation}: ${proposal.sentence}`, {
      evaluation,
      configuration: configuration.hash,
      values: configuration.values,
    });
    const arm = await challenge(context, arms, configuration, (measurement) =>
      tuner.tell(configuration, measurement),
    );
    if (arm !== undefined) return { configuration, arm };
  }
  await context.tell(
    'tuning',
    `tuning ends after ${settings.tune.evaluations} evaluations: nothing was adopted`,
  );
  return undefined;
}

/** The challenger's arm when it was adopted; otherwise it is gone again. */
async function challenge(
  context: RunContext,
  arms: StagedArms,
  configuration: StackConfiguration,
  tell: (measurement: Measurement) => { readonly adopted: boolean; readonly sentence: string },
): Promise<Arm | undefined> {
  let arm: Arm | undefined;
  let adopted = false;
  try {
    await context.deps.store.saveConfiguration(configuration.hash, configuration.values);
    arm = await deploy(context, 'challenger', context.run.build, configuration);
    // As warm as the candidate was before its measurement.
    await warmArms(context, [arm]);
    const comparison = await compareConfigurations(context, arms, arm, configuration);
    const answer = tell(comparison.measurement);
    adopted = answer.adopted;
    await saveEffect(context, comparison);
    await context.tell('tuning', answer.sentence, { configuration: configuration.hash, adopted });
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof PlatformError) && !(error instanceof InvalidAttempt)) throw error;
    await context.tell(
      'tuning',
      `challenger ${short(configuration.hash)} is dropped: ${asError(error).message}`,
    );
  }
  if (adopted) return arm;
  if (arm !== undefined) {
    await context.deps.world.remove(arm.id, 'staging', context.owner, context.signal);
  }
  return undefined;
}

async function compareConfigurations(
  context: RunContext,
  arms: StagedArms,
  challenger: Arm,
  configuration: StackConfiguration,
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
      planted: false,
      sequential: false,
      baseline: true,
    });
    await context.deps.store.saveAttempt({
      ...base,
      endedAt: context.now(),
      measurementId: comparison.record.id,
      sentence: `challenger ${short(configuration.hash)} was measured against the incumbent configuration`,
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
  const judgement = judge.judge(measurement, { thresholds, shown: [] }, options);
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
