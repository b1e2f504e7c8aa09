import { describe, expect, it } from 'vitest';
import { runJudge } from './adapters/run-judge.ts';
import { delayOfMargins, doubledLoadWaits } from './planted-delay.ts';

/** 1 ms to 100 ms, half of them searches; the slowest ones are carts. */
const baseline = Array.from({ length: 100 }, (_, index) => ({
  kind: index < 50 ? 'search' : 'cart',
  latencyUs: (index + 1) * 1000,
  status: 'ok',
}));
const delay = (texts: readonly string[], samples = baseline): number | undefined =>
  delayOfMargins(
    texts.flatMap((text) => runJudge.checkThreshold(text).latencyMargin ?? []),
    samples,
  )?.realMs;

describe('the planted delay', () => {
  it.each([
    [['p50 <= baseline + 10%'], 10.5],
    [['p95 <= baseline + 10%'], 19.5],
    [['p50 <= baseline + 10%', 'p95 <= baseline + 5%'], 9.5],
    [['p50{kind=search} <= baseline + 10%', 'p50 <= baseline + 10%'], 5.5],
    [['p95 <= baseline + 3ms', 'p50 <= baseline + 10%'], 6.5],
    [['p50 <= baseline + 700us'], 2.5],
    [['p50 <= baseline + 0.1%'], 2.5],
    [['p95 <= baseline + 2s'], 1001.5],
    [
      ['p50 <= baseline + 10%', 'p95 < 200ms', 'errors < 1%', 'cpu_per_request <= baseline + 1%'],
      10.5,
    ],
  ])('of %j is twice the smallest margin', (thresholds, expected) => {
    expect(delay(thresholds)).toBe(expected);
  });

  it('is not known without a margin, or without anything to take a share of', () => {
    expect(delay(['p95 < 200ms', 'errors < 1%'])).toBeUndefined();
    expect(delay(['p50 <= baseline + 10%'], [])).toBeUndefined();
    expect(delay(['p50{kind=order} <= baseline + 10%'])).toBeUndefined();
    const failed = baseline.map((sample) => ({ ...sample, status: '500' }));
    expect(delay(['p50 <= baseline + 10%'], failed)).toBeUndefined();
    expect(delay(['p50 <= baseline + 10%', 'p95 <= baseline + 4ms'], failed)).toBe(8.5);
  });
});

describe('twice the load', () => {
  const load = { ratePerSecond: 100, samples: baseline, nodes: 1, places: 13 };
  it.each([
    // 100 a second of 50.5 ms are 5 at once, twice that 10.1.
    ['waits where it fills four of five places', {}, false],
    ['waits where it fills four of five places', { places: 12 }, true],
    ['is shared by the nodes', { places: 12, nodes: 2 }, false],
    ['is unknown without a sample', { samples: [], places: 1 }, false],
  ])('%s', (_, change, waits) => {
    expect(doubledLoadWaits({ ...load, ...change })).toBe(waits);
  });
});
