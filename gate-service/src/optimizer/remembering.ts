/**
 * What is kept of sessions: the latest ones whole, of older ones what broke limits. A violator is
 * never out of date, so each session takes along those of the same workload, and a session that makes
 * room leaves a remnant with those that no later one has.
 */
import { sameEffect } from './encoding.ts';
import { isSameContext } from './memory.ts';
import { barrierOf } from './safety.ts';
import type { BoundSpace, Values } from './space/bound-space.ts';
import type { Experience, PastSession } from './tuner.ts';

/** Whole sessions and trials a session that are kept. */
export const KEPT_SESSIONS = 30;
export const KEPT_TRIALS = 120;
/** Violators that are kept of a workload, the newest, and remnants of workloads. */
export const KEPT_VIOLATORS = 120;
export const KEPT_REMNANTS = 30;

/**
 * Former experience with one more session; that is the last one.
 * @param hash of the space's knobs
 */
export function remember(
  space: BoundSpace,
  hash: string,
  former: Experience | undefined,
  session: PastSession,
): Experience {
  const before = former?.sessions ?? [];
  const carried = before
    .filter(({ context }) => isSameContext(context, session.context))
    .flatMap(({ violators }) => violators);
  const latest: PastSession = {
    ...session,
    trials: session.trials.slice(-KEPT_TRIALS),
    violators: newest(space, [...carried, ...session.violators]),
  };
  const whole = [...before.filter(({ remnant }) => remnant !== true), latest];
  const kept = whole.slice(-KEPT_SESSIONS);
  const remnants = [
    ...before.filter(({ remnant }) => remnant === true),
    ...whole.slice(0, -kept.length).map((one) => remnantOf(space, one)),
  ];
  return { version: 1, space: hash, sessions: [...merged(space, remnants, kept), ...kept] };
}

/** Each effect once, the newest ones, oldest first. */
function newest(space: BoundSpace, violators: readonly Values[]): Values[] {
  const some: Values[] = [];
  for (const values of violators.toReversed()) {
    if (some.length >= KEPT_VIOLATORS) break;
    if (!some.some((one) => sameEffect(space, one, values))) some.push(values);
  }
  return some.reverse();
}

/** A session's violators, and of its safe configurations those nearest to them: where each was entered from. */
function remnantOf(space: BoundSpace, session: PastSession): PastSession {
  const safe = session.trials.filter(
    ({ unsafe, values }) =>
      !unsafe && !session.violators.some((violator) => sameEffect(space, violator, values)),
  );
  const near = new Set(
    session.violators.map(
      (violator) =>
        barrierOf(
          space,
          safe.map(({ values }) => values),
          violator,
        )?.safe,
    ),
  );
  return {
    context: session.context,
    start: session.start,
    trials: safe.filter(({ values }) => near.has(values)),
    policy: { updates: 0, numeric: {}, categorical: {} },
    violators: session.violators,
    remnant: true,
  };
}

/** One remnant a workload, without what a later whole session of it has; the latest workloads. */
function merged(
  space: BoundSpace,
  remnants: readonly PastSession[],
  kept: readonly PastSession[],
): PastSession[] {
  const some: PastSession[] = [];
  for (const one of remnants) {
    const at = some.findIndex(({ context }) => isSameContext(context, one.context));
    const [earlier] = at < 0 ? [] : some.splice(at, 1);
    some.push({
      ...one,
      trials: [...(earlier?.trials ?? []), ...one.trials].slice(-KEPT_TRIALS),
      violators: newest(space, [...(earlier?.violators ?? []), ...one.violators]),
    });
  }
  return some
    .map((one) => {
      const later = kept
        .filter(({ context }) => isSameContext(context, one.context))
        .flatMap(({ violators }) => violators);
      const left = one.violators.filter(
        (values) => !later.some((violator) => sameEffect(space, violator, values)),
      );
      return { ...one, violators: left };
    })
    .filter(({ violators }) => violators.length > 0)
    .slice(-KEPT_REMNANTS);
}
