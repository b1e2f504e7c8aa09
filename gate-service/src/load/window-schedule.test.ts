import { describe, expect, it } from 'vitest';
import { WindowSchedule, type WindowScheduleOptions } from './window-schedule.ts';

const options: WindowScheduleOptions = {
  windowUs: 1000,
  warmupWindowUs: 400,
  warmupMaxUs: 2000,
  windows: 3,
  plantedWindows: 2,
  maxUs: 1_000_000,
};

/** Window of a pair every 100 µs until nothing is sent any more; `act` runs before each. */
function windows(
  schedule: WindowSchedule,
  act: (atUs: number) => void = () => undefined,
): Map<number, number> {
  const pairs = new Map<number, number>();
  for (let at = 0; at < 100_000; at += 100) {
    act(at);
    const window = schedule.windowAt(at);
    if (window === undefined) break;
    pairs.set(window, (pairs.get(window) ?? 0) + 1);
  }
  return pairs;
}

describe('WindowSchedule', () => {
  it('numbers warm-up below 0, counted windows from 0, the planted block behind them', () => {
    const schedule = new WindowSchedule(options);
    expect([...windows(schedule)]).toEqual([
      [-5, 4],
      [-4, 4],
      [-3, 4],
      [-2, 4],
      [-1, 4],
      [0, 10],
      [1, 10],
      [2, 10],
      [3, 10],
      [4, 10],
    ]);
    expect(schedule).toMatchObject({ steady: false, end: 'planned', phase: 'over' });
  });

  it('begins with a whole first window as soon as it is warm', () => {
    const schedule = new WindowSchedule(options);
    const pairs = windows(schedule, (at) => {
      if (at === 900) schedule.warm();
    });
    expect([...pairs].slice(0, 4)).toEqual([
      [-5, 4],
      [-4, 4],
      [-3, 1],
      [0, 10],
    ]);
    expect(schedule.steady).toBe(true);
  });

  it('does not call it steady when warmth comes too late', () => {
    const schedule = new WindowSchedule(options);
    windows(schedule, (at) => {
      if (at === 2500) schedule.warm();
    });
    expect(schedule.steady).toBe(false);
  });

  it('ends the window in progress after a stop and sends the planted block under its own numbers', () => {
    const schedule = new WindowSchedule({ ...options, warmupMaxUs: 0 });
    const pairs = windows(schedule, (at) => {
      if (at === 500) schedule.stop();
    });
    expect([...pairs]).toEqual([
      [0, 10],
      [3, 10],
      [4, 10],
    ]);
    expect(schedule.end).toBe('stopped');
  });

  it('is not stopped by a stop in the last window or in the planted block', () => {
    for (const stopAt of [2500, 3500]) {
      const schedule = new WindowSchedule({ ...options, warmupMaxUs: 0 });
      const pairs = windows(schedule, (at) => {
        if (at === stopAt) schedule.stop();
      });
      expect([...pairs.keys()]).toEqual([0, 1, 2, 3, 4]);
      expect(schedule.end).toBe('planned');
    }
  });

  it('skips windows that no pair falls into', () => {
    const schedule = new WindowSchedule({ ...options, warmupMaxUs: 0 });
    expect(schedule.windowAt(10)).toBe(0);
    expect(schedule.windowAt(2100)).toBe(2);
    expect(schedule.windowAt(5000)).toBeUndefined();
  });

  it('ends at the cap on time and says so', () => {
    const schedule = new WindowSchedule({ ...options, maxUs: 2500 });
    expect([...windows(schedule)].at(-1)).toEqual([0, 5]);
    expect(schedule.end).toBe('max-seconds');
  });

  it('sends nothing more after it was terminated, and the first reason stays', () => {
    const schedule = new WindowSchedule(options);
    schedule.terminate('terminated');
    schedule.terminate('max-seconds');
    expect(schedule.windowAt(0)).toBeUndefined();
    expect(schedule.end).toBe('terminated');
  });
});
