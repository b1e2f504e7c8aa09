import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../../gate-service/src/statistics/random.ts';
import { BEST_KNOWN } from './best-known.ts';
import { simulatedStack, STACK_NAMES } from './catalogue.ts';
import { drawValues, searchBest } from './search-best.ts';
import { openSession } from './stack.ts';
import type { SimulatedStack } from './stack.ts';

const stacks = STACK_NAMES.map((name) => [name, simulatedStack(name)] as const);

/** Share of unsafe ones among legal random configurations. */
function unsafeShare(stack: SimulatedStack, count: number): number {
  const random = createRandom(7, 'share');
  let legal = 0;
  let unsafe = 0;
  while (legal < count) {
    const values = drawValues(stack, random);
    if (!stack.space.check(values).ok) continue;
    legal += 1;
    if (stack.truth(values).unsafe) unsafe += 1;
  }
  return unsafe / count;
}

describe.each(stacks)('the simulated stack %s', (name, stack) => {
  it('starts from a legal, safe configuration', () => {
    expect(stack.space.check(stack.start).ok).toBe(true);
    const { unsafe, metrics } = stack.truth(stack.start);
    expect(unsafe).toBe(false);
    // Twice the noise away from every limit, or the start would be called unsafe by chance.
    for (const { metric, max } of stack.limits) expect(metrics[metric]).toBeLessThan(0.8 * max);
  });

  it('has the best known value that is recorded, which a search from elsewhere does not beat by 1 %', () => {
    const known = BEST_KNOWN[name];
    const truth = stack.truth(known.values);
    expect(truth.unsafe).toBe(false);
    expect(truth.value).toBeCloseTo(known.value, 6);
    const found = searchBest(stack, { rounds: 2, random: 100, local: 250 }, 99);
    expect(found.value).toBeGreaterThan(0.99 * known.value);
  });

  it('measures the same for the same randomness, and something else for another', () => {
    const run = (seed: number) => {
      const session = openSession(stack, createRandom(seed));
      return Array.from({ length: 4 }, () => session.evaluate(stack.start));
    };
    expect(run(3)).toEqual(run(3));
    expect(run(3)).not.toEqual(run(4));
  });

  it('refuses illegal values', () => {
    expect(() => stack.truth({})).toThrow(RangeError);
  });
});

describe('the stacks are as hard as they are said to be', () => {
  const shares = Object.fromEntries(stacks.map(([name, stack]) => [name, unsafeShare(stack, 200)]));
  it('random configurations break the queueing stacks in the large majority, the mild one seldom', () => {
    expect(shares['closed-wait']).toBeGreaterThan(0.85);
    expect(shares['open-tail']).toBeGreaterThan(0.95);
    expect(shares.mild).toBeLessThan(0.25);
    expect(shares.plateau).toBeGreaterThan(0.4);
  });

  it('leave what is said to be won, and nothing on the plateau', () => {
    const gap = (name: (typeof STACK_NAMES)[number]) => {
      const stack = simulatedStack(name);
      return stack.truth(stack.start).value / BEST_KNOWN[name].value - 1;
    };
    expect(gap('closed-wait')).toBeGreaterThan(1.2);
    expect(gap('open-tail')).toBeGreaterThan(1.2);
    expect(gap('mild')).toBeGreaterThan(0.2);
    expect(gap('plateau')).toBeLessThan(0.01);
  });
});
