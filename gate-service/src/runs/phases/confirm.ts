/** `confirming`: what tuning adopted against the baseline on fresh data, all thresholds again. */
import type { Judgement } from '../../judge/judgement.ts';
import type { Arm } from '../../platforms/platform.ts';
import { endingOf, ShuttingDown } from '../endings.ts';
import type { AdoptionEnd } from '../ports.ts';
import type { RunContext } from '../run-context.ts';
import type { Judged, JudgedArms } from './measure.ts';
import { measureAndJudge } from './measure.ts';
import { isTrouble, stands } from './standing.ts';
import type { Adopted } from './tune.ts';

/** Not met → it is dropped, remembered as what it was, and the first judgement stands. */
export async function confirm(
  context: RunContext,
  arms: JudgedArms,
  { arm, configuration, log }: Adopted,
): Promise<void> {
  let confirmed: Judged | undefined;
  let why: string;
  try {
    const { build } = context.run;
    confirmed = await measureAndJudge(context, 'confirming', {
      ...arms,
      candidate: { name: 'candidate', arm, build, configurationHash: configuration.hash },
    });
    why = confirmed.record.judgement.summary;
  } catch (error) {
    const ending = endingOf(error, context.signal);
    if (ending instanceof ShuttingDown || context.signal.aborted) throw error;
    // What was judged before does not rest on the arm that could not be measured.
    if (ending.endCause !== 'invalid' && !isTrouble(error)) throw error;
    why = ending.message;
  }
  const end =
    endOf(context, confirmed?.record.judgement) ??
    ((await isDown(context, arm, arms.candidate.arm)) ? 'unsafe' : 'unconfirmed');
  if (confirmed === undefined || end !== 'confirmed') {
    await log.revert(
      `the adopted configuration was not confirmed and is dropped; the first judgement stands: ${why}`,
      end === 'confirmed' ? 'unconfirmed' : end,
    );
    return;
  }
  await context.update({
    judgementId: confirmed.record.id,
    configuration: { hash: configuration.hash, adopted: true },
  });
  await log.confirm('the adopted configuration is confirmed on fresh data');
}

/** Undefined where nothing could be judged. */
function endOf({ deps }: RunContext, judgement: Judgement | undefined): AdoptionEnd | undefined {
  if (judgement === undefined || judgement.cause === 'invalid') return undefined;
  const { cause, outcomes } = judgement;
  if (cause === 'met') return 'confirmed';
  const limits = outcomes.filter(
    ({ outcome, threshold }) =>
      outcome === 'breached' &&
      (deps.judge.checkThreshold(threshold).absolute || /^errors\b/.test(threshold)),
  );
  return limits.length > 0 ? 'unsafe' : 'refuted';
}

/** Whether the adopted configuration's nodes are gone, where the incumbent's are not. */
async function isDown(context: RunContext, adopted: Arm, incumbent: Arm): Promise<boolean> {
  return !(await stands(context, adopted)) && (await stands(context, incumbent));
}
