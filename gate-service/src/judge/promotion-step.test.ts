import { describe, expect, test } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { judgePromotionStep, type LatencyCounts, type StepTraffic } from './promotion-step.ts';
import { normal } from './test-measurement.ts';

const bounds = [25, 50, 75, 100, 150, 250, 500, Infinity];
const options = { steps: 4 };

function traffic(
  armId: string,
  requests: number,
  {
    failures = 0,
    slower = 1,
    seed = 1,
  }: { failures?: number; slower?: number; seed?: number } = {},
): StepTraffic {
  const random = createRandom(seed, armId);
  const latencies = Array.from(
    { length: requests },
    () => 40 * slower * Math.exp(0.5 * normal(random)),
  );
  return {
    requests,
    failures,
    latency: {
      bounds: bounds.map((leMs) => ({
        leMs,
        count: latencies.filter((one) => one <= leMs).length,
      })),
    },
  };
}

describe('judgePromotionStep', () => {
  test('equal arms hold', () => {
    const finding = judgePromotionStep(traffic('canary', 150), traffic('current', 2850), options);
    expect(finding.outcome).toBe('held');
    expect(finding.sentence).toMatch(
      /^0 % of the canary's 150 requests failed, .* beyond 100 ms: /,
    );
  });

  test('equal arms are almost never called a breach', () => {
    let breaches = 0;
    for (let seed = 0; seed < 200; seed += 1) {
      const canary = traffic('canary', 750, { seed, failures: seed % 3 });
      const current = traffic('current', 2250, { seed, failures: seed % 7 });
      if (judgePromotionStep(canary, current, options).outcome === 'breached') breaches += 1;
    }
    expect(breaches).toBeLessThanOrEqual(1);
  });

  test('more failures are a breach when proven and large enough to matter', () => {
    const current = traffic('current', 2000, { failures: 2 });
    const many = judgePromotionStep(traffic('canary', 500, { failures: 15 }), current, options);
    expect(many.outcome).toBe('breached');
    expect(many.sentence).toContain('3 % (15 of 500) against');
    expect(
      judgePromotionStep(traffic('canary', 500, { failures: 2 }), current, options).outcome,
    ).toBe('held');
    const tiny = { ...traffic('canary', 200), requests: 200_000, failures: 700 };
    const huge = { ...traffic('current', 200), requests: 200_000, failures: 100 };
    expect(judgePromotionStep(tiny, huge, options).outcome).toBe('held');
  });

  test('a slower tail is a breach', () => {
    const canary = traffic('canary', 1500, { slower: 1.5 });
    const finding = judgePromotionStep(canary, traffic('current', 1500), options);
    expect(finding.outcome).toBe('breached');
    expect(finding.sentence).toContain('tail is slower');
    // A faster canary never is.
    expect(judgePromotionStep(traffic('canary', 1500), canary, options).outcome).toBe('held');
  });

  test('too few requests tell nothing, but failing outright does', () => {
    const current = traffic('current', 3000);
    expect(judgePromotionStep(traffic('canary', 20), current, options).outcome).toBe('too-few');
    expect(
      judgePromotionStep(traffic('canary', 2000), traffic('current', 0), options).outcome,
    ).toBe('too-few');
    const dead = traffic('canary', 20, { failures: 20 });
    expect(judgePromotionStep(dead, current, options).outcome).toBe('breached');
    expect(judgePromotionStep(dead, traffic('current', 0), options).outcome).toBe('breached');
  });

  test('traffic that does not arrive is no data', () => {
    const finding = judgePromotionStep(traffic('canary', 3), traffic('current', 3000), {
      steps: 4,
      expectedRequests: 750,
    });
    expect(finding).toMatchObject({ outcome: 'no-data' });
  });

  const good = traffic('canary', 500);
  const odd: Record<string, StepTraffic | undefined> = {
    missing: undefined,
    'NaN requests': { ...good, requests: NaN },
    'negative requests': { ...good, requests: -1 },
    'more failures than requests': { ...good, failures: 501 },
    'a histogram that falls': {
      ...good,
      latency: {
        bounds: [
          { leMs: 50, count: 9 },
          { leMs: 100, count: 5 },
          { leMs: Infinity, count: 9 },
        ],
      },
    },
    'an empty histogram': { ...good, latency: { bounds: [] } },
  };
  test.each(Object.keys(odd))('%s is no data, on either side', (name) => {
    const current = traffic('current', 3000);
    expect(judgePromotionStep(odd[name], current, options).outcome).toBe('no-data');
    expect(judgePromotionStep(current, odd[name], options).outcome).toBe('no-data');
  });
});

describe('a latency that nobody can know', () => {
  const options = { steps: 5 };
  const plain = (counts: LatencyCounts['bounds']): StepTraffic => ({
    requests: 1000,
    failures: 0,
    latency: { bounds: counts },
  });
  const whole = { leMs: Infinity, count: 1000 };

  test('a histogram without a finite bound is no data', () => {
    const finding = judgePromotionStep(plain([whole]), plain([whole]), options);
    expect(finding).toMatchObject({ outcome: 'no-data' });
    expect(finding.sentence).toContain('no finite bound');
  });

  test('neither are different bounds', () => {
    const canary = plain([{ leMs: 500, count: 0 }, whole]);
    const current = plain([{ leMs: 100, count: 950 }, whole]);
    expect(judgePromotionStep(canary, current, options)).toMatchObject({ outcome: 'no-data' });
    expect(judgePromotionStep(current, canary, options)).toMatchObject({ outcome: 'no-data' });
  });

  test('failures breach all the same', () => {
    const canary = { ...plain([whole]), failures: 300 };
    expect(judgePromotionStep(canary, plain([whole]), options).outcome).toBe('breached');
  });
});
