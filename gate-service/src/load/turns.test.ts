import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { createArrivals } from './arrivals.ts';
import { BlockTurns } from './block-turns.ts';
import { createPairing } from './pairing.ts';
import { PairTurns, type Turn, type Turns } from './turns.ts';
import { WindowSchedule } from './window-schedule.ts';

const BLOCK_US = 2_000_000;

interface Setting {
  readonly seed: number;
  readonly perSecond: number;
  readonly kind: 'poisson' | 'constant';
  readonly windows: number;
  readonly plantedWindows: number;
}

const settings = fc.record({
  seed: fc.integer(),
  perSecond: fc.integer({ min: 1, max: 40 }),
  kind: fc.constantFrom('poisson' as const, 'constant' as const),
  windows: fc.integer({ min: 1, max: 4 }),
  plantedWindows: fc.integer({ min: 0, max: 2 }),
});

function scheduleOf({ windows, plantedWindows }: Setting, maxUs = 1e12): WindowSchedule {
  return new WindowSchedule({
    windowUs: 2 * BLOCK_US,
    warmupWindowUs: 2 * BLOCK_US,
    warmupMaxUs: 2 * BLOCK_US,
    windows,
    plantedWindows,
    maxUs,
  });
}

const pairingOf = ({ seed }: Setting) =>
  createPairing({ weights: [1, 2], freshConnections: 0.2, seed });

function blocks(setting: Setting, schedule = scheduleOf(setting)): BlockTurns {
  const random = createRandom(setting.seed, 'arrivals');
  return new BlockTurns(schedule, {
    blockUs: BLOCK_US,
    arrivals: () => createArrivals(setting.kind, setting.perSecond, random),
    pairing: pairingOf(setting),
    order: createRandom(setting.seed, 'blocks'),
  });
}

function pairs(setting: Setting, schedule = scheduleOf(setting)): PairTurns {
  const random = createRandom(setting.seed, 'arrivals');
  const arrivals = createArrivals(setting.kind, 2 * setting.perSecond, random);
  return new PairTurns(schedule, arrivals, pairingOf(setting));
}

/** Everything that is sent; what `nextUs` announces is what comes. */
function all(turns: Turns): Turn[] {
  const taken: Turn[] = [];
  for (;;) {
    const announced = turns.nextUs;
    const turn = turns.next();
    if (turn === undefined) return taken;
    expect(turn.intendedUs).toBe(announced);
    taken.push(turn);
  }
}

const rising = (turns: readonly Turn[]): boolean =>
  turns.every(({ intendedUs }, i) => i === 0 || intendedUs >= (turns[i - 1]?.intendedUs ?? 0));

describe('PairTurns', () => {
  it('sends each pair to both arms, adjacent and in one window, and never falls back in time', () => {
    fc.assert(
      fc.property(settings, (setting) => {
        const turns = all(pairs(setting));
        expect(rising(turns)).toBe(true);
        expect(turns.length % 2).toBe(0);
        for (let i = 0; i < turns.length; i += 2) {
          const [first, second] = turns.slice(i, i + 2) as [Turn, Turn];
          expect(second.pair).toBe(first.pair);
          expect(first.side).toBe(first.pair.firstArm);
          expect([first.side, second.side].sort()).toEqual([0, 1]);
          expect(second).toMatchObject({ window: first.window, planted: first.planted });
        }
      }),
      { numRuns: 50 },
    );
  });

  it('leaves out what was due while nothing might be sent', () => {
    const turns = pairs({ seed: 1, perSecond: 5, kind: 'constant', windows: 1, plantedWindows: 0 });
    turns.skipTo(1_234_567);
    expect(turns.nextUs).toBeCloseTo(1_250_000);
  });

  it('sends half of the pairs of a planted block that must not double the load', () => {
    const setting: Setting = {
      seed: 1,
      perSecond: 10,
      kind: 'constant',
      windows: 1,
      plantedWindows: 1,
    };
    const schedule = scheduleOf(setting);
    schedule.plant(true);
    const turns = all(pairs(setting, schedule));
    const sent = (planted: boolean, window: number): Turn[] =>
      turns.filter((turn) => turn.planted === planted && turn.window === window);
    expect(sent(false, 0)).toHaveLength(80);
    const block = sent(true, 1);
    expect(block).toHaveLength(40);
    expect(block.filter(({ side }) => side === 0)).toHaveLength(20);
    expect(rising(turns)).toBe(true);
  });
});

