/** What former runs learnt, as far as it can be believed: a bad one is left out with a sentence, and fails no run. */
import { createKnobSpace } from '../../optimizer/space/knob-space.ts';
import { experienceSchema } from '../../optimizer/experience-schema.ts';
import { hashOfSpace } from '../../optimizer/space-hash.ts';
import type { BoundSpace, Experience, PastSession } from '../../optimizer/tuner.ts';
import type { LearntSession } from '../tuning-record.ts';

export interface Recalled {
  /** Absent when there is none. */
  readonly experience?: Experience;
  /** What was left out, and why. */
  readonly sentences: readonly string[];
}

const sessionSchema = experienceSchema.shape.sessions.element;

/** @param sessions latest first, as stored */
export function recallSessions(
  sessions: readonly LearntSession[],
  { knobs }: BoundSpace,
): Recalled {
  const space = hashOfSpace(knobs);
  const alone = createKnobSpace<typeof knobs, undefined>({ knobs, constraints: [] });
  const isLegal = (values: unknown): boolean => alone.check(values, undefined).ok;
  const good: PastSession[] = [];
  const sentences: string[] = [];
  const leftOut = (one: LearntSession, why: string): void => {
    sentences.push(`what run ${one.runId} of ${one.service} learnt is left out: ${why}`);
  };
  for (const one of sessions) {
    if (one.space !== space) {
      leftOut(one, 'it was learnt with other knobs');
      continue;
    }
    const parsed = sessionSchema.safeParse(one.session);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      leftOut(one, `it is damaged (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''})`);
      continue;
    }
    const { adopted, start, trials, violators } = parsed.data;
    const all = [
      start,
      ...(adopted === undefined ? [] : [adopted]),
      ...violators,
      ...trials.map(({ values }) => values),
    ];
    if (!all.every(isLegal)) leftOut(one, 'it holds values that no knob can have');
    else good.push(parsed.data);
  }
  if (good.length === 0) return { sentences };
  // The tuner takes the oldest first.
  return { experience: { version: 1, space, sessions: good.reverse() }, sentences };
}
