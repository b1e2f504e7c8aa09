import { describe, expect, it } from 'vitest';
import { sameEffect } from './encoding.ts';
import { createTuner } from './tuner.ts';
import { PROBLEM, SPACE } from './tuner-fixture.ts';
import type { Proposal } from './tuner.ts';

/** What a session asks when all but the start breaks its limit, and why it ends. */
function amongCliffs(paired: boolean): { asked: readonly Proposal[]; ended: string } {
  const tuner = createTuner(PROBLEM, { budget: 12, seed: 3, paired });
  const asked: Proposal[] = [];
  for (let next = tuner.ask(); next !== undefined; next = tuner.ask()) {
    asked.push(next);
    const start = sameEffect(SPACE, next.values, PROBLEM.start);
    tuner.tell(next.id, {
      ...(start ? { value: 100 } : { aborted: 'error burst' }),
      metrics: { errors: start ? 0 : 0.3 },
    });
  }
  return { asked, ended: tuner.result().ended };
}

describe('after an unsafe evaluation', () => {
  it('goes back to what is in force, but compares nothing with itself side by side', () => {
    const again = (asked: readonly Proposal[]): number =>
      asked.slice(1).filter(({ values }) => sameEffect(SPACE, values, PROBLEM.start)).length;
    expect(again(amongCliffs(false).asked)).toBeGreaterThan(0);
    const { asked } = amongCliffs(true);
    expect(again(asked)).toBe(0);
    expect(asked.length).toBeGreaterThan(3);
  });

  it('counts an unsafe evaluation once among those that brought nothing', () => {
    const { asked, ended } = amongCliffs(false);
    expect(ended).toBe(`${asked.length} evaluations brought nothing better`);
  });
});
