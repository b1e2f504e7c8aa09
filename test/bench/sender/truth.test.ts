import { describe, expect, it } from 'vitest';
import { nearestRank } from '../../../gate-service/src/load/nearest-rank.ts';
import { createRandom } from '../../../gate-service/src/statistics/random.ts';
import { latenessUs } from './schedule.ts';
import { serviceTimeUs, trueLatencies } from './truth.ts';
import { descendants } from './usage.ts';

describe('serviceTimeUs', () => {
  it('has the median and the tail of its distribution', () => {
    const random = createRandom(5);
    const drawn = Array.from({ length: 40_000 }, () =>
      serviceTimeUs({ medianMs: 20, sigma: 0.5 }, random),
    );
    expect(nearestRank(drawn, 0.5)).toBeGreaterThan(19_600);
    expect(nearestRank(drawn, 0.5)).toBeLessThan(20_400);
    // exp(0.5 × 2.326) = 3.2
    expect(nearestRank(drawn, 0.99) / 20_000).toBeGreaterThan(3.05);
    expect(nearestRank(drawn, 0.99) / 20_000).toBeLessThan(3.35);
  });
});

describe('trueLatencies', () => {
  it('are the service times where nothing stood still', () => {
    expect(trueLatencies([5, 7], 1e6, undefined)).toEqual([5, 7]);
  });

  it('let whoever comes during a stall wait for its end', () => {
    // 1 s of 10 s: a tenth of all wait, evenly between 0 and 1 s.
    const truth = trueLatencies([1000], 10e6, { fromUs: 4e6, toUs: 5e6 });
    const waited = truth.filter((us) => us > 1500).length / truth.length;
    expect(waited).toBeCloseTo(0.1, 2);
    expect(nearestRank(truth, 0.5)).toBe(1000);
    expect(nearestRank(truth, 0.99) / 1e6).toBeCloseTo(0.9, 1);
    expect(Math.max(...truth)).toBeLessThanOrEqual(1_001_000);
  });

  it('keep what is under way when it begins until its end', () => {
    // Every request takes 3 s: those of the 3 s before the stall, and those during it, meet it.
    const truth = trueLatencies([3e6], 10e6, { fromUs: 4e6, toUs: 8e6 });
    expect(Math.max(...truth)).toBeCloseTo(7e6, -4);
    const longer = truth.filter((us) => us > 3_000_001).length / truth.length;
    // 4 s of the stall, and of the 3 s before it those that would end within it: all.
    expect(longer).toBeCloseTo(0.7, 2);
  });
});

describe('latenessUs', () => {
  it('does not count what all requests share, whatever the order of arrival', () => {
    expect(latenessUs([1_000_700, 1_000_100, 1_001_100], [0, 500, 1000], 1)).toEqual([0, 100, 0]);
  });

  it('takes an even schedule where the tool names none', () => {
    expect(latenessUs([5000, 6000, 9000], undefined, 1000)).toEqual([0, 0, 2000]);
  });
});

describe('descendants', () => {
  it('are found at every depth, without the branch that is left out', () => {
    const stats = [
      [2, 1],
      [3, 2],
      [4, 1],
      [5, 4],
      [6, 9],
    ].map(([pid = 0, parent = 0]) => ({
      pid,
      parent,
      group: 0,
      session: 0,
      zombie: false,
      startTime: 0,
      cpuSeconds: 0,
    }));
    expect(descendants(stats, 1, 4).map(({ pid }) => pid)).toEqual([2, 3]);
  });
});
