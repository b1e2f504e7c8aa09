import { expect, test } from 'vitest';
import { pairedEffects } from './effects.ts';
import { makeMeasurement } from './test-measurement.ts';

test('tuning sees the effect of the second arm on the first, window by window', () => {
  const measurement = makeMeasurement({ slower: 0.7, windows: 8, plantedWindows: 0 });
  const tuned = {
    ...measurement,
    samples: measurement.samples.map((sample) => ({
      ...sample,
      arm: sample.arm === 'baseline' ? ('candidate' as const) : ('challenger' as const),
    })),
  };
  const arms = { reference: 'candidate', subject: 'challenger' } as const;
  const { logRatios, failures, unsound } = pairedEffects(tuned, arms, 50);
  expect(logRatios).toHaveLength(8);
  expect(logRatios.reduce((sum, one) => sum + one, 0) / 8).toBeCloseTo(Math.log(34 / 46), 1);
  expect(logRatios.every((one) => one < 0)).toBe(true);
  expect(failures).toEqual({
    subject: { hits: 0, total: 1200 },
    reference: { hits: 0, total: 1200 },
  });
  expect(unsound).toBeUndefined();
});

test('spoilt windows are told', () => {
  const measurement = makeMeasurement({ windows: 8, fitness: () => ({ foreignCores: 2 }) });
  const effects = pairedEffects(measurement, { reference: 'baseline', subject: 'candidate' }, 50);
  expect(effects.unsound).toBe('8 of 8 windows were spoilt');
  expect(effects.logRatios).toEqual([]);
});
