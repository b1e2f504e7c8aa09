/** The order of sending: which request leaves when, to which arm, in which window. Pure. */
import type { Arrivals } from './arrivals.ts';
import type { Pair, Pairing } from './pairing.ts';
import type { Schedule } from './schedule.ts';

/** One request's place in the schedule. */
export interface Turn {
  readonly pair: Pair;
  readonly window: number;
  /** Index of the arm. */
  readonly side: 0 | 1;
  /** Belongs to the planted block. */
  readonly planted: boolean;
  /** Microseconds since the measurement's start. */
  readonly intendedUs: number;
}

export interface Turns {
  /** When the next request is meant to leave, microseconds since the measurement's start. */
  readonly nextUs: number;
  /** Takes the next request up; undefined when the window schedule lets nothing be sent now. */
  next(): Turn | undefined;
  /** Requests that were due earlier are not sent at all: the schedule let nothing be sent meanwhile. */
  skipTo(atUs: number): void;
}

/**
 * Request by request: each pair's two requests leave at adjacent arrivals. A pair is never torn: its
 * second request stands in the window of the first, so that the arms stay balanced.
 */
export class PairTurns implements Turns {
  readonly #schedule: Schedule;
  readonly #arrivals: Arrivals;
  readonly #pairing: Pairing;
  #nextUs: number;
  /** The first request of the pair in progress. */
  #first: Turn | undefined;

  /** @param arrivals of requests, two to a pair */
  constructor(schedule: Schedule, arrivals: Arrivals, pairing: Pairing) {
    this.#schedule = schedule;
    this.#arrivals = arrivals;
    this.#pairing = pairing;
    this.#nextUs = arrivals.next();
  }

  get nextUs(): number {
    return this.#nextUs;
  }

  next(): Turn | undefined {
    const second = this.#second();
    const turn = second ?? this.#pair();
    if (turn !== undefined) this.#nextUs = this.#arrivals.next();
    if (second?.planted === true && this.#schedule.plantedHalf) this.#skipPair();
    return turn;
  }

  skipTo(atUs: number): void {
    while (this.#nextUs < atUs) this.#nextUs = this.#arrivals.next();
  }

  #skipPair(): void {
    this.#arrivals.next();
    this.#nextUs = this.#arrivals.next();
  }

  #second(): Turn | undefined {
    const first = this.#first;
    if (first === undefined) return undefined;
    this.#first = undefined;
    const { pair, window, side, planted } = first;
    return { pair, window, side: side === 0 ? 1 : 0, planted, intendedUs: this.#nextUs };
  }

  #pair(): Turn | undefined {
    const window = this.#schedule.windowAt(this.#nextUs);
    if (window === undefined) return undefined;
    const pair = this.#pairing.next();
    const planted = this.#schedule.phase === 'planted';
    this.#first = { pair, window, side: pair.firstArm, planted, intendedUs: this.#nextUs };
    return this.#first;
  }
}
