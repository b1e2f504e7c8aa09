/** `confirming`: what tuning adopted against the baseline on fresh data, all thresholds again. */
import type { Judgement } from '../../judge/judgement.ts';
import { endingOf, ShuttingDown } from '../endings.ts';
import type { AdoptionEnd } from '../ports.ts';
import type { RunContext } from '../run-context.ts';
import type { Judged, JudgedArms } from './measure.ts';
import { measureAndJudge } from './measure.ts';
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
    if (ending instanceof ShuttingDown || ending.endCause !== 'invalid') throw error;
    why = ending.message;
  }
  const end = endOf(context, confirmed?.record.judgement);
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

function endOf({ deps }: RunContext, judgement: Judgement | undefined): AdoptionEnd {
  if (judgement === undefined) return 'unconfirmed';
  const { cause, outcomes } = judgement;
  if (cause === 'met') return 'confirmed';
  if (cause === 'invalid') return 'unconfirmed';
  const limits = outcomes.filter(
    ({ outcome, threshold }) =>
      outcome === 'breached' &&
      (deps.judge.checkThreshold(threshold).absolute || /^errors\b/.test(threshold)),
  );
  return limits.length > 0 ? 'unsafe' : 'refuted';
}
