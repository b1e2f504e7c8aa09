import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Sample } from '../load/sample.ts';
import { createRandom, shuffled } from '../statistics/random.ts';
import { findContradictions, secondsMeasured } from './contradictions.ts';
import { makeMeasurement } from './test-measurement.ts';

// Many cases, or processes of their own: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000 });

const good = makeMeasurement({ windows: 12, pairs: 60 });

function changed(change: (sample: Sample, index: number) => Sample): string[] {
  return findContradictions({ ...good, samples: good.samples.map(change) });
}

const later =
  (from: number, us: number) =>
  (sample: Sample): Sample =>
    sample.window >= from ? { ...sample, intendedUs: sample.intendedUs + us } : sample;

describe('contradictions', () => {
  test('a measurement as it is sent has none, in any order of rows, from any window and time on', () => {
    expect(findContradictions(good)).toEqual([]);
    const samples = shuffled(good.samples, createRandom(3, 'rows'));
    expect(findContradictions({ ...good, samples })).toEqual([]);
    fc.assert(
      fc.property(fc.nat({ max: 5000 }), fc.nat({ max: 2 ** 48 }), (window, us) => {
        const moved = (sample: Sample): Sample => ({
          ...sample,
          window: sample.window + window,
          intendedUs: sample.intendedUs + us,
        });
        expect(changed(moved)).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  test('the second request of a pair may be due a little after its window', () => {
    const late = (sample: Sample, index: number): Sample =>
      index % 2 === 1 ? { ...sample, intendedUs: sample.intendedUs + 50_000 } : sample;
    expect(changed(late)).toEqual([]);
  });

  test('windows with hardly a request are windows all the same', () => {
    const { windowsPlanned, fitness, samples } = makeMeasurement({ windows: 40, pairs: 2 });
    const first = samples.filter((_, index) => index % 4 < 2);
    const apart = first.map((sample, index) => ({
      ...sample,
      intendedUs: sample.intendedUs + (index % 2) * 2_100_000,
    }));
    expect(findContradictions({ windowsPlanned, fitness, samples: first })).toEqual([]);
    expect(findContradictions({ windowsPlanned, fitness, samples: apart })).toEqual([]);
  });

  test('blocks of one arm after the other within a window are no step of the clock', () => {
    const blocks = (sample: Sample): Sample => ({
      ...sample,
      intendedUs:
        2 * sample.window * 2_000_000 +
        (sample.intendedUs % 2_000_000) +
        ((sample.arm === 'baseline') === (sample.window % 2 === 0) ? 0 : 2_000_000),
    });
    expect(changed(blocks)).toEqual([]);
  });

  test('a pause in which other nodes were started is none either', () => {
    const pause = later(6, 60_000_000);
    expect(changed(pause)[0]).toMatch(/jumped: window 6 begins 62 s after window 5/);
    const relaunched = (sample: Sample): Sample =>
      pause(sample.window < 6 ? sample : { ...sample, launch: `${sample.launch}-again` });
    expect(changed(relaunched)).toEqual([]);
  });

  test.each([
    ['back by seconds', later(6, -5_000_000), 'went back: window 6'],
    ['back by an hour', later(6, -3_600_000_000), 'went back: window 6'],
    ['ahead by an hour', later(6, 3_600_000_000), 'jumped: window 6'],
    [
      'ahead within a window',
      (sample: Sample, index: number): Sample =>
        index > 790 ? later(0, 60_000_000)(sample) : sample,
      'jumped: window 6 lasts',
    ],
    [
      'each window from 0 on',
      (sample: Sample): Sample => ({ ...sample, intendedUs: sample.intendedUs % 2_000_000 }),
      'went back: window 1',
    ],
    [
      'one arm after the other',
      (sample: Sample): Sample =>
        sample.arm === 'baseline' ? sample : later(0, 28_000_000)(sample),
      'went back',
    ],
    ['standing still', (sample: Sample): Sample => ({ ...sample, intendedUs: 5 }), 'same moment'],
  ])('a clock that goes %s', (_what, change, words) => {
    expect(changed(change).join()).toContain(words);
  });

  test('rows that are missing, or too many', () => {
    for (const samples of [
      good.samples.slice(1),
      good.samples.filter(({ arm, latencyUs }) => arm === 'baseline' || latencyUs < 90_000),
    ]) {
      expect(findContradictions({ ...good, samples }).join()).toContain('samples are recorded');
    }
  });

  test('rows that stand there twice', () => {
    const open = { windowsPlanned: 12, fitness: [] };
    const half = good.samples.slice(0, 100);
    expect(findContradictions({ ...open, samples: [...good.samples, ...half] })).toEqual([
      `100 of ${good.samples.length + 100} rows stand in the file twice`,
    ]);
    expect(findContradictions({ ...open, samples: [...good.samples, good.samples[7]!] })).toEqual(
      [],
    );
  });

  test('times in whole milliseconds may coincide', () => {
    const coarse = (sample: Sample): Sample => ({
      ...sample,
      intendedUs: Math.round(sample.intendedUs / 1000) * 1000,
      latencyUs: Math.round(sample.latencyUs / 1000) * 1000,
      launch: '-',
    });
    const dense = makeMeasurement({ windows: 6, pairs: 1500 });
    expect(
      findContradictions({ ...dense, samples: dense.samples.map(coarse) }).join(),
    ).not.toContain('twice');
  });

  test('nothing at all is no contradiction, and no time', () => {
    expect(findContradictions({ windowsPlanned: 1, samples: [], fitness: [] })).toEqual([]);
    expect(secondsMeasured([], 3)).toBe(0);
  });
});

test('the seconds are those of the measured windows, without warm-up and planted block', () => {
  const warm: Sample = { ...good.samples[0]!, window: -1, intendedUs: 0 };
  const samples = [warm, ...good.samples.map((s) => ({ ...s, intendedUs: s.intendedUs + 9e6 }))];
  expect(secondsMeasured(samples, 12)).toBeCloseTo(24, 0);
  expect(secondsMeasured(samples, 4)).toBeCloseTo(8, 0);
});
