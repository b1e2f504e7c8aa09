/** One run from its claim to its decision. Whatever goes wrong on the way ends in `restoring`. */
import { endingOf, ShuttingDown } from './endings.ts';
import { confirm } from './phases/confirm.ts';
import { measureAndJudge } from './phases/measure.ts';
import type { JudgedArms } from './phases/measure.ts';
import { deployArms } from './phases/deploy.ts';
import type { StagedArms } from './phases/deploy.ts';
import { decide, resumePromoting } from './phases/decide.ts';
import { beginRestoring, restore } from './phases/restore.ts';
import { tune, tuningSkipped } from './phases/tune.ts';
import type { RunContext } from './run-context.ts';
import { move } from './transitions.ts';
import { TuningLog } from './tuning-log.ts';

/**
 * Drives a run that is `deploying`, or one that a restart found in `judging`,
 * `promoting` or `restoring`.
 * @throws ShuttingDown with the run left for the next start; errors of the store
 */
export async function drive(context: RunContext): Promise<void> {
  try {
    // A promotion that a restart has completed cannot be cancelled any more.
    if (context.run.phase !== 'promoting') context.signal.throwIfAborted();
    if (context.run.phase === 'deploying') await gather(context);
    if (context.run.phase === 'promoting') await resumePromoting(context);
    if (context.run.phase === 'judging') {
      context.cap.stop();
      await decide(context);
    }
  } catch (error) {
    const ending = endingOf(error, context.signal);
    if (ending instanceof ShuttingDown) throw ending;
    await beginRestoring(context, ending);
  } finally {
    context.cap.stop();
  }
  if (context.run.phase === 'restoring') await restore(context);
}

/** Evidence: from fresh arms to the judgement that the decision will rest on. */
async function gather(context: RunContext): Promise<void> {
  const arms = await deployArms(context);
  await context.enter(move(context.run, 'deploying', 'measuring', context.now()), 'measuring');
  const judged = await measureAndJudge(context, 'measuring', judgedArms(context, arms));
  await context.update({ judgementId: judged.record.id, codeJudgementId: judged.record.id });
  const skipped = tuningSkipped(context, arms, judged);
  if (skipped !== undefined) {
    await TuningLog.skipped(context, skipped);
    await context.enter(move(context.run, 'measuring', 'judging', context.now()), 'judging');
    return;
  }
  await context.enter(move(context.run, 'measuring', 'tuning', context.now()), 'tuning');
  const adopted = await tune(context, arms, judged);
  if (adopted === undefined) {
    await context.enter(move(context.run, 'tuning', 'judging', context.now()), 'judging');
    return;
  }
  await context.enter(move(context.run, 'tuning', 'confirming', context.now()), 'confirming');
  await confirm(context, judgedArms(context, arms), adopted);
  await context.enter(move(context.run, 'confirming', 'judging', context.now()), 'judging');
}

function judgedArms(context: RunContext, arms: StagedArms): JudgedArms {
  const configurationHash = arms.incumbent.hash;
  const { baseline, build } = context.run;
  return {
    ...(arms.baseline === undefined || baseline === undefined
      ? {}
      : {
          baseline: {
            name: 'baseline' as const,
            arm: arms.baseline,
            build: baseline.build,
            configurationHash,
          },
        }),
    candidate: { name: 'candidate', arm: arms.candidate, build, configurationHash },
    incumbent: arms.incumbent,
  };
}
