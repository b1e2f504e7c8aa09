import { describe, expect, test } from 'vitest';
import { judge } from './judge.ts';
import type { Judgement } from './judgement.ts';
import type { JudgedMeasurement } from './measurement.ts';
import { makeMeasurement, type MeasurementRecipe } from './test-measurement.ts';
import { parseThreshold } from './threshold.ts';

/** Two nodes an arm: the pairs go to them in turn. */
function judged(recipe: MeasurementRecipe, node: string, factor: number): Judgement {
  const measurement = makeMeasurement({ pairs: 300, plantedWindows: 0, ...recipe });
  const samples = measurement.samples.map((sample) =>
    sample.launch === node ? { ...sample, latencyUs: sample.latencyUs * factor } : sample,
  );
  return judgeIt({ ...measurement, samples });
}

function judgeIt(measurement: JudgedMeasurement): Judgement {
  return judge(measurement, [parseThreshold('p50 <= baseline + 8%')], { seed: 1 });
}

function nodes({ controls }: Judgement): Judgement['controls'][number] {
  return controls.find(({ control }) => control === 'nodes')!;
}

describe('an outcome that rests on one node', () => {
  test('is no evidence about the build: a bad node of the candidate', () => {
    const judgement = judged({}, 'candidate-2', 1.5);
    expect(judgement.outcomes[0]!.outcome).toBe('breached');
    expect(nodes(judgement)).toMatchObject({ passed: false });
    expect(nodes(judgement).sentence).toMatch(
      /^the outcome of p50 rests on one node: candidate-\d shows [-+]\d.* without it the candidate shows /,
    );
    expect(judgement).toMatchObject({ decision: 'rollback', cause: 'invalid' });
  });

  test('is no evidence about the build: a bad node of the baseline hides a slow candidate', () => {
    const judgement = judged({ slower: 1.3 }, 'baseline-1', 1.8);
    expect(judgement.outcomes[0]!.outcome).toBe('met');
    expect(judgement).toMatchObject({ decision: 'rollback', cause: 'invalid' });
    expect(nodes(judgement).passed).toBe(false);
  });
});

describe('nodes that differ without turning the outcome', () => {
  test.each([
    ['a candidate that is slow on both', { slower: 1.5 }, 'breached'],
    ['an identical candidate', {}, 'met'],
  ] as const)('are told, not held against %s', (_, recipe, cause) => {
    const judgement = judged(recipe, 'candidate-1', 1.03);
    expect(judgement.cause).toBe(cause);
    expect(nodes(judgement)).toMatchObject({ passed: true });
    expect(nodes(judgement).sentence).toMatch(/^nodes of the same build differ by at most \+/);
  });

  test('one node an arm is legal', () => {
    const measurement = makeMeasurement({ plantedWindows: 0 });
    const samples = measurement.samples.map((sample) => ({ ...sample, launch: sample.arm }));
    const judgement = judgeIt({ ...measurement, samples });
    expect(nodes(judgement)).toMatchObject({ passed: true, notRun: true });
    expect(judgement.cause).toBe('met');
  });

  test('honest runs with two nodes do not fail it', () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const recipe = { seed, pairs: 150, plantedWindows: 0, windows: 12 };
      expect(nodes(judgeIt(makeMeasurement(recipe)))).toMatchObject({ passed: true });
    }
  });
});
