/** Measurements that were made to get a pass that is not earned, or found to get one. */
import { describe, expect, test, vi } from 'vitest';
import { meanAndVariance } from '../statistics/location.ts';
import { unfitReason } from './fitness.ts';
import { judge, judgeSequentially } from './judge.ts';
import { makeMeasurement, type MeasurementRecipe } from './test-measurement.ts';
import type { Sample } from '../load/sample.ts';
import type { Judgement } from './judgement.ts';
import type { JudgedMeasurement } from './measurement.ts';
import { createRandom } from '../statistics/random.ts';
import { parseThreshold } from './threshold.ts';

// Many measurements are made and judged: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 });

describe('the split of the baseline', () => {
  test.each([1, 2, 3])('with seed %i has luck of its own in each measurement', (seed) => {
    const thresholds = [parseThreshold('p95 <= baseline + 15%')];
    const count = 40;
    const effects = Array.from({ length: count }, (_, of) => {
      const measurement = makeMeasurement({ seed: of, windows: 12, pairs: 60 });
      const { controls } = judge(measurement, thresholds, { seed, requirePlanted: true });
      return controls.find(({ control }) => control === 'same-build')?.effect ?? NaN;
    });
    const { mean, variance } = meanAndVariance(effects);
    expect(Math.abs(mean) / Math.sqrt(variance / count)).toBeLessThan(3.5);
  });
});

const thresholds = ['p50 <= baseline + 10%', 'p95 <= baseline + 15%', 'p99 <= baseline + 20%'].map(
  parseThreshold,
);
const sequentially = (recipe: MeasurementRecipe, rules = thresholds): Judgement =>
  judgeSequentially(makeMeasurement(recipe), rules, {
    seed: 1,
    requirePlanted: true,
    steady: true,
  }).judgement;
const ofCandidate =
  (change: (sample: Sample) => Sample) =>
  (sample: Sample): Sample =>
    sample.arm === 'candidate' ? change(sample) : sample;
const slowIn =
  (windows: readonly number[], factor: number) =>
  (sample: Sample): Sample =>
    windows.includes(sample.window)
      ? { ...sample, latencyUs: Math.round(sample.latencyUs * factor) }
      : sample;

describe('a candidate that stalls now and then', () => {
  const stalls = ofCandidate(slowIn([4, 12, 20], 20));

  test('is not met, and the sentence names the windows', () => {
    for (let seed = 0; seed < 8; seed += 1) {
      const { cause, outcomes } = sequentially({ seed, change: stalls });
      expect(cause).not.toBe('met');
      expect(outcomes[0]!.sentence).toMatch(
        /In 3 of 24 windows the candidate alone was up to x(1\d|2\d)(\.\d)? slower in p50\./,
      );
    }
  });

  test('nor by an absolute limit, which the baseline keeps in every window', () => {
    const { outcomes } = sequentially({ change: stalls }, [parseThreshold('p95 < 200ms')]);
    expect(outcomes[0]).toMatchObject({ outcome: 'inconclusive' });
    expect(outcomes[0]!.sentence).toContain('candidate alone');
  });

  test('nor where it fails in them altogether', () => {
    const failing = ofCandidate((s) =>
      [4, 12, 20].includes(s.window) ? { ...s, status: 'timeout' } : s,
    );
    const { cause, outcomes } = sequentially({ change: failing });
    expect(cause).not.toBe('met');
    expect(outcomes[0]!.sentence).toContain('up to having no p50');
  });

  test('two windows of a short measurement are enough', () => {
    const { cause } = sequentially({ windows: 10, change: ofCandidate(slowIn([2, 7], 20)) });
    expect(cause).toBe('inconclusive');
  });

  test.each([
    ['both arms, as the machine does', slowIn([4, 12, 20], 20)],
    [
      'the baseline as often',
      (sample: Sample): Sample =>
        slowIn(sample.arm === 'baseline' ? [3, 9, 15] : [4, 12, 20], 20)(sample),
    ],
    [
      'the baseline alone',
      (sample: Sample): Sample =>
        sample.arm === 'baseline' ? slowIn([4, 12, 20], 20)(sample) : sample,
    ],
  ])('stalls that strike %s say nothing against it', (_whom, change) => {
    expect(sequentially({ change }, thresholds.slice(0, 2)).cause).toBe('met');
  });
});

describe('reports of the sender', () => {
  const good = { window: 0, latenessP99Us: 900, runQueueShare: 0.01, foreignCores: 0.1 };

  test.each([
    ['requests that waited for the pool', { sent: 792, received: 792, waited: 17 }, /wait/],
    ['nothing sent', { sent: 0, received: 0 }, /nothing was sent/],
    ['hardly anything received', { sent: 500, received: 10 }, /only 10 of 500/],
    ['more received than sent', { sent: 500, received: 501 }, /contradicts/],
    ['more waiting than sent', { sent: 500, received: 500, waited: 501 }, /contradicts/],
    ['an impossible number that waited', { sent: 500, received: 500, waited: NaN }, /impossible/],
  ])('unfit: %s', (_what, counts, words) => {
    expect(unfitReason({ ...good, ...counts })).toMatch(words);
  });

  test.each([
    { sent: 792, received: 792, waited: 15 },
    { sent: 792, received: 792 },
    { sent: 20, received: 12 },
  ])('fit: %o', (counts) => {
    expect(unfitReason({ ...good, ...counts })).toBeUndefined();
  });

  test('a slower build does not hide behind a pool that is empty', () => {
    const { cause } = sequentially({
      slower: 1.5,
      path: 2000,
      fitness: () => ({ waited: 300 }),
    });
    expect(cause).toBe('invalid');
  });
});

