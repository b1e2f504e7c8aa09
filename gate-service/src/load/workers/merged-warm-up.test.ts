import { expect, it } from 'vitest';
import type { Sample } from '../sample.ts';
import type { MergedWindow } from './merge.ts';
import { MergedWarmUp } from './merged-warm-up.ts';

const sample = (change: Partial<Sample>): Sample => ({
  arm: 'baseline',
  launch: 'a',
  window: -2,
  kind: 'read',
  intendedUs: 0,
  latencyUs: 10,
  status: 'ok',
  ...change,
});

function windowOf(window: number, samples: readonly Sample[], waited = 0): MergedWindow {
  return {
    window,
    samples,
    fitness: { window, latenessP99Us: 0, runQueueShare: 0, sent: 1, received: 1, waited },
    byWorker: new Map(),
    missing: [],
  };
}

it('gathers good answers by arm, waits, and what was under way at the end of each window', () => {
  const warmUp = new MergedWarmUp(['baseline', 'candidate']);
  warmUp.add(
    windowOf(
      -2,
      [
        sample({ latencyUs: 30 }),
        sample({ arm: 'candidate', intendedUs: 50, latencyUs: 100 }),
        sample({ arm: 'candidate', status: '500', intendedUs: 60, latencyUs: 300 }),
      ],
      3,
    ),
    100,
  );
  warmUp.add(windowOf(-1, [sample({ window: -1, intendedUs: 150, latencyUs: 10 })]), 200);
  expect(warmUp.windows).toEqual([
    { latenciesUs: [[30], [100]], waited: 3, inFlight: 2 },
    // One of the window before still is.
    { latenciesUs: [[10], []], waited: 0, inFlight: 1 },
  ]);
});
