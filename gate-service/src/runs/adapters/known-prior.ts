/** The expert's configuration, unless it was tried on this workload before and won nothing. */
import { wayAlong } from '../../optimizer/encoding.ts';
import type { BoundSpace, PastSession, Prior, Trial, Values } from '../../optimizer/tuner.ts';
import type { TunableSpace } from '../../stack/tunable-space.ts';
import type { Recalled } from './tuning-experience.ts';

/**
 * The expert reckons with measured times, so its sizes vary a little from run to run: configurations
 * whose knobs all lie within this share of their ranges are the same proposal.
 */
const SAME_PROPOSAL = 0.05;

/**
 * Without this each push would measure again what former ones refuted. The expert steps back where a
 * former session on the same workload, from the same start, has measured its proposal without any gain; its prior is the
 * start then, and critics and policy go on from what was measured.
 */
export function priorOf(
  prior: Prior,
  space: TunableSpace,
  { experience }: Recalled,
  context: PastSession['context'],
): Prior {
  // Recalled sessions on the same workload have this very context. What it was compared with counts, too.
  const same = (experience?.sessions ?? []).filter(
    (session) => session.context === context && isNear(space, session.start, space.start),
  );
  const isProposal = ({ values }: Trial): boolean =>
    isNear(space, values, prior.values) && !isNear(space, values, space.start);
  const tried = same.filter((session) => session.trials.some(isProposal));
  if (tried.length === 0 || tried.some((session) => wonBy(session, isProposal))) return prior;
  const count = tried.length === 1 ? 'a former session' : `${tried.length} former sessions`;
  return {
    values: space.start,
    reason: `What the expert would set won nothing in ${count} on this workload.`,
  };
}

/** Whether a session saw any gain of it, however little that shows. */
function wonBy({ start, trials }: PastSession, isProposal: (trial: Trial) => boolean): boolean {
  const names = Object.keys(start);
  const isStart = ({ values }: Trial): boolean =>
    names.every((name) => values[name] === start[name]);
  const base = trials.find(isStart)?.value;
  return trials.some(
    (trial) =>
      isProposal(trial) &&
      !trial.unsafe &&
      (base === undefined || (trial.value !== undefined && trial.value < base)),
  );
}

function isNear(space: BoundSpace, one: Values, other: Values): boolean {
  return space.names.every((name) => Math.abs(wayAlong(space, name, one, other)) <= SAME_PROPOSAL);
}