describe('what was recorded', () => {
  const options = { seed: 1, requirePlanted: true } as const;
  const rules = thresholds.slice(0, 2);
  const counts = (measurement: JudgedMeasurement, lax = false): string => {
    const { cause, controls } = judge(measurement, rules, {
      ...options,
      ...(lax ? { requireSender: false } : {}),
    });
    const control = controls.find((one) => one.control === 'counts')!;
    expect(cause === 'invalid').toBe(!control.passed);
    return control.passed ? 'passed' : control.sentence;
  };
  const whole = makeMeasurement();
  const changed = (change: (sample: Sample) => Sample): JudgedMeasurement => ({
    ...whole,
    samples: whole.samples.map(change),
  });
  const cut = (keep: (sample: Sample) => boolean): JudgedMeasurement => ({
    ...whole,
    samples: whole.samples.filter(keep),
  });
  /** As if the sender had counted only what is recorded. */
  const recounted = (measurement: JudgedMeasurement): JudgedMeasurement => {
    const rows = Map.groupBy(measurement.samples, ({ window }) => window);
    const { length } = measurement.samples;
    return {
      ...measurement,
      fitness: measurement.fitness.map((fit) => {
        const own = rows.get(fit.window)?.length ?? 0;
        return { ...fit, sent: own, received: own };
      }),
      counters: { sent: length, received: length, inFlight: 0, cpuSeconds: 1 },
    };
  };

  test('is whole as it is', () => {
    expect(counts(whole)).toBe('passed');
    expect(counts(recounted(whole))).toBe('passed');
  });

  test.each([
    [
      'both arms answered by one node',
      changed((s) => ({ ...s, launch: 'checkout-b1' })),
      /both arms were answered by checkout-b1/,
    ],
    [
      'one node of both arms',
      changed((s) =>
        s.arm === 'candidate' && s.window === 5 ? { ...s, launch: 'baseline-1' } : s,
      ),
      /both arms were answered by baseline-1/,
    ],
    [
      'a planted block that the candidate answered',
      changed((s) => (s.arm === 'planted' ? { ...s, launch: 'candidate-1' } : s)),
      /planted block.*candidate-1/,
    ],
    [
      'slow rows that are missing',
      cut((s) => s.arm !== 'candidate' || s.latencyUs < 140_000),
      /rows are recorded/,
    ],
    [
      'a window without rows',
      cut((s) => s.window !== 3),
      /received 300 answers in window 3, but 0 rows/,
    ],
    [
      'a window without candidate',
      recounted(cut((s) => s.window !== 3 || s.arm !== 'candidate')),
      /window 3 holds no row of the candidate/,
    ],
    [
      '4.5 % of the candidate missing from all counts',
      recounted(cut((s) => s.arm !== 'candidate' || s.latencyUs < 105_000)),
      /unequal numbers|different mixes/,
    ],
    [
      'another kind for the candidate',
      changed(ofCandidate((s) => ({ ...s, kind: 'cart' }))),
      /different mixes.*kind "/,
    ],
    [
      'a clock that goes back',
      changed((s) => (s.window > 9 ? { ...s, intendedUs: s.intendedUs - 7e6 } : s)),
      /clock went back/,
    ],
  ] as const)('cannot be: %s', (_what, measurement, words) => {
    expect(counts(measurement)).toMatch(words);
  });

  test('numbers for launches, as other tools have them, are no names of nodes', () => {
    const numbered = changed((s) => ({ ...s, launch: s.launch.endsWith('1') ? '1' : '2' }));
    expect(counts(numbered)).toMatch(/both arms/);
    expect(counts(numbered, true)).toBe('passed');
    expect(
      counts(
        changed((s) => ({ ...s, launch: 'checkout-b1' })),
        true,
      ),
    ).toMatch(/both arms/);
  });

  test('arms drawn apart by other tools may differ by chance', () => {
    const random = createRandom(4, 'drawn');
    const { counters, ...drawn } = whole;
    expect(counters).toBeDefined();
    const samples = whole.samples.filter(() => random.next() < 0.5);
    expect(counts({ ...drawn, samples, fitness: [] }, true)).toBe('passed');
  });
});

test('a measurement that does not say whether warm-up became steady is not met', () => {
  const { steady, ...silent } = makeMeasurement();
  expect(steady).toBe(true);
  const options = { seed: 1, requirePlanted: true };
  expect(judge(silent, thresholds, options)).toMatchObject({ cause: 'inconclusive' });
  expect(judge(silent, thresholds, { ...options, steady: true }).cause).toBe('met');
  expect(judge(silent, thresholds, { ...options, requireSteady: false }).cause).toBe('met');
});
