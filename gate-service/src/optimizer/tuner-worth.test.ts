/** With experience a step has to be worth its risk: nothing is looked for where there is nothing to win. */
import { expect, it, vi } from 'vitest';
import { createTuner } from './tuner.ts';
import type { Proposal } from './tuner.ts';
import { play, PROBLEM, throughJson } from './tuner-fixture.ts';
import type { World } from './tuner-fixture.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Only the balancer matters; the other knobs change nothing until their cliffs. */
const plateau: World = {
  value: ({ balancer }) => (balancer === 'round' ? 130 : 100),
  unsafe: ({ share, workers }) => Number(workers) > 150 || Number(share) > 0.75,
  noise: 0.06,
};
const BUDGET = 40;

/** What a session asks that has the experience of one on a similar workload, and what it adopts. */
function withExperience(seed: number): { asked: readonly Proposal[]; balancer: unknown } {
  const first = createTuner(PROBLEM, { budget: 30, seed });
  play(first, plateau, seed);
  const second = createTuner(
    { ...PROBLEM, context: { rate: 7.5 } },
    { budget: BUDGET, seed: seed + 50, experience: throughJson(first.experience()) },
  );
  const asked = play(second, plateau, seed + 50);
  return { asked, balancer: second.result().best.balancer };
}

it('finds the gain again, and ends where the rest is a plateau before a cliff', () => {
  const sessions = [1, 2, 3, 4, 5, 6].map(withExperience);
  expect(sessions.map(({ balancer }) => balancer)).toEqual(sessions.map(() => 'least'));
  const evaluations = sessions.reduce((sum, { asked }) => sum + asked.length, 0);
  expect(evaluations).toBeLessThan((5 / 6) * BUDGET * sessions.length);
  for (const { predicted, source } of sessions.flatMap(({ asked }) => asked)) {
    if (source === 'critic') expect(predicted?.safe).toBeGreaterThanOrEqual(0.9);
  }
});
