import { describe, expect, it } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { judge } from './judge.ts';
import type { ThresholdOutcome } from './judgement.ts';
import type { CapacityBlock } from './measurement.ts';
import { makeMeasurement, normal } from './test-measurement.ts';
import { parseThreshold } from './threshold.ts';

interface Recipe {
  readonly couples?: number;
  /** The candidate's capacity is so many times the baseline's. */
  readonly factor?: number;
  readonly noise?: number;
  readonly generatorCores?: (couple: number) => number;
  readonly seed?: number;
}

function blocks(recipe: Recipe = {}): CapacityBlock[] {
  const { couples = 6, factor = 1, generatorCores = () => 0.4, noise = 0.01, seed = 1 } = recipe;
  const random = createRandom(seed, 'capacity');
  return Array.from({ length: couples }, (_, couple) => {
    // The machine drifts: both blocks of a couple see the same.
    const level = 500 * Math.exp(0.2 * normal(random));
    return (['baseline', 'candidate'] as const).map((arm): CapacityBlock => {
      const own = level * Math.exp(noise * normal(random)) * (arm === 'candidate' ? factor : 1);
      return {
        couple,
        arm,
        completedPerSecond: own,
        completed: Math.round(own * 5),
        failed: 0,
        generatorCores: generatorCores(couple),
      };
    });
  }).flat();
}

function outcomeOf(
  threshold: string,
  capacityByBlock: readonly CapacityBlock[] | undefined,
  baseline = true,
): ThresholdOutcome {
  const measurement = {
    ...makeMeasurement({ windows: 12 }),
    ...(capacityByBlock === undefined ? {} : { capacityByBlock }),
  };
  const { outcomes } = judge(measurement, [parseThreshold(threshold)], { seed: 1, baseline });
  return outcomes[0]!;
}

describe('capacity against the baseline', () => {
  const threshold = 'capacity >= baseline - 5%';

  it.each([
    [1, 'met'],
    [1.3, 'met'],
    [0.95, 'inconclusive'],
    [0.85, 'breached'],
  ])('at %f times is %s', (factor, outcome) => {
    const found = outcomeOf(threshold, blocks({ factor }));
    expect(found).toMatchObject({ outcome, unit: 'ratio', valueUnit: 'per-second' });
    expect(found.effect).toBeCloseTo(factor - 1, 1);
    expect(found.low!).toBeLessThan(found.effect!);
    expect(found.high!).toBeGreaterThan(found.effect!);
  });

  it('is not decided where the blocks vary too much', () => {
    expect(outcomeOf(threshold, blocks({ noise: 0.3 }))).toMatchObject({ outcome: 'inconclusive' });
  });

  it('calls a breach in at most 2.5 % of comparisons of the same build', () => {
    let breached = 0;
    for (let seed = 1; seed <= 400; seed += 1) {
      const { outcome } = outcomeOf(threshold, blocks({ seed, noise: 0.08 }));
      if (outcome === 'breached') breached += 1;
    }
    // Binomial: 400 × 2.5 % = 10, and 20 is beyond its 99.8th percentile.
    expect(breached).toBeLessThan(20);
  });

  it.each<[string, readonly CapacityBlock[] | undefined]>([
    ['nothing was measured', undefined],
    ['there are too few couples', blocks({ couples: 5 })],
    ['one arm is missing', blocks().filter(({ arm }) => arm === 'baseline')],
    ['the generator was the limit', blocks({ generatorCores: () => 0.97 })],
    ['the generator says nothing', blocks({ generatorCores: () => NaN })],
    ['too many couples are lost', blocks({ couples: 9, generatorCores: (n) => (n < 3 ? 1 : 0.4) })],
    [
      'the candidate answered nothing in a block',
      blocks().map((one, index) => (index === 1 ? { ...one, completedPerSecond: 0 } : one)),
    ],
    ['all blocks are equal', blocks().map((one) => ({ ...one, completedPerSecond: 100 }))],
  ])('is invalid when %s', (_, measured) => {
    expect(outcomeOf(threshold, measured)).toMatchObject({ outcome: 'invalid' });
  });

  it('drops a couple in which the generator was the limit, both arms together', () => {
    const measured = blocks({ couples: 9, generatorCores: (n) => (n === 4 ? 1 : 0.4) });
    const spoilt = measured.map((one) =>
      one.couple === 4 && one.arm === 'candidate' ? { ...one, completedPerSecond: 1 } : one,
    );
    expect(outcomeOf(threshold, spoilt)).toMatchObject({ outcome: 'met' });
  });
});

describe('capacity against a limit', () => {
  it.each([
    ['capacity > 200/s', 'met'],
    ['capacity > 5000/s', 'invalid'],
  ])('%s is %s where both arms are alike', (threshold, outcome) => {
    expect(outcomeOf(threshold, blocks())).toMatchObject({ outcome });
  });

  it('is breached by the candidate alone, and says what was measured', () => {
    const found = outcomeOf('capacity >= 300/s', blocks({ factor: 0.3 }));
    expect(found).toMatchObject({ outcome: 'breached', limit: 1 });
    expect(found.sentence).toMatch(/of the 300\/s asked for: 1\d\d answers per second/);
  });

  it('can be judged without a baseline', () => {
    const alone = blocks().filter(({ arm }) => arm === 'candidate');
    expect(outcomeOf('capacity > 200/s', alone, false)).toMatchObject({ outcome: 'met' });
  });
});
