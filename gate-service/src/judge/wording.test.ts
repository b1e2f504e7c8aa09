import { describe, expect, test } from 'vitest';
import { frame, type Finding } from './finding.ts';
import { parseThreshold } from './threshold.ts';
import { describeOutcome } from './wording.ts';

const finding = (text: string, numbers: Partial<Finding>): Finding => ({
  ...frame(parseThreshold(text)),
  holds: false,
  breachP: 1,
  ...numbers,
});

describe('numbers near the limit', () => {
  test.each([
    [
      'p50 < 75ms',
      { effect: 74.98, low: 74.2, high: 75.01 },
      'p50 is 74.98 ms (plausible range 74.2 ms to 75.01 ms). Limit 75 ms',
    ],
    ['p50 < 75ms', { effect: 74.5, low: 74.2, high: 74.99996 }, 'to 74.99996 ms). Limit 75 ms'],
    [
      'p99 <= baseline + 5%',
      { effect: 0.0498, low: 0.02, high: 0.0501 },
      'p99 is 4.98 % slower (plausible range +2 % to +5.01 %). Limit +5 %',
    ],
    [
      'p99 <= baseline + 5%',
      { effect: 0.018, low: -0.009, high: 0.043 },
      'p99 is 1.8 % slower (plausible range -0.9 % to +4.3 %). Limit +5 %',
    ],
    [
      'throughput >= baseline - 5%',
      { effect: -0.0499, low: -0.06, high: -0.04 },
      'throughput is 4.99 % lower',
    ],
    [
      'p50 < 75ms',
      { effect: 75, low: 75, high: 75 },
      'p50 is 75 ms (plausible range 75 ms to 75 ms). Limit 75 ms',
    ],
  ] as const)('%s: %o', (text, numbers, words) => {
    expect(describeOutcome(finding(text, numbers), 'inconclusive')).toContain(words);
  });

  test('a rate is told in parts of its limit', () => {
    const told = finding('capacity >= 75/s', { limit: 1, effect: 0.9998, low: 0.97, high: 1.02 });
    expect(describeOutcome(told, 'inconclusive')).toContain('capacity is 99.98 %');
    expect(describeOutcome(told, 'inconclusive')).toContain('Limit 100 %');
  });

  test('a limit is printed as it was written', () => {
    const limit = (text: string): string =>
      /Limit ([^:]*):/.exec(describeOutcome(finding(text, {}), 'met'))?.[1] ?? '';
    expect(limit('errors < 0.05%')).toBe('0.05 %');
    expect(limit('errors < 1.25%')).toBe('1.25 %');
    expect(limit('p99 <= baseline + 12.345%')).toBe('+12.345 %');
    expect(limit('p95 < 2s')).toBe('2 s');
    expect(limit('p99 <= baseline + 250us')).toBe('+250 us');
    expect(limit('throughput >= baseline - 0.25%')).toBe('-0.25 %');
  });
});
