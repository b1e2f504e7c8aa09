/**
 * How often the judge is right on windows like the measured ones (2 × 2 nodes, 300 requests/s, waits
 * around 40 ms: SD of the log-ratio per 2-s window 0.046 for p50 and 0.083 for p95), window by
 * window with all looks; and on whole measurements, a few.
 */
import { describe, expect, test } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { judgeSequentially } from './judge.ts';
import type { Outcome } from './judgement.ts';
import { compareArms, type WindowQuantiles } from './latency.ts';
import { levelsAt, lookSchedule } from './looks.ts';
import { makeMeasurement, normal } from './test-measurement.ts';
import { parseThreshold, type Threshold } from './threshold.ts';
import { weigh } from './weigh.ts';

const p50 = parseThreshold('p50 <= baseline + 10%');
const p95 = parseThreshold('p95 <= baseline + 15%');

interface Noise {
  readonly p50: number;
  readonly p95: number;
}

const measured: Noise = { p50: 0.046, p95: 0.083 };

/** One run with all its looks; the log-ratios of p50 and p95 hang together. */
function run(
  seed: number,
  planned: number,
  slower: Noise,
  noise: Noise,
): { readonly decision: 'pass' | 'breached' | 'inconclusive'; readonly windows: number } {
  const random = createRandom(seed, 'run');
  const windows = Array.from({ length: planned }, () => {
    const shared = normal(random);
    // One window in twenty is hit by something three times as strong.
    const wild = random.next() < 0.05 ? 3 : 1;
    const own = (weight: number): number =>
      wild * (weight * shared + Math.sqrt(1 - weight * weight) * normal(random));
    return { p50: slower.p50 + noise.p50 * own(0.5), p95: slower.p95 + noise.p95 * own(0.5) };
  });
  const quantiles = (count: number, of: keyof Noise): WindowQuantiles[] =>
    windows.slice(0, count).map((one) => ({ reference: 40, subject: 40 * Math.exp(one[of]) }));
  for (const look of lookSchedule(planned)) {
    const levels = levelsAt(look, planned, look === planned);
    const evidence = { levels, reportLevel: levels.pass };
    const find = (threshold: Threshold, of: keyof Noise): ReturnType<typeof compareArms> =>
      compareArms(threshold, quantiles(look, of), evidence);
    const outcomes: Outcome[] = weigh([find(p50, 'p50'), find(p95, 'p95')], evidence, true).map(
      ({ outcome }) => outcome,
    );
    if (outcomes.includes('breached')) return { decision: 'breached', windows: look };
    if (outcomes.every((outcome) => outcome === 'met')) return { decision: 'pass', windows: look };
  }
  return { decision: 'inconclusive', windows: planned };
}

function rates(
  planned: number,
  slower: Noise,
  repetitions: number,
): Record<'pass' | 'breached' | 'inconclusive' | 'windows', number> {
  const counts = { pass: 0, breached: 0, inconclusive: 0, windows: 0 };
  for (let seed = 0; seed < repetitions; seed += 1) {
    const { decision, windows } = run(seed, planned, slower, measured);
    counts[decision] += 1 / repetitions;
    counts.windows += windows / repetitions;
  }
  return counts;
}

describe.each([24, 30])('over %i windows like the measured ones', (planned) => {
  const repetitions = 1000;

  test('an identical build passes and is hardly ever called slower', () => {
    const seen = rates(planned, { p50: 0, p95: 0 }, repetitions);
    expect(seen.breached).toBeLessThanOrEqual(0.003);
    expect(seen.pass).toBeGreaterThan(0.97);
    expect(seen.windows).toBeLessThan(planned * 0.7);
  });

  // +25 % of the wait shows as about +23 % because the path itself does not grow.
  test('a build that waits 25 % longer is found', () => {
    const effect = Math.log(1.23);
    const seen = rates(planned, { p50: effect, p95: effect }, repetitions);
    expect(seen.breached).toBeGreaterThan(0.997);
    expect(seen.pass).toBe(0);
  });

  test('a build that is slower by exactly the margins seldom passes', () => {
    const seen = rates(planned, { p50: Math.log(1.1), p95: Math.log(1.15) }, repetitions);
    expect(seen.pass).toBeLessThan(0.05);
  });

  test('a build that is slower by half the margins is hardly ever called a breach', () => {
    const seen = rates(planned, { p50: Math.log(1.05), p95: Math.log(1.075) }, repetitions);
    expect(seen.breached).toBeLessThan(0.01);
  });
});

describe('whole measurements', () => {
  const thresholds = ['p50 <= baseline + 10%', 'p95 <= baseline + 18%', 'errors < 1%'].map(
    parseThreshold,
  );
  const judgedTimes = (slower: number, runs: number): Record<string, number> => {
    const causes: Record<string, number> = {};
    for (let seed = 1; seed <= runs; seed += 1) {
      const measurement = makeMeasurement({ seed, slower, pairs: 300 });
      const { judgement } = judgeSequentially(measurement, thresholds, {
        seed,
        requirePlanted: true,
      });
      causes[judgement.cause] = (causes[judgement.cause] ?? 0) + 1;
    }
    return causes;
  };

  test('identical builds pass, controls and all', () => {
    const causes = judgedTimes(1, 12);
    expect(causes.breached ?? 0).toBe(0);
    expect(causes.met ?? 0).toBeGreaterThanOrEqual(10);
  });

  test('+25 % is found', () => {
    expect(judgedTimes(1.25, 8)).toEqual({ breached: 8 });
  });
});
