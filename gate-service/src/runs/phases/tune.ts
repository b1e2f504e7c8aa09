/** `tuning`: the candidate on other configurations against itself on the incumbent one. */
import { asError } from '../clock.ts';
import type { Arm } from '../../platforms/platform.ts';
import type { StackConfiguration } from '../../stack/configuration.ts';
import type { RunContext } from '../run-context.ts';
import { challenge } from './challenger.ts';
import type { StagedArms } from './deploy.ts';
import type { Judged } from './measure.ts';
import type { Tuner, TuningBudget, TuningProposal } from '../ports.ts';
import { defaultTuning } from '../request-rules.ts';
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

/** Most sessions of this service, and of others, that the tuner is told of: the most similar workloads count. */
const SESSIONS = { own: 120, others: 30 } as const;
const STAYS = 'nothing better was shown, the configuration in force stays';

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
      service: context.service.name,
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
    const challenged = await challenge(context, arms, configuration, tuner, log);
    if (typeof challenged === 'object') {
      await log.end('adopted', 'adopted, and to be confirmed on fresh data');
      return { configuration, arm: challenged.adopted, log };
    }
    // The machine has no room for one more beside what is left.
    if (challenged === 'left' || log.isHopeless) break;
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

/** What former runs learnt, of this service first. */
async function sessionsFor({ deps, service }: RunContext): Promise<readonly LearntSession[]> {
  const [own, all] = await Promise.all([
    deps.store.learntSessions({ service: service.name }, SESSIONS.own),
    deps.store.learntSessions({}, SESSIONS.others),
  ]);
  const rest = all.filter((one) => one.service !== service.name);
  return [...own, ...rest];
}
