import { describe, expect, test } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { defaultFitnessLimits } from './fitness.ts';
import { judgeSequentially } from './judge.ts';
import { compareLaunches, findLaunches, launchesDecide, type Launches } from './launches.ts';
import type { JudgedMeasurement } from './measurement.ts';
import { makeMeasurement, normal } from './test-measurement.ts';
import { parseThreshold } from './threshold.ts';
import { codeArms, sortMeasurement } from './windows.ts';

const p50 = { q: 0.5, form: 'log' } as const;

/** Each node is off by a factor of its own. */
function withLaunches(
  measurement: JudgedMeasurement,
  perArm: number,
  bias: (arm: string, node: number) => number,
): JudgedMeasurement {
  let row = 0;
  const samples = measurement.samples.map((sample) => {
    const node = Math.floor(row / 2) % perArm;
    row += 1;
    const latencyUs = sample.latencyUs * bias(sample.arm, node);
    return { ...sample, latencyUs, launch: `${sample.arm}-${node}` };
  });
  return { ...measurement, samples };
}

function launchesOf(measurement: JudgedMeasurement): Launches | undefined {
  return findLaunches(sortMeasurement(measurement, codeArms, defaultFitnessLimits).counted, p50);
}

describe('findLaunches', () => {
  const measurement = makeMeasurement({ windows: 12, pairs: 240, plantedWindows: 0 });

  test('sees how far each launch is from the common level', () => {
    const found = launchesOf(
      withLaunches(measurement, 6, (arm, node) => (arm === 'candidate' && node === 3 ? 1.5 : 1)),
    )!;
    expect(launchesDecide(found)).toBe(true);
    const means = found.subject.map(({ name, values }) => ({
      name,
      mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    }));
    const off = means.find(({ name }) => name === 'candidate-3')!;
    expect(off.mean).toBeCloseTo(Math.log(1.5) * (11 / 12), 1);
    expect(compareLaunches(found)!.estimate).toBeCloseTo(Math.log(1.5) / 6, 1);
  });

  test('requests that nobody answered count as failures of every launch', () => {
    const random = createRandom(1, 'lost');
    const lossy = withLaunches(measurement, 6, () => 1);
    const samples = lossy.samples.map((sample) =>
      sample.arm === 'candidate' && random.next() < 0.8
        ? { ...sample, status: 'refused', launch: '-' }
        : sample,
    );
    const found = launchesOf({ ...lossy, samples })!;
    expect(found.subject).toHaveLength(6);
    expect(found.subject.flatMap(({ values }) => values)).toEqual(
      new Array<number>(found.subject.length * found.subject[0]!.values.length).fill(Infinity),
    );
    expect(compareLaunches(found)).toBeUndefined();
  });

  test.each([
    ['answers without a launch', () => '-'],
    ['a launch for every request', (row: number) => `launch-${row}`],
  ])('says nothing of %s', (_, launch) => {
    const samples = measurement.samples.map((sample, row) => ({ ...sample, launch: launch(row) }));
    expect(launchesOf({ ...measurement, samples })).toBeUndefined();
  });
});

describe('a bias of 10 % of every launch, and no difference between the builds', () => {
  const thresholds = [parseThreshold('p50 <= baseline + 5%')];
  const runs = 60;

  function falseAlarms(perArm: number, named: boolean): { breached: number; met: number } {
    const counts = { breached: 0, met: 0 };
    for (let seed = 1; seed <= runs; seed += 1) {
      const random = createRandom(seed, `bias ${perArm}`);
      const factors = new Map<string, number>();
      const biased = withLaunches(
        makeMeasurement({ seed, windows: 12, pairs: 240, plantedWindows: 0 }),
        perArm,
        (arm, node) => {
          const key = `${arm}-${node}`;
          const factor = factors.get(key) ?? Math.exp(0.1 * normal(random));
          factors.set(key, factor);
          return factor;
        },
      );
      const samples = named
        ? biased.samples
        : biased.samples.map((sample) => ({ ...sample, launch: '-' }));
      const { judgement } = judgeSequentially({ ...biased, samples }, thresholds, { seed });
      const [outcome] = judgement.outcomes;
      if (outcome!.outcome === 'breached') counts.breached += 1;
      if (outcome!.outcome === 'met') counts.met += 1;
    }
    return counts;
  }

  test('is no breach where launches are repeated, and told apart', () => {
    // Nominal: 2.5 %.
    expect(falseAlarms(6, true).breached).toBeLessThanOrEqual(4);
    expect(falseAlarms(6, false).breached).toBeGreaterThan(6);
  });

  test('is one too often with one launch an arm', () => {
    expect(falseAlarms(1, true).breached).toBeGreaterThan(12);
  });
});
