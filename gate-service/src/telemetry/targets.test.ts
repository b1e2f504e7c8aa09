import { describe, expect, test } from 'vitest';
import type { Series } from './prometheus-api.ts';
import { targetsOf } from './targets.ts';

const MAX_AGE = 3500;
const SPAN = { fromMs: 10_000, toMs: 20_000 };

/** A value each second, both ends included. */
const series = (
  instance: string,
  [from, to]: readonly [number, number],
  value: (second: number) => number,
): Series => ({
  labels: { job: 'envoy', instance },
  samples: Array.from({ length: to - from + 1 }, (_, i) => ({
    atMs: (from + i) * 1000,
    value: value(from + i),
  })),
});
const up = (instance: string, seconds: readonly [number, number], lost: readonly number[] = []) =>
  series(instance, seconds, (second) => (lost.includes(second) ? 0 : 1));
/** Counts one a second from 100 on. */
const counter = (instance: string, seconds: readonly [number, number]) =>
  series(instance, seconds, (second) => 100 + second);

describe('targets of a span', () => {
  test('count each by itself, from the scrape in force at its beginning', () => {
    const targets = targetsOf([up('a', [6, 20]), up('b', [6, 20])], SPAN, MAX_AGE);
    expect(targets.live).toEqual(['envoy a', 'envoy b']);
    expect(targets.growth(counter('a', [6, 20]))).toBe(10);
  });

  test('that come count from their first scrape, whatever they had counted before it', () => {
    const targets = targetsOf([up('a', [6, 20]), up('new', [15, 20])], SPAN, MAX_AGE);
    expect(targets.growth(counter('new', [15, 20]))).toBe(5);
    // A metric that begins later, on a target that was scraped before, began at zero.
    expect(targets.growth(series('new', [17, 20], (second) => second - 16))).toBe(4);
  });

  test('that go count until their last scrape, and need not have anything at the end', () => {
    const targets = targetsOf([up('a', [6, 20]), up('gone', [6, 14])], SPAN, MAX_AGE);
    expect(targets.live).toEqual(['envoy a']);
    expect(targets.growth(counter('gone', [6, 14]))).toBe(4);
  });

  test('of which one replaces the other count both', () => {
    const targets = targetsOf([up('old', [6, 15]), up('new', [14, 20])], SPAN, MAX_AGE);
    expect(targets.growth(counter('old', [6, 15]))).toBe(5);
    expect(targets.growth(counter('new', [14, 20]))).toBe(6);
  });

  test('that were away before the span are none', () => {
    expect(targetsOf([up('a', [6, 20]), up('gone', [0, 5])], SPAN, MAX_AGE).live).toEqual([
      'envoy a',
    ]);
  });

  test('that are listed and do not answer make it unknown, beside others that do', () => {
    const dead = up('dead', [6, 20], [16, 17, 18, 19, 20]);
    expect(() => targetsOf([up('a', [6, 20]), dead], SPAN, MAX_AGE)).toThrow(
      'could not scrape envoy dead',
    );
    const never = up('dead', [18, 20], [18, 19, 20]);
    expect(() => targetsOf([up('a', [6, 20]), never], SPAN, MAX_AGE)).toThrow('envoy dead');
    const pause = up('dead', [6, 20], [12, 13, 14, 15]);
    expect(() => targetsOf([up('a', [6, 20]), pause], SPAN, MAX_AGE)).toThrow('envoy dead');
  });

  test('leave nothing known when there is a moment without any', () => {
    expect(() => targetsOf([], SPAN, MAX_AGE)).toThrow('scrapes no proxy');
    expect(() => targetsOf([up('old', [6, 11]), up('new', [17, 20])], SPAN, MAX_AGE)).toThrow(
      'no proxy of production',
    );
    expect(() => targetsOf([up('a', [15, 20])], SPAN, MAX_AGE)).toThrow('no proxy of production');
    expect(() => targetsOf([up('a', [6, 15])], SPAN, MAX_AGE)).toThrow('no proxy of production');
  });

  test('a metric that ends before its target is unknown, one without a target an error', () => {
    const targets = targetsOf([up('a', [6, 20])], SPAN, MAX_AGE);
    expect(targets.growth(counter('a', [6, 14]))).toBeUndefined();
    expect(() => targets.growth(counter('b', [6, 20]))).toThrow('envoy b');
  });
});
