/** What former runs learnt, as far as it can be believed: a bad one is left out with a sentence, and fails no run. */
import { experienceSchema } from '../../optimizer/experience-schema.ts';
import { hashOfSpace } from '../../optimizer/space-hash.ts';
import type { BoundSpace, Experience, PastSession, Values } from '../../optimizer/tuner.ts';
import type { LearntSession } from '../tuning-record.ts';
import { isSameWorkload } from './tuning-context.ts';

export interface Recalled {
  /** Absent when there is none. */
  readonly experience?: Experience;
  /** What was left out, and why. */
  readonly sentences: readonly string[];
}

export const sessionSchema = experienceSchema.shape.sessions.element;

/**
 * @param sessions latest first, as stored
 * @param now the service and its workload, which former sessions on the same one are recognised by
 */
export function recallSessions(
  sessions: readonly LearntSession[],
  { knobs }: BoundSpace,
  now: { readonly service: string; readonly context: PastSession['context'] },
): Recalled {
  const space = hashOfSpace(knobs);
  const isLegal = (values: Values): boolean => haveKinds(values, knobs);
  const good: PastSession[] = [];
  const leftOut = new Map<string, LearntSession[]>();
  for (const one of sessions) {
    const read = readSession(one, space, isLegal);
    if (typeof read === 'string') leftOut.set(read, [...(leftOut.get(read) ?? []), one]);
    else good.push(read);
  }
  const sentences = [...leftOut].map(
    ([why, of]) => `what ${whose(of, now.service)} learnt is left out: ${why}`,
  );
  if (good.length === 0) return { sentences };
  // What forbids and what was found holds as measured where the workload is the same.
  const known = good.map((session) =>
    isSameWorkload(session.context, now.context) ? { ...session, context: now.context } : session,
  );
  // The tuner takes the oldest first.
  return { experience: { version: 1, space, sessions: known.reverse() }, sentences };
}

/** The session, or why it cannot be used. */
function readSession(
  { session, space }: LearntSession,
  own: string,
  isLegal: (values: Values) => boolean,
): PastSession | string {
  if (space !== own) return 'it was learnt with other knobs';
  const parsed = sessionSchema.safeParse(session);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `it is damaged (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''})`;
  }
  const { adopted, start, trials, violators } = parsed.data;
  const all = [
    start,
    ...(adopted === undefined ? [] : [adopted]),
    ...violators,
    ...trials.map(({ values }) => values),
  ];
  return all.every(isLegal) ? parsed.data : 'it holds values that no knob can have';
}

/**
 * Whether every knob has a value of its kind. Not by range: the one around another configuration in
 * force may have been wider, and the tuner leaves out itself what is illegal now.
 */
function haveKinds(values: Values, knobs: BoundSpace['knobs']): boolean {
  const names = Object.keys({ ...values, ...knobs });
  return names.every((name) => {
    const [knob, value] = [knobs[name], values[name]];
    if (knob === undefined || value === undefined) return false;
    if (knob.kind === 'boolean') return typeof value === 'boolean';
    if (knob.kind === 'categorical') return knob.categories.some((one) => one === value);
    if (typeof value !== 'number' || (knob.kind === 'integer' && !Number.isInteger(value)))
      return false;
    return knob.scale !== 'log' || value > 0;
  });
}

/** Runs by their ids, but for those of other services: whoever reads this may not be allowed to read them. */
function whose(sessions: readonly LearntSession[], service: string): string {
  const own = sessions.filter((one) => one.service === service).map(({ runId }) => runId);
  const others = sessions.length - own.length;
  const [first] = own;
  const parts = [
    first === undefined
      ? ''
      : own.length === 1
        ? `run ${first} of ${service}`
        : `${own.length} runs of ${service} (last ${first})`,
    others === 0
      ? ''
      : others === 1
        ? 'a run of another service'
        : `${others} runs of other services`,
  ];
  return parts.filter((part) => part !== '').join(' and ');
}
