/** `tuning`: the candidate on other configurations against itself on the incumbent one. */
import { randomUUID } from 'node:crypto';
import { asError } from '../clock.ts';
import type { Comparison } from '../compared.ts';
import { InvalidAttempt } from '../compared.ts';
import { compare } from '../comparison.ts';
import { PlatformError } from '../../platforms/platform.ts';
import type { Arm } from '../../platforms/platform.ts';
import type { StackConfiguration } from '../../stack/configuration.ts';
import type { RunContext } from '../run-context.ts';
import { deploy } from './deploy.ts';
import type { StagedArms } from './deploy.ts';
import { warmArms } from './warm.ts';
import type { Judged } from './measure.ts';
import { short } from '../production.ts';
import type { Tuner, TuningAnswer, TuningBudget, TuningProposal, TuningTold } from '../ports.ts';
import { defaultTuning } from '../request-rules.ts';
import { measuredOptions } from '../stored-measurement.ts';
import { TuningLog } from '../tuning-log.ts';
import type { LearntSession } from '../tuning-record.ts';

export interface Adopted {
  readonly configuration: StackConfiguration;
  /** Candidate build on the adopted configuration. */
  readonly arm: Arm;
  readonly log: TuningLog;
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

/** Sessions of this service, and of all, that the tuner is told of: the most similar workloads count. */
const SESSIONS = { own: 15, all: 30 } as const;
const STAYS = 'nothing better was shown, the configuration in force stays';
/** A challenger that cannot be measured is tried so often, then given up. */
const MOST_TRIES = 2;

/**
 * Asks the tuner until it has nothing to propose, adopts one configuration, or the budget is spent.
 * The first adopted one ends it: what was shown is confirmed on fresh data at once, and the next run
 * goes on from there. Whatever goes wrong here leaves the incumbent: the first judgement stands.
 */
export async function tune(
  context: RunContext,
  arms: StagedArms,
  judged: Judged,
): Promise<Adopted | undefined> {
  const { settings } = context.run;
  if (settings.tune === 'off') return undefined;
  const { clock, store, tuners } = context.deps;
  const deadline = clock.now() + settings.tune.seconds * 1000;
  const { evaluations } = settings.tune;
  // A longer budget was asked for, e.g. by night: it comes on top of the cap, which has room for the usual one.
  context.cap.extend(Math.max(0, settings.tune.seconds - defaultTuning.seconds) * 1000);
  const sessions = await sessionsFor(context);
  let tuner: Tuner;
  try {
    tuner = tuners.create(arms.incumbent, {
      measurement: judged.comparison.measurement,
      workload: settings.workload,
      observations: judged.comparison.observations,
      candidateArmId: arms.candidate.id,
      thresholds: settings.thresholds,
      evaluations,
      seed: settings.seed,
      sessions,
    });
  } catch (error) {
    await TuningLog.skipped(context, `not tuned: ${asError(error).message}`);
    return undefined;
  }
  const log = await TuningLog.begin(context, tuner);
  const { tuning, windowSeconds } = context.profile;
  const secondsPerEvaluation = tuning.warmupSeconds + tuning.windows * windowSeconds;
  for (let spent = 0; spent <= evaluations; spent += 1) {
    const proposal = asked(tuner, {
      evaluationsLeft: evaluations - spent,
      secondsLeft: (deadline - clock.now()) / 1000,
      secondsPerEvaluation,
    });
    if (proposal.kind === 'none') {
      if (spent === 0) await log.end('skipped', proposal.sentence);
      else await log.end('kept', `${proposal.sentence}: ${STAYS}`);
      return undefined;
    }
    const { configuration } = proposal;
    await store.saveConfiguration(configuration.hash, configuration.values);
    await log.ask(proposal);
    const arm = await challenge(context, arms, configuration, tuner, log);
    if (arm !== undefined) {
      await log.end('adopted', 'adopted, and to be confirmed on fresh data');
      return { configuration, arm, log };
    }
    if (log.isHopeless) break;
  }
  await log.end('kept', `tuning ends after ${log.evaluations} evaluations: ${STAYS}`);
  return undefined;
}

/** An optimizer that fails has nothing to propose. */
function asked(tuner: Tuner, budget: TuningBudget): TuningProposal {
  try {
    return tuner.ask(budget);
  } catch (error) {
    return { kind: 'none', sentence: `the tuner failed (${asError(error).message})` };
  }
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

/** What former runs learnt, of this service first. */
async function sessionsFor({ deps, service }: RunContext): Promise<readonly LearntSession[]> {
  const [own, all] = await Promise.all([
    deps.store.learntSessions({ service: service.name }, SESSIONS.own),
    deps.store.learntSessions({}, SESSIONS.all),
  ]);
  const rest = all.filter((one) => one.service !== service.name);
  return [...own, ...rest].slice(0, SESSIONS.all);
}

/** The challenger's arm when it was adopted; otherwise it is gone again. */
async function challenge(
  context: RunContext,
  arms: StagedArms,
  configuration: StackConfiguration,
  tuner: Tuner,
  log: TuningLog,
): Promise<Arm | undefined> {
  let arm: Arm | undefined;
  let adopted = false;
  try {
    arm = await deploy(context, 'challenger', context.run.build, configuration);
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
    adopted = answer.verdict === 'adopted';
    if (burst === undefined) await saveEffect(context, comparison);
    await log.answer(answer);
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof PlatformError) && !(error instanceof InvalidAttempt)) throw error;
    await dropped(configuration, tuner, log, error);
  }
  if (adopted) return arm;
  if (arm !== undefined) await removeChallenger(context, arm);
  return undefined;
}

/** What cannot be removed now is removed when staging is cleared: no reason to fail a run that has met. */
async function removeChallenger(context: RunContext, arm: Arm): Promise<void> {
  try {
    await context.deps.world.remove(arm.id, 'staging', context.owner, context.signal);
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof PlatformError)) throw error;
    await context.tell('problem', `a challenger could not be removed yet: ${error.message}`);
  }
}

/** Tried again by the next ask; one that never comes up is not entered again on this workload. */
async function dropped(
  configuration: StackConfiguration,
  tuner: Tuner,
  log: TuningLog,
  error: Error,
): Promise<void> {
  if (error instanceof PlatformError && log.triesOf(configuration.hash) >= MOST_TRIES) {
    const reason = `it did not come up twice: ${error.message}`;
    await log.answer(told(tuner, configuration, { kind: 'failed', reason }));
    return;
  }
  await log.drop(error.message);
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
