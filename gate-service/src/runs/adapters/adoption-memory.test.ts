import { expect, it } from 'vitest';
import type { PastSession, Values } from '../../optimizer/tuner.ts';
import { refuted } from './adoption-memory.ts';

const start = { workers: 400 };
const better = { workers: 800 };

const sessionWith = (adopted?: Values): PastSession => ({
  context: {},
  start,
  trials: [
    { values: start, value: 100, unsafe: false },
    { values: better, value: 80, unsafe: false },
  ],
  policy: { updates: 0, numeric: {}, categorical: {} },
  violators: [],
  ...(adopted === undefined ? {} : { adopted }),
});

const stored = (runId: string, session: unknown, space = 'knobs') => ({
  runId,
  start: 1,
  service: 'checkout',
  at: 't',
  space,
  session,
});

it('refutes what a run adopted in all sessions that had adopted the same', () => {
  const sessions = [
    stored('other', sessionWith({ workers: 600 })),
    stored('own', sessionWith(better)),
    stored('earlier', sessionWith(better)),
    stored('none', sessionWith()),
    stored('torn', 'torn {'),
    stored('of-other-knobs', sessionWith(better), 'other'),
  ];
  const changed = refuted('own', sessions);
  expect(changed.map(({ runId }) => runId)).toStrictEqual(['own', 'earlier']);
  for (const { session } of changed) {
    expect(session).toStrictEqual({
      ...sessionWith(),
      trials: [
        { values: start, value: 100, unsafe: false },
        { values: better, value: 100, unsafe: false },
      ],
    });
  }
});

it('refutes nothing where the run adopted nothing, or its session cannot be read', () => {
  const earlier = stored('earlier', sessionWith(better));
  expect(refuted('own', [stored('own', sessionWith()), earlier])).toStrictEqual([]);
  expect(refuted('own', [stored('own', 'torn {'), earlier])).toStrictEqual([]);
  expect(refuted('own', [earlier])).toStrictEqual([]);
});
