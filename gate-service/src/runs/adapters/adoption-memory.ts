/** What later runs are told of a configuration that tuning adopted, after fresh data had their say. */
import type { PastSession, Trial, Values } from '../../optimizer/tuner.ts';
import type { AdoptionEnd } from '../ports.ts';
import type { LearntSession } from '../tuning-record.ts';
import { sessionSchema } from './tuning-experience.ts';

/**
 * The session as it is remembered. Only what was confirmed counts as adopted, so that a later run
 * does not begin with what nobody has seen twice. What was refuted is remembered as no better than
 * the start, and what broke a limit as a violator.
 * @param end absent while nothing is confirmed yet
 */
export function remembered(session: PastSession, end: AdoptionEnd | undefined): PastSession {
  const { adopted, ...rest } = session;
  if (adopted === undefined || end === 'confirmed') return session;
  if (end === undefined || end === 'unconfirmed') return rest;
  const isIt = ({ values }: Trial): boolean => isSame(values, adopted);
  if (end === 'unsafe') {
    return {
      ...rest,
      trials: rest.trials.map((trial) => (isIt(trial) ? { ...trial, unsafe: true } : trial)),
      violators: [...rest.violators.filter((values) => !isSame(values, adopted)), adopted],
    };
  }
  const start = rest.trials.find(({ values }) => isSame(values, rest.start))?.value;
  return {
    ...rest,
    trials: rest.trials.map((trial) => (isIt(trial) ? worth(trial, start) : trial)),
  };
}

/** What `Tuners.takenBack` promises. A session that cannot be read has adopted nothing. */
export function refuted(
  runId: string,
  sessions: readonly LearntSession[],
): readonly LearntSession[] {
  const readable = sessions.flatMap((learnt) => {
    const { data } = sessionSchema.safeParse(learnt.session);
    return data === undefined ? [] : [{ learnt, session: data }];
  });
  const own = readable.find(({ learnt }) => learnt.runId === runId);
  const adopted = own?.session.adopted;
  if (own === undefined || adopted === undefined) return [];
  return readable.flatMap(({ learnt, session }) =>
    learnt.space === own.learnt.space &&
    session.adopted !== undefined &&
    isSame(session.adopted, adopted)
      ? [{ ...learnt, session: remembered(session, 'refuted') }]
      : [],
  );
}

/** Without a value of the start nothing is known of this one either. */
function worth({ metrics, unsafe, values }: Trial, value: number | undefined): Trial {
  return {
    values,
    unsafe,
    ...(metrics === undefined ? {} : { metrics }),
    ...(value === undefined ? {} : { value }),
  };
}

function isSame(one: Values, other: Values): boolean {
  return Object.keys({ ...one, ...other }).every((name) => one[name] === other[name]);
}