describe('BlockTurns', () => {
  it('gives each window one block an arm, with the same payloads at the same distances', () => {
    fc.assert(
      fc.property(settings, (setting) => {
        const turns = all(blocks(setting));
        expect(rising(turns)).toBe(true);
        for (const [window, couple] of Map.groupBy(turns, (turn) => turn.window)) {
          const half = couple.length / 2;
          const [first, second] = [couple.slice(0, half), couple.slice(half)];
          expect(new Set(first.map(({ side }) => side)).size).toBe(1);
          expect(second.every(({ side }) => side !== first[0]?.side)).toBe(true);
          expect(second.map(({ pair }) => pair)).toEqual(first.map(({ pair }) => pair));
          second.forEach(({ intendedUs }, i) => {
            expect(intendedUs - (first[i]?.intendedUs ?? 0)).toBeCloseTo(BLOCK_US, 3);
          });
          const start = couple[0]?.intendedUs ?? 0;
          expect((couple.at(-1)?.intendedUs ?? 0) - start).toBeLessThan(2 * BLOCK_US);
          expect(couple.every(({ planted }) => planted === window >= setting.windows)).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('draws the order of the blocks: neither always AB nor by turns', () => {
    const turns = all(
      blocks({ seed: 3, perSecond: 2, kind: 'constant', windows: 200, plantedWindows: 0 }),
    );
    const firsts = [...Map.groupBy(turns, ({ window }) => window).values()].map(
      ([first]) => first?.side ?? 0,
    );
    const share = firsts.filter((side) => side === 0).length / firsts.length;
    const changes = firsts.filter((side, i) => i > 0 && side !== firsts[i - 1]).length;
    // 5 standard deviations around one half.
    expect(Math.abs(share - 0.5)).toBeLessThan(0.18);
    expect(Math.abs(changes / firsts.length - 0.5)).toBeLessThan(0.18);
  });

  it('gives an arm the rate while its block lasts', () => {
    const setting = { seed: 5, perSecond: 30, kind: 'poisson', windows: 40, plantedWindows: 0 };
    const turns = all(blocks(setting as Setting)).filter(({ window }) => window >= 0);
    // 40 blocks of 2 s to each arm; 5 standard deviations.
    for (const side of [0, 1]) {
      const count = turns.filter((turn) => turn.side === side).length;
      expect(Math.abs(count - 2400)).toBeLessThan(5 * Math.sqrt(2400));
    }
  });

  it('ends in the middle of a couple when its time is up, and the end says so', () => {
    const setting: Setting = {
      seed: 7,
      perSecond: 10,
      kind: 'constant',
      windows: 9,
      plantedWindows: 0,
    };
    const schedule = scheduleOf(setting, 5_000_000);
    const turns = all(blocks(setting, schedule));
    expect(schedule.end).toBe('max-seconds');
    expect(turns.at(-1)?.intendedUs).toBeCloseTo(4_950_000);
  });

  it('begins a whole couple after it had to wait', () => {
    const setting: Setting = {
      seed: 7,
      perSecond: 1,
      kind: 'constant',
      windows: 1,
      plantedWindows: 1,
    };
    const schedule = new WindowSchedule({
      windowUs: 2 * BLOCK_US,
      warmupWindowUs: 2 * BLOCK_US,
      warmupMaxUs: 0,
      windows: 1,
      replacements: 1,
      plantedWindows: 1,
      maxUs: 1e12,
    });
    const turns = blocks(setting, schedule);
    expect(all(turns)).toHaveLength(4);
    expect(schedule.phase).toBe('waiting');
    schedule.seen(0, 1);
    turns.skipTo(5_700_000);
    const planted = all(turns);
    expect(planted.map(({ intendedUs }) => intendedUs)).toEqual([6.2e6, 7.2e6, 8.2e6, 9.2e6]);
    expect(planted.every((turn) => turn.window === 2 && turn.planted)).toBe(true);
    expect(schedule).toMatchObject({ phase: 'over', end: 'planned' });
  });
});
