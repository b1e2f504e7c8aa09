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
    if (window === undefined && schedule.phase === 'waiting') continue;
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

  it.each([0, 1])(
    'holds the planted block until its delay is there (%i replacements)',
    (replacements) => {
      const schedule = new WindowSchedule({
        ...options,
        warmupMaxUs: 0,
        replacements,
        plantedHeld: true,
      });
      for (let at = 0; at < 3000; at += 100)
        expect(schedule.windowAt(at)).toBe(Math.floor(at / 1000));
      schedule.seen(2, 3);
      expect(schedule.windowAt(3000)).toBeUndefined();
      schedule.stop();
      schedule.seen(2, 3);
      expect(schedule.windowAt(90_000)).toBeUndefined();
      expect(schedule).toMatchObject({ phase: 'held', mayGoOn: false });
      schedule.plant();
      expect(schedule.mayGoOn).toBe(true);
      // Both windows are whole, and under the numbers that they always have.
      const first = 3 + replacements;
      expect(schedule.windowAt(91_050)).toBe(first);
      expect(schedule.windowAt(92_049)).toBe(first);
      expect(schedule.windowAt(92_050)).toBe(first + 1);
      expect(schedule.windowAt(93_050)).toBeUndefined();
      expect(schedule).toMatchObject({ phase: 'over', end: 'planned' });
    },
  );

  it('does not hold for ever: the cap on time ends it', () => {
    const schedule = new WindowSchedule({ ...options, warmupMaxUs: 0, plantedHeld: true });
    windows(schedule);
    expect(schedule.phase).toBe('held');
    expect(schedule.expired(1_000_000)).toBe(true);
    expect(schedule).toMatchObject({ phase: 'over', end: 'max-seconds' });
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

  it('ends in the warm-up when it is stopped there', () => {
    const schedule = new WindowSchedule({ ...options, plantedWindows: 0 });
    const pairs = windows(schedule, (at) => {
      if (at === 500) schedule.stop();
    });
    expect([...pairs]).toEqual([
      [-5, 4],
      [-4, 1],
    ]);
    expect(schedule).toMatchObject({ phase: 'over', end: 'stopped', steady: false });
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

  describe('with replacements', () => {
    const replacing: WindowScheduleOptions = { ...options, warmupMaxUs: 0, replacements: 2 };

    it('numbers the planted block behind all that could have been added', () => {
      const schedule = new WindowSchedule(replacing);
      const pairs = windows(schedule, () => {
        schedule.seen(2, 3);
      });
      expect([...pairs.keys()]).toEqual([0, 1, 2, 5, 6]);
      expect(schedule.end).toBe('planned');
    });

    it('sends wanted windows without a gap, never more than may be added', () => {
      for (const [wanted, numbers] of [
        [4, [0, 1, 2, 3, 5, 6]],
        [5, [0, 1, 2, 3, 4, 5, 6]],
        [99, [0, 1, 2, 3, 4, 5, 6]],
        [1, [0, 1, 2, 5, 6]],
      ] as const) {
        const schedule = new WindowSchedule(replacing);
        let last = -1;
        const pairs = windows(schedule, (at) => {
          // Whatever was sent so far is seen a little later, as through a pipe.
          if (at % 1000 === 300) schedule.seen(last, wanted);
          last = at < 1000 * wanted ? Math.floor(at / 1000) : last;
          if (schedule.phase === 'waiting') schedule.seen(99, wanted);
        });
        expect([...pairs.keys()]).toEqual(numbers);
      }
    });

    it('waits for the look at the last wanted window and begins the next one whole', () => {
      const schedule = new WindowSchedule(replacing);
      const pairs: [number, number | undefined][] = [];
      for (let at = 0; at <= 4800; at += 300) {
        if (at === 3900) schedule.seen(2, 4);
        pairs.push([at, schedule.windowAt(at)]);
        // Two reports are there, the one that is waited for is not.
        schedule.seen(1, 3);
      }
      const waiting = pairs.filter(([, window]) => window === undefined).map(([at]) => at);
      expect(waiting).toEqual([3000, 3300, 3600]);
      expect(pairs.filter(([, window]) => window === 3).map(([at]) => at)).toEqual([
        3900, 4200, 4500, 4800,
      ]);
    });

    it('does not wait for a window that no pair fell into', () => {
      const schedule = new WindowSchedule(replacing);
      expect(schedule.windowAt(10)).toBe(0);
      schedule.seen(0, 3);
      expect(schedule.windowAt(3100)).toBe(5);
    });

    it('is freed from waiting by a stop and by the cap on time', () => {
      const stopped = new WindowSchedule(replacing);
      windows(stopped);
      expect(stopped).toMatchObject({ phase: 'waiting', mayGoOn: false });
      stopped.stop();
      expect(stopped.mayGoOn).toBe(true);
      expect(stopped.windowAt(100_000)).toBe(5);
      expect(stopped.end).toBe('planned');

      const late = new WindowSchedule({ ...replacing, maxUs: 5000 });
      windows(late);
      expect(late).toMatchObject({ phase: 'over', end: 'max-seconds' });
    });

    it('says that it was stopped when wanted windows were not sent any more', () => {
      const schedule = new WindowSchedule(replacing);
      const pairs = windows(schedule, (at) => {
        schedule.seen(0, 4);
        if (at === 2500) schedule.stop();
      });
      expect([...pairs.keys()]).toEqual([0, 1, 2, 5, 6]);
      expect(schedule.end).toBe('stopped');
    });
  });
});
