/** A cliff that was fallen over once is never entered again in its context, whatever lies between. */
import { expect, it, vi } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { sameEffect } from './encoding.ts';
import { remember } from './remembering.ts';
import { barrierOf, isBeyond } from './safety.ts';
import type { Barrier } from './safety.ts';
import type { Values } from './space/bound-space.ts';
import { hashOfSpace } from './space-hash.ts';
import { observe, PROBLEM, smooth, SPACE, throughJson } from './tuner-fixture.ts';
import type { World } from './tuner-fixture.ts';
import { createTuner, resumeTuner } from './tuner.ts';
import type { Experience, Tuner } from './tuner.ts';

vi.setConfig({ testTimeout: 60_000 });

const cliff: World = {
  value: smooth,
  unsafe: ({ balancer, share, workers }) =>
    Number(workers) > 70 || (balancer === 'least' && Number(share) > 0.45),
};

/** As if each evaluation were another process's: nothing is carried on but what was stored. */
function playResumed(budget: number, seed: number, experience?: Experience): Tuner {
  const options = { budget, seed, ...(experience === undefined ? {} : { experience }) };
  let tuner = createTuner(PROBLEM, options);
  for (let next = tuner.ask(); next !== undefined; next = tuner.ask()) {
    tuner = resumeTuner(PROBLEM, JSON.parse(JSON.stringify(tuner.snapshot())));
    tuner.tell(next.id, observe(cliff, next.values, createRandom(seed, `noise ${next.id}`)));
    tuner = resumeTuner(PROBLEM, JSON.parse(JSON.stringify(tuner.snapshot())));
  }
  return tuner;
}

const asked = (tuner: Tuner): readonly Values[] =>
  tuner.result().explanation.trajectory.map(({ proposal }) => proposal.values);

function barriersOf(tuner: Tuner): Barrier[] {
  const values = asked(tuner);
  const safe = values.filter((one) => !cliff.unsafe!(one));
  return values
    .filter((one) => cliff.unsafe!(one))
    .map((violator) => barrierOf(SPACE, safe, violator)!);
}

const entered = (barriers: readonly Barrier[], values: readonly Values[]): Values[] =>
  values.filter((one) => barriers.some((barrier) => isBeyond(SPACE, barrier, one)));

it('neither when resumed, nor after many sessions on other workloads', () => {
  const first = playResumed(16, 2);
  const barriers = barriersOf(first);
  expect(barriers.length).toBeGreaterThan(0);
  for (const { violator } of barriers) {
    expect(asked(first).filter((one) => sameEffect(SPACE, one, violator))).toHaveLength(1);
  }

  let experience = throughJson(first.experience());
  const [session] = experience.sessions;
  for (let i = 0; i < 70; i += 1) {
    const context = { rate: 7 * 3 ** (1 + (i % 35)) };
    const other = { ...session!, context, violators: [], trials: session!.trials.slice(0, 1) };
    experience = remember(SPACE, hashOfSpace(SPACE.knobs), experience, other);
  }
  const second = playResumed(14, 9, throughJson(experience));
  expect(asked(second).length).toBeGreaterThan(3);
  expect(entered(barriers, asked(second))).toEqual([]);

  const third = playResumed(14, 5, throughJson(second.experience()));
  expect(entered([...barriers, ...barriersOf(second)], asked(third))).toEqual([]);
});
