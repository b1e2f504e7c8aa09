import { expect, it } from 'vitest';
import { hashOfSpace } from '../../optimizer/space-hash.ts';
import type { BoundSpace, PastSession } from '../../optimizer/tuner.ts';
import { TUNING_KNOBS } from '../../stack/tuning-knobs.ts';
import type { LearntSession } from '../tuning-record.ts';
import { TUNING_VALUES as values } from '../test-support/tuning-values.ts';
import { recallSessions } from './tuning-experience.ts';

const space = { knobs: TUNING_KNOBS } as unknown as BoundSpace;
const context = { rate: 6, backend: 5, concurrency: 2 };
const now = { service: 'checkout', context };

function stored(runId: string, more: Partial<LearntSession> = {}): LearntSession {
  const session: PastSession = {
    context,
    start: values,
    trials: [],
    policy: { updates: 0, numeric: {}, categorical: {} },
    violators: [],
  };
  const own = hashOfSpace(TUNING_KNOBS);
  return { runId, start: 1, service: 'checkout', at: 't', space: own, session, ...more };
}

it('tells once what is left out for one reason, and names no run of another service', () => {
  const otherKnobs = { space: 'other' };
  const { experience, sentences } = recallSessions(
    [
      stored('r1', otherKnobs),
      stored('secret-1', { ...otherKnobs, service: 'payroll' }),
      stored('secret-2', { ...otherKnobs, service: 'payroll' }),
      stored('r2', otherKnobs),
      stored('r3', { session: 'torn {' }),
      stored('secret-3', { session: {}, service: 'payroll' }),
    ],
    space,
    now,
  );
  expect(experience).toBeUndefined();
  expect(sentences[0]).toBe(
    'what 2 runs of checkout (last r1) and 2 runs of other services learnt is left out: it was learnt with other knobs',
  );
  expect(sentences[1]).toMatch(/^what run r3 of checkout learnt is left out: it is damaged/);
  expect(sentences).toHaveLength(3);
  expect(sentences.join()).not.toMatch(/secret|payroll/);
});

it('goes by kinds, not by the range around the configuration in force', () => {
  const starts = [
    { ...values, places: 10 },
    { ...values, places: -1 },
    { ...values, places: 20.5 },
    { ...values, 'mesh.loadBalancer': 'RANDOM' },
    { places: 20 },
  ];
  const sessions = starts.map((start) =>
    stored('r', { session: { ...(stored('r').session as PastSession), start } }),
  );
  const { experience, sentences } = recallSessions(sessions, space, now);
  expect(experience?.sessions.map(({ start }) => start)).toEqual([{ ...values, places: 10 }]);
  expect(sentences).toEqual([
    'what 4 runs of checkout (last r) learnt is left out: it holds values that no knob can have',
  ]);
});

it('knows the same workload again by a context that is measured anew', () => {
  const near = { rate: 6, backend: 5.1, concurrency: 2.1 };
  const far = { ...context, rate: 7 };
  const session = (of: PastSession['context']) => ({
    ...(stored('r').session as PastSession),
    context: of,
  });
  const { experience } = recallSessions(
    [stored('far', { session: session(far) }), stored('near', { session: session(near) })],
    space,
    now,
  );
  expect(experience?.sessions.map((one) => one.context)).toEqual([context, far]);
});
