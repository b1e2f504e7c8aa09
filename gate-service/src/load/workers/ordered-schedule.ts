/** The windows of a worker: segments as they are ordered, each at the moment that all workers have in common. Pure. */
import type { MeasurementEnd } from '../sample.ts';
import type { Schedule, SchedulePhase } from '../schedule.ts';
import type { Segment } from './orders.ts';

interface Running extends Segment {
  /** Number of its last window; may fall. */
  last: number;
}

/**
 * A window's number follows from the time alone, so that workers agree on it whenever an order reaches them:
 * one that comes late begins in the middle of a window instead of shifting all that follow.
 */
export class OrderedSchedule implements Schedule {
  readonly #maxUs: number;
  #running: Running | undefined;
  #next: Running | undefined;
  #phase: SchedulePhase = 'waiting';
  #half = false;
  /** The highest window that a pair fell into. */
  #reached = Number.NEGATIVE_INFINITY;
  #end: MeasurementEnd = 'planned';

  /** @param maxUs the cap on time, since the measurement's start */
  constructor(maxUs: number) {
    this.#maxUs = maxUs;
  }

  get phase(): SchedulePhase {
    return this.#phase;
  }

  get plantedHalf(): boolean {
    return this.#half;
  }

  get end(): MeasurementEnd {
    return this.#end;
  }

  get mayGoOn(): boolean {
    return this.#phase === 'waiting' && this.#next !== undefined;
  }

  get goOnUs(): number {
    return this.#next?.atUs ?? 0;
  }

  /** Begins at its time, even if the segment before has windows left then. */
  order(segment: Segment): void {
    this.#next = { ...segment, last: segment.first + segment.windows - 1 };
  }

  /**
   * No window after this one is begun.
   * @returns the last window after all: a later one where that has begun
   */
  last(window: number): number {
    const last = Math.max(window, this.#reached);
    for (const segment of [this.#running, this.#next]) {
      if (segment !== undefined) segment.last = Math.min(segment.last, last);
    }
    if (this.#next !== undefined && this.#next.last < this.#next.first) this.#next = undefined;
    return last;
  }

  terminate(end: MeasurementEnd): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#end = end;
  }

  expired(atUs: number): boolean {
    if (atUs >= this.#maxUs) this.terminate('max-seconds');
    return this.#phase === 'over';
  }

  windowAt(intendedUs: number): number | undefined {
    if (this.expired(intendedUs)) return undefined;
    if (this.#next !== undefined && intendedUs >= this.#next.atUs) {
      this.#running = this.#next;
      this.#next = undefined;
      this.#phase = this.#running.kind === 'counted' ? 'measuring' : this.#running.kind;
      this.#half = this.#running.half;
    }
    const running = this.#running;
    if (running !== undefined) {
      const window = running.first + Math.floor((intendedUs - running.atUs) / running.windowUs);
      if (window <= running.last) {
        this.#reached = Math.max(this.#reached, window);
        return window;
      }
      this.#running = undefined;
    }
    this.#phase = 'waiting';
    return undefined;
  }
}
