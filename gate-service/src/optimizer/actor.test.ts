import { describe, expect, it } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import {
  drawFrom,
  gaussianDivergence,
  initialPolicy,
  KL_LIMIT,
  logPreference,
  updatePolicy,
} from './actor.ts';
import { PROBLEM, SPACE } from './tuner-fixture.ts';

const policy = initialPolicy(SPACE, PROBLEM.start);
const good = { workers: 400, share: 0.9, balancer: 'least' };
const learnt = updatePolicy(SPACE, policy, [
  { values: PROBLEM.start, advantage: 0 },
  { values: good, advantage: 5 },
]);

describe('the policy', () => {
  it('moves towards what was better, never farther than the divergence allows', () => {
    for (const name of ['workers', 'share']) {
      const [old, now] = [policy.numeric[name]!, learnt.numeric[name]!];
      expect(now.mean).toBeGreaterThan(old.mean);
      expect(gaussianDivergence(now, old)).toBeLessThanOrEqual(KL_LIMIT + 1e-9);
    }
    expect(learnt.categorical.balancer!.least).toBeGreaterThan(policy.categorical.balancer!.least!);
    expect(Object.values(learnt.categorical.balancer!).reduce((sum, p) => sum + p)).toBeCloseTo(1);
    expect(logPreference(SPACE, learnt, good)).toBeGreaterThan(logPreference(SPACE, policy, good));
  });

  it('arrives when the same is better again and again', () => {
    let now = policy;
    for (let i = 0; i < 60; i += 1)
      now = updatePolicy(SPACE, now, [{ values: good, advantage: 1 }]);
    expect(now.numeric.share!.mean).toBeCloseTo(0.9, 1);
    const random = createRandom(1);
    const drawn = Array.from({ length: 50 }, () => drawFrom(now, 'balancer', random));
    expect(drawn.filter((choice) => choice === 'least').length).toBeGreaterThan(40);
  });

  it('stays where nothing was told', () => {
    expect(updatePolicy(SPACE, policy, [])).toBe(policy);
  });
});
