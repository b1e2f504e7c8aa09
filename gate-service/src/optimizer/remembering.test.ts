import { expect, it } from 'vitest';
import { initialPolicy } from './actor.ts';
import { experienceSchema } from './experience-schema.ts';
import { recall } from './memory.ts';
import { KEPT_SESSIONS, KEPT_TRIALS, KEPT_VIOLATORS, remember } from './remembering.ts';
import { PROBLEM, SPACE } from './tuner-fixture.ts';
import type { Experience, PastSession } from './tuner.ts';

const violator = { workers: 500, share: 0.3, balancer: 'round' };
const trial = { values: PROBLEM.start, value: 100, metrics: { errors: 0 }, unsafe: false };
const session: PastSession = {
  context: PROBLEM.context,
  start: PROBLEM.start,
  trials: [trial],
  policy: initialPolicy(SPACE, PROBLEM.start),
  violators: [],
};
const unlike = (rate: number): PastSession => ({ ...session, context: { rate: 100 * 2 ** rate } });

function after(...sessions: readonly PastSession[]): Experience {
  let experience: Experience | undefined;
  for (const one of sessions) experience = remember(SPACE, 's', experience, one);
  return experience!;
}
const many = <T>(of: (index: number) => T, count = 40): T[] =>
  Array.from({ length: count }, (_, index) => of(index));

it('is bounded, and forgets the oldest first', () => {
  const long = { ...session, trials: Array<typeof trial>(500).fill(trial) };
  const { sessions } = after(...many(unlike), long);
  expect(sessions).toHaveLength(KEPT_SESSIONS);
  expect(sessions.at(-1)!.trials).toHaveLength(KEPT_TRIALS);
  expect(sessions[0]).toEqual(unlike(41 - KEPT_SESSIONS));
});

it('never forgets a violator of a workload, whatever else is measured since', () => {
  const first = { ...session, violators: [violator] };
  let experience = after(first, ...many(unlike), ...many(unlike));
  expect(experience.sessions).toHaveLength(KEPT_SESSIONS + 1);
  expect(experience.sessions[0]).toMatchObject({ remnant: true, violators: [violator] });
  expect(recall(PROBLEM, experience, 1).barriers).toEqual([{ safe: PROBLEM.start, violator }]);
  // A later session of the workload takes it over; then nothing of the remnant is needed.
  experience = remember(SPACE, 's', experience, session);
  expect(experience.sessions).toHaveLength(KEPT_SESSIONS);
  expect(experience.sessions.at(-1)!.violators).toEqual([violator]);
  experience = after(...experience.sessions, ...many(() => session));
  expect(recall(PROBLEM, experience, 1).barriers).toHaveLength(1);
  expect(experienceSchema.parse(JSON.parse(JSON.stringify(experience)))).toEqual(experience);
});

it('keeps each effect once, the newest of too many', () => {
  const violators = many((index) => ({ ...violator, workers: 500 + index }), 100);
  const { sessions } = after(
    { ...session, violators: [violator, ...violators] },
    { ...session, violators: [{ ...violator, workers: 500 }] },
    { ...session, violators: many((i) => ({ ...violator, share: 0.4 + i / 500 }), 100) },
  );
  const [last] = sessions.slice(-1);
  expect(last!.violators).toHaveLength(KEPT_VIOLATORS);
  // Broken again in the second session: newer than the others of the first.
  expect(last!.violators.filter(({ workers, share }) => workers === 500 && share === 0.3)).toEqual([
    violator,
  ]);
  expect(last!.violators.at(-1)).toMatchObject({ share: 0.4 + 99 / 500 });
});
