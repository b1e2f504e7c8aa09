/**
 * AB/BA blocks, for arms that cannot be up together: each window is a couple of blocks, one to each arm,
 * their order drawn at random, so that a drift of the machine meets both arms alike (facts/measuring.md,
 * item 2). Far noisier than pairs of requests: use it only where those are impossible. Pure.
 */
import type { Random } from '../statistics/random.ts';
import type { Arrivals } from './arrivals.ts';
import type { Pair, Pairing } from './pairing.ts';
import type { Turn, Turns } from './turns.ts';
import type { Schedule } from './schedule.ts';

export interface BlockTurnsOptions {
  /** Microseconds of one block; a window of the schedule lasts two. */
  readonly blockUs: number;
  /** New arrivals, from 0, for the requests to the one arm of a block. */
  readonly arrivals: () => Arrivals;
  readonly pairing: Pairing;
  /** Draws which arm comes first. */
  readonly order: Random;
}

interface Planned {
  /** Since the block's beginning. */
  readonly offsetUs: number;
  readonly pair: Pair;
}

/**
 * The second block of a couple repeats the first one for the other arm: same payloads, same gaps, so that
 * both arms get the same load to the request.
 */
export class BlockTurns implements Turns {
  readonly #schedule: Schedule;
  readonly #options: BlockTurnsOptions;
  #coupleUs = 0;
  #requests: readonly Planned[] = [];
  #first: 0 | 1 = 0;
  /** Of the next request in the couple: 0 to twice the requests of a block. */
  #index = 0;
  #window = 0;

  constructor(schedule: Schedule, options: BlockTurnsOptions) {
    this.#schedule = schedule;
    this.#options = options;
    this.#draw();
  }

  get nextUs(): number {
    const perBlock = this.#requests.length;
    const second = this.#index >= perBlock;
    const { offsetUs = 0 } = this.#requests[this.#index % perBlock] ?? {};
    return this.#coupleUs + (second ? this.#options.blockUs : 0) + offsetUs;
  }

  next(): Turn | undefined {
    const intendedUs = this.nextUs;
    if (this.#index === 0) {
      const window = this.#schedule.windowAt(this.#coupleUs);
      if (window === undefined) return undefined;
      this.#window = window;
    }
    // A couple that meets the cap on time is torn; the end says so.
    if (this.#schedule.expired(intendedUs)) return undefined;
    const perBlock = this.#requests.length;
    const planned = this.#requests[this.#index % perBlock];
    if (planned === undefined) throw new Error('a couple of blocks without requests');
    const second = this.#index >= perBlock;
    const turn: Turn = {
      pair: planned.pair,
      window: this.#window,
      side: second ? other(this.#first) : this.#first,
      planted: this.#schedule.phase === 'planted',
      intendedUs,
    };
    this.#index += 1;
    if (this.#index === 2 * perBlock) {
      this.#coupleUs += 2 * this.#options.blockUs;
      this.#draw();
    }
    return turn;
  }

  skipTo(atUs: number): void {
    if (this.#index === 0 && this.#coupleUs < atUs) this.#coupleUs = atUs;
  }

  /** Draws the next couple; one into which no request falls is passed over in silence. */
  #draw(): void {
    const { arrivals, blockUs, order, pairing } = this.#options;
    this.#index = 0;
    for (;;) {
      const requests: Planned[] = [];
      const block = arrivals();
      for (let at = block.next(); at < blockUs; at = block.next()) {
        requests.push({ offsetUs: at, pair: pairing.next() });
      }
      this.#first = order.next() < 0.5 ? 0 : 1;
      this.#requests = requests;
      if (requests.length > 0) return;
      this.#coupleUs += 2 * blockUs;
    }
  }
}

function other(side: 0 | 1): 0 | 1 {
  return side === 0 ? 1 : 0;
}
