import { describe, expect, it } from 'vitest';
import { burstOf } from '../optimizer/error-burst.ts';
import { ErrorBurst } from './error-burst.ts';

const of = (hits: number, total = 1000) => ({ hits, total });

describe('an error burst', () => {
  it.each([
    ['five times the incumbent’s and at least 20', of(20), of(4), undefined, true],
    ['none on the incumbent', of(20), of(0), undefined, true],
    ['less than five times', of(20), of(5), undefined, false],
    ['fewer than 20', of(19), of(0), undefined, false],
    ['proven above the limit', of(15, 300), of(0, 300), 0.01, true],
    ['above the limit, not proven', of(5, 300), of(0, 300), 0.01, false],
    ['above the limit like the incumbent', of(30, 300), of(28, 300), 0.01, false],
    ['nothing sent', of(0, 0), of(0, 0), 0.01, false],
  ] as const)('%s', (_name, challenger, incumbent, limit, burst) => {
    expect(burstOf(challenger, incumbent, limit) !== undefined).toBe(burst);
  });

  it('is counted over the windows as they come', () => {
    const burst = new ErrorBurst({ incumbent: 'candidate', challenger: 'challenger' }, undefined);
    const window = (status: string) =>
      (['candidate', 'challenger'] as const).flatMap((arm) =>
        Array.from({ length: 10 }, () => ({
          arm,
          launch: 'n',
          window: 0,
          kind: 'cart',
          intendedUs: 0,
          latencyUs: 1,
          status: arm === 'challenger' ? status : 'ok',
        })),
      );
    burst.add(window('503'));
    expect(burst.reason).toBeUndefined();
    burst.add(window('503'));
    expect(burst.reason).toContain('20 of 20 requests failed, 0 of 20 on the incumbent');
  });
});
