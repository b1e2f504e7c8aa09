/** Measurements that were made to get a pass that is not earned, or found to get one. */
import { describe, expect, test, vi } from 'vitest';
import { meanAndVariance } from '../statistics/location.ts';
import { judge } from './judge.ts';
import { makeMeasurement } from './test-measurement.ts';
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
