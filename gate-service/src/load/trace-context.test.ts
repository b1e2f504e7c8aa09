import { describe, expect, it } from 'vitest';
import { armNames } from './sample.ts';
import { hasOwnTrace, RECORDED_SHARE, traceparentOf } from './trace-context.ts';

describe('trace context of a request', () => {
  it('is what sha256sum says of its row', () => {
    // printf %s 7,candidate,1234567 | sha256sum
    expect(traceparentOf({ seed: 7, arm: 'candidate', intendedUs: 1_234_567.4 })).toBe(
      '00-babc70bd3b88d93d4e331279d0ae73c6-13a9d053f0e94e01-00',
    );
  });

  it('is well formed and another one for every request, arm and measurement', () => {
    const ids = new Set<string>();
    for (let n = 0; n < 2000; n += 1) {
      for (const arm of armNames) {
        for (const seed of [1, 2]) {
          const value = traceparentOf({ seed, arm, intendedUs: n * 100 });
          expect(value).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
          ids.add(value.slice(3, 35));
        }
      }
    }
    expect(ids.size).toBe(16_000);
  });

  it('asks to be recorded for a small share of both arms', () => {
    for (const arm of ['baseline', 'candidate'] as const) {
      const recorded = Array.from({ length: 20_000 }, (_, n) =>
        traceparentOf({ seed: 5, arm, intendedUs: n }),
      ).filter((value) => value.endsWith('-01')).length;
      expect(recorded / 20_000 / RECORDED_SHARE).toBeGreaterThan(0.75);
      expect(recorded / 20_000 / RECORDED_SHARE).toBeLessThan(1.25);
    }
  });

  it("leaves a workload's own header alone, however it is written", () => {
    expect(hasOwnTrace({ accept: '*/*', TraceParent: '00-…' })).toBe(true);
    expect(hasOwnTrace({ accept: '*/*' })).toBe(false);
  });
});
