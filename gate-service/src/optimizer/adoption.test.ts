import { describe, expect, test } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { decideAdoption, pairedConfidence } from './adoption.ts';
import type { Adoption, EvaluationResult } from './adoption.ts';

test('two looks at each challenger of a session together keep to its error', () => {
  for (const challengers of [1, 3, 5, 59]) {
    const error = (1 - pairedConfidence(challengers)) / 2;
    expect(2 * challengers * error).toBeCloseTo(0.025, 12);
  }
});

/** Two-sided: an equal challenger is adopted in 2.5 % of cases at most. */
const CONFIDENCE = 0.95;
const clean = { challenger: { hits: 0, total: 2000 }, incumbent: { hits: 0, total: 2000 } };

function result(
  logRatios: readonly number[],
  change: Partial<EvaluationResult> = {},
): EvaluationResult {
  return {
    objectives: [{ name: 'p95', logRatios }],
    failures: clean,
    ...change,
  };
}

const better = [-0.21, -0.18, -0.25, -0.19, -0.22];

const tell = (told: EvaluationResult): Adoption => decideAdoption(told, CONFIDENCE);

describe('adoption', () => {
  test('adopts on an interval that excludes zero', () => {
    const adoption = tell(result(better));
    expect(adoption).toMatchObject({ adopted: true });
    expect(adoption.confidence).toBe(CONFIDENCE);
    expect(adoption.high).toBeLessThan(0);
    expect(adoption.sentence).toMatch(/^adopted: p95 -18\.9 % \(plausible range /);
  });

  test.each<[string, EvaluationResult, string]>([
    ['no effect', result([-0.02, 0.03, -0.01, 0.02]), 'no gain is shown'],
    ['worse', result([0.2, 0.22, 0.19, 0.21]), 'it is worse'],
    ['two comparisons', result([-0.5, -0.5]), 'at least 3'],
    ['one lucky comparison', result([-2, 0.01, 0, 0.02]), 'no gain is shown'],
    ['NaN', result([-0.2, NaN, -0.2, -0.21]), 'no estimate'],
    ['no variance', result([-0.2, -0.2, -0.2, -0.2]), 'no estimate'],
    ['nothing', result([], { objectives: [] }), 'nothing was measured'],
    ['aborted', result(better, { aborted: 'error burst' }), 'error burst'],
    [
      'more failures',
      result(better, { failures: { ...clean, challenger: { hits: 9, total: 2000 } } }),
      'more requests fail',
    ],
    [
      'failures not counted',
      result(better, { failures: { ...clean, challenger: { hits: 0, total: 0 } } }),
      'not counted',
    ],
    [
      'another objective gets worse',
      result(better, {
        objectives: [
          { name: 'p95', logRatios: better },
          { name: 'p50', logRatios: [0.1, 0.12, 0.09, 0.11] },
        ],
      }),
      'p50 gets worse',
    ],
  ])('does not adopt: %s', (_, told, expected) => {
    const adoption = tell(told);
    expect(adoption.adopted).toBe(false);
    expect(adoption.sentence).toContain(expected);
    expect(adoption.sentence).toMatch(/^not adopted: /);
  });

  test('another objective that gets worse is seen however many challengers share the error', () => {
    const worse = [0.08, 0.03, 0.13, 0.02, 0.14, 0.08];
    const objectives = [
      { name: 'p95', logRatios: worse.map((ratio) => ratio - 0.7) },
      { name: 'p50', logRatios: worse },
    ];
    for (const challengers of [1, 4, 60]) {
      const adoption = decideAdoption(
        { objectives, failures: clean },
        pairedConfidence(challengers),
      );
      expect(adoption.sentence).toContain('but p50 gets worse');
      expect(adoption.high).toBeLessThan(0);
    }
  });

  test('an equal challenger is adopted no more often than promised', () => {
    const random = createRandom(4, 'adoption');
    let adopted = 0;
    const repetitions = 3000;
    for (let i = 0; i < repetitions; i += 1) {
      const logRatios = Array.from(
        { length: 6 },
        () =>
          0.08 *
          Math.sqrt(-2 * Math.log(1 - random.next())) *
          Math.cos(2 * Math.PI * random.next()),
      );
      if (tell(result(logRatios)).adopted) adopted += 1;
    }
    expect(adopted / repetitions).toBeLessThan(
      0.025 + 3 * Math.sqrt((0.025 * 0.975) / repetitions),
    );
  });
});
