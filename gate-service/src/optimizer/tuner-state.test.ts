import { describe, expect, it } from 'vitest';
import { firstRadius, RADIUS } from './tuner-state.ts';

const LIMITS = [
  { metric: 'errors', max: 0.01 },
  { metric: 'memory', max: 0.9 },
];
const radius = (metrics: Record<string, number> | undefined) =>
  firstRadius(LIMITS, metrics, RADIUS.first);

describe('the first step cap', () => {
  it('is the largest only where every metric is far below its limit', () => {
    expect(radius({ errors: 0.0001, memory: 0.2 })).toBe(RADIUS.most);
    expect(radius({ errors: 0.0001, memory: 0.6 })).toBe(RADIUS.first);
    expect(radius({ errors: 0.02, memory: 0.2 })).toBe(RADIUS.first);
    const between = radius({ errors: 0.0001, memory: 0.36 });
    expect(between).toBeGreaterThan(RADIUS.first);
    expect(between).toBeLessThan(RADIUS.most);
  });

  it('is the usual one where a limit is not known or there is none', () => {
    expect(radius({ errors: 0.0001 })).toBe(RADIUS.first);
    expect(radius(undefined)).toBe(RADIUS.first);
    expect(firstRadius([], { errors: 0 }, RADIUS.first)).toBe(RADIUS.first);
  });
});
