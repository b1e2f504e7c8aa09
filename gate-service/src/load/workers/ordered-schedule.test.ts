import { describe, expect, it } from 'vitest';
import { formatOrder, parseOrder, type Order, type Segment } from './orders.ts';
import { OrderedSchedule } from './ordered-schedule.ts';

const segment = (change: Partial<Segment> = {}): Segment => ({
  kind: 'counted',
  first: 0,
  windows: 3,
  atUs: 1000,
  windowUs: 100,
  share: { place: 0, of: 2 },
  half: false,
  ...change,
});

function scheduleWith(...segments: readonly Segment[]): OrderedSchedule {
  const schedule = new OrderedSchedule(1e9);
  for (const one of segments) schedule.order(one);
  return schedule;
}

describe('OrderedSchedule', () => {
  it('sends nothing before it is told, nor before the moment it is told of', () => {
    const schedule = scheduleWith();
    expect(schedule.windowAt(5)).toBeUndefined();
    expect(schedule.mayGoOn).toBe(false);
    schedule.order(segment());
    expect(schedule.windowAt(999)).toBeUndefined();
    expect([schedule.mayGoOn, schedule.goOnUs]).toEqual([true, 1000]);
    expect(schedule.windowAt(1000)).toBe(0);
    expect(schedule.phase).toBe('measuring');
  });

  it('counts windows by the time alone, also when the order comes late', () => {
    const early = scheduleWith(segment());
    expect([1000, 1099, 1100, 1299].map((at) => early.windowAt(at))).toEqual([0, 0, 1, 2]);
    const late = scheduleWith(segment());
    expect(late.windowAt(1150)).toBe(1);
  });

  it('waits after its last window, and goes on when it is told', () => {
    const schedule = scheduleWith(segment());
    schedule.windowAt(1250);
    expect(schedule.windowAt(1300)).toBeUndefined();
    expect([schedule.phase, schedule.mayGoOn]).toEqual(['waiting', false]);
    schedule.order(segment({ first: 3, windows: 1, atUs: 2000 }));
    expect(schedule.windowAt(2050)).toBe(3);
  });

  it('passes from warm-up to counting without a pause', () => {
    const schedule = scheduleWith(segment({ kind: 'warm-up', first: -10, windows: 10, atUs: 0 }));
    expect(schedule.windowAt(450)).toBe(-6);
    schedule.order(segment({ atUs: 470 }));
    expect([schedule.windowAt(469), schedule.phase]).toEqual([-6, 'warm-up']);
    expect([schedule.windowAt(470), schedule.phase]).toEqual([0, 'measuring']);
  });

  it('ends after the window it is told, or after the one it has begun', () => {
    const schedule = scheduleWith(segment({ windows: 10 }));
    schedule.windowAt(1000);
    expect(schedule.last(2)).toBe(2);
    expect(schedule.windowAt(1250)).toBe(2);
    expect(schedule.last(1)).toBe(2);
    expect(schedule.windowAt(1299)).toBe(2);
    expect(schedule.windowAt(1300)).toBeUndefined();
  });

  it('forgets a segment that begins after the last window', () => {
    const schedule = scheduleWith(segment());
    schedule.windowAt(1000);
    schedule.order(segment({ first: 5, atUs: 1500 }));
    schedule.last(1);
    expect(schedule.windowAt(1600)).toBeUndefined();
    expect(schedule.mayGoOn).toBe(false);
  });

  it('is over at its cap on time and when it is told', () => {
    const capped = new OrderedSchedule(1200);
    capped.order(segment());
    expect(capped.windowAt(1199)).toBe(1);
    expect(capped.windowAt(1200)).toBeUndefined();
    expect([capped.phase, capped.end]).toEqual(['over', 'max-seconds']);
    const told = scheduleWith(segment());
    told.terminate('planned');
    expect([told.windowAt(1000), told.end]).toEqual([undefined, 'planned']);
  });
});

describe('orders', () => {
  const orders: readonly Order[] = [
    { order: 'clock' },
    { order: 'end' },
    { order: 'begin', atUs: 123_456_789.5 },
    { order: 'last', window: -3 },
    { order: 'segment', segment: segment({ kind: 'warm-up', first: -8, atUs: 0 }) },
    { order: 'segment', segment: segment({ kind: 'planted', half: true, atUs: 1.5 }) },
  ];
  it.each(orders)('come through as lines: $order', (order) => {
    expect(parseOrder(formatOrder(order))).toEqual(order);
  });

  it.each(['', 'stop', 'segment counted 0 3', 'begin', 'last x', 'segment odd 0 1 0 1 0/1'])(
    'are not made of "%s"',
    (line) => {
      expect(parseOrder(line)).toBeUndefined();
    },
  );
});
