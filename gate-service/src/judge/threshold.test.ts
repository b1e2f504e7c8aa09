import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareThresholds,
  formatThreshold,
  parseThreshold,
  ThresholdSyntaxError,
  type Threshold,
} from './threshold.ts';

const number = fc.integer({ min: 1, max: 99_000_000 }).map((n) => n / 1_000_000);
const kind = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,39}$/);
const low = fc.constantFrom('<' as const, '<=' as const);
const high = fc.constantFrom('>' as const, '>=' as const);
const time = fc.constantFrom('us' as const, 'ms' as const, 's' as const);
const baseline = fc.constant('baseline' as const);
const absolute = fc.constant('absolute' as const);
const percent = fc.constant('%' as const);
const named = <N extends string>(name: N) => fc.constant({ name });
const latency = fc.record({ name: fc.constant('latency' as const), percent: number });
const optionalKind = { requiredKeys: ['metric', 'operator', 'against', 'amount', 'unit'] as const };

const thresholds: fc.Arbitrary<Threshold> = fc.oneof(
  fc.record(
    {
      metric: latency,
      kind,
      operator: low,
      against: baseline,
      amount: number,
      unit: fc.oneof(percent, time),
    },
    { requiredKeys: [...optionalKind.requiredKeys] },
  ),
  fc.record(
    { metric: latency, kind, operator: low, against: absolute, amount: number, unit: time },
    { requiredKeys: [...optionalKind.requiredKeys] },
  ),
  fc.record(
    {
      metric: named('errors'),
      kind,
      operator: low,
      against: fc.oneof(baseline, absolute),
      amount: number,
      unit: percent,
    },
    { requiredKeys: [...optionalKind.requiredKeys] },
  ),
  fc.record({
    metric: named('throughput'),
    operator: high,
    against: fc.oneof(baseline, absolute),
    amount: number,
    unit: percent,
  }),
  fc.record({
    metric: named('cpu_per_request'),
    operator: low,
    against: baseline,
    amount: number,
    unit: percent,
  }),
  fc.record({
    metric: named('capacity'),
    operator: high,
    against: absolute,
    amount: number,
    unit: fc.constant('/s' as const),
  }),
);

describe('parseThreshold', () => {
  test('reads what formatThreshold writes', () => {
    fc.assert(
      fc.property(thresholds, (threshold) => {
        expect(parseThreshold(formatThreshold(threshold))).toEqual(threshold);
      }),
    );
  });

  test.each([
    'p99 <= baseline + 5%',
    'p95 < 200ms',
    'p99{kind=search} <= baseline + 10ms',
    'errors < 0.1%',
    'errors <= baseline + 0.5%',
    'errors{kind=order} < 1%',
    'cpu_per_request <= baseline + 5%',
    'throughput >= baseline - 5%',
    'capacity >= baseline - 5%',
    'p99.9 < 1.5s',
  ])('knows %s', (text) => {
    expect(formatThreshold(parseThreshold(text))).toBe(text);
  });

  test('does not care about space', () => {
    expect(parseThreshold('  p95{ kind = search }<=baseline+5 %  ')).toEqual(
      parseThreshold('p95{kind=search} <= baseline + 5%'),
    );
  });

  test.each([
    ['', 0, 'a metric'],
    ['p99', 3, '< or <='],
    ['q99 < 5ms', 0, 'a metric'],
    ['p100 < 5ms', 1, 'below 100'],
    ['p0 < 5ms', 1, 'above 0'],
    ['p99 >= baseline + 5%', 4, '< or <= (p99 should be low)'],
    ['throughput <= baseline - 5%', 11, '> or >='],
    ['p99 <= baseline', 15, 'a margin'],
    ['p99 <= baseline - 5%', 16, '"+" and a margin'],
    ['p99 <= baseline + 0%', 18, 'a number above 0'],
    ['p99 < 5%', 7, 'us, ms, s'],
    ['errors < 5ms', 10, '%'],
    ['errors < 101%', 9, 'at most 100%'],
    ['throughput{kind=a} >= baseline - 5%', 10, 'not known per kind'],
    ['p99{kind=Search} < 5ms', 9, 'the name of a request'],
    ['p99{kind=search < 5ms', 16, '"}"'],
    ['p99 < 5ms and more', 10, 'the end'],
    ['p99 < 1e3ms', 7, 'us, ms, s'],
    ['p99 < NaN', 6, 'a limit such as 200ms'],
    ['p99 < -5ms', 6, 'a limit'],
    ['p99 < 5.5.5ms', 6, 'a limit'],
  ])('points at the place in %j', (text, position, expected) => {
    let error: unknown;
    try {
      parseThreshold(text);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(ThresholdSyntaxError);
    const { position: at, message } = error as ThresholdSyntaxError;
    expect({ at, message }).toEqual({
      at: position,
      message: expect.stringContaining(expected) as string,
    });
    const [, quoted, caret] = message.split('\n');
    expect(quoted?.slice(2)).toBe(text);
    expect(caret?.indexOf('^')).toBe(position + 2);
  });

  test('never fails in another way', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseThreshold(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ThresholdSyntaxError);
        }
      }),
    );
  });
});

describe('compareThresholds', () => {
  test.each([
    ['p99 <= baseline + 3%', 'p99 <= baseline + 5%', 'tighter'],
    ['p99 <= baseline + 5%', 'p99 <= baseline + 5%', 'equal'],
    ['p99 < baseline + 5%', 'p99 <= baseline + 5%', 'tighter'],
    ['p99 <= baseline + 6%', 'p99 < baseline + 5%', 'looser'],
    ['p95 < 0.2s', 'p95 < 200ms', 'equal'],
    ['p95 < 200ms', 'p99 < 200ms', 'unrelated'],
    ['p95{kind=a} < 200ms', 'p95 < 200ms', 'unrelated'],
    ['throughput >= baseline - 6%', 'throughput >= baseline - 5%', 'looser'],
    ['throughput >= 99%', 'throughput >= 98%', 'tighter'],
  ])('%s against %s: %s', (requested, required, expected) => {
    expect(compareThresholds(parseThreshold(requested), parseThreshold(required))).toBe(expected);
  });
});
