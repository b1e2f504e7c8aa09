import { afterEach, describe, expect, it } from 'vitest';
import { Metronome } from './metronome.ts';
import { monotonicUs } from './monotonic.ts';

const open: Metronome[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((metronome) => metronome.close()));
});

/** A metronome whose ticks can be awaited one by one. */
function create(): {
  readonly metronome: Metronome;
  tick: () => Promise<number>;
  count: () => number;
} {
  const waiting: ((atUs: number) => void)[] = [];
  let ticks = 0;
  const metronome = new Metronome(
    () => {
      ticks += 1;
      waiting.shift()?.(monotonicUs());
    },
    (error) => {
      throw error;
    },
  );
  open.push(metronome);
  return {
    metronome,
    tick: () => new Promise((resolve) => waiting.push(resolve)),
    count: () => ticks,
  };
}

describe('Metronome', () => {
  it('ticks once for each wish, never before its time', async () => {
    const { metronome, tick, count } = create();
    await metronome.ready();
    for (const gapUs of [0, 300, 2500, -1000, 7777]) {
      const due = monotonicUs() + gapUs;
      const ticked = tick();
      metronome.wakeAt(due);
      expect(await ticked).toBeGreaterThanOrEqual(due);
    }
    expect(count()).toBe(5);
  });

  it('keeps a wish from before the thread was ready', async () => {
    const { metronome, tick } = create();
    const ticked = tick();
    metronome.wakeAt(monotonicUs());
    await ticked;
  });

  it('forgets a wish that was replaced, later or earlier', async () => {
    const { metronome, tick, count } = create();
    await metronome.ready();
    const ticked = tick();
    metronome.wakeAt(monotonicUs() + 3_600_000_000);
    metronome.wakeAt(monotonicUs() + 20_000);
    const due = monotonicUs() + 2000;
    metronome.wakeAt(due);
    expect(await ticked).toBeGreaterThanOrEqual(due);
    // A tick left over from the 20 ms would come before the one of this later wish.
    const later = monotonicUs() + 40_000;
    const second = tick();
    metronome.wakeAt(later);
    expect(await second).toBeGreaterThanOrEqual(later);
    expect(count()).toBe(2);
  });
});
