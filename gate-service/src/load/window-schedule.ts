/** Which window a request belongs to: warm-up, the planned windows, the planted block. Pure. */
import type { MeasurementEnd } from './sample.ts';

export interface WindowScheduleOptions {
  /** All times in microseconds since the measurement's start. */
  readonly windowUs: number;
  readonly warmupWindowUs: number;
  readonly warmupMaxUs: number;
  readonly windows: number;
  readonly plantedWindows: number;
  readonly maxUs: number;
}

export type SchedulePhase = 'warm-up' | 'measuring' | 'planted' | 'over';

/**
 * Warm-up windows are negative and rise; counted ones are 0 to windows − 1; the planted block follows
 * from `windows` on, also after an early stop, so that a number always means the same.
 */
export class WindowSchedule {
  readonly #options: WindowScheduleOptions;
  #phase: SchedulePhase;
  #window: number;
  #windowStartUs = 0;
  #stopping = false;
  #steady = false;
  #measureNext = false;
  #end: MeasurementEnd = 'planned';

  constructor(options: WindowScheduleOptions) {
    this.#options = options;
    this.#phase = 'warm-up';
    // One for each that may fit, so that the last one is −1 at most.
    this.#window = -Math.ceil(options.warmupMaxUs / options.warmupWindowUs);
    if (this.#window >= 0) this.#measure(0);
  }

  get phase(): SchedulePhase {
    return this.#phase;
  }

  /** Whether warm-up ended because nothing trended any more, not because its time was up. */
  get steady(): boolean {
    return this.#steady;
  }

  get end(): MeasurementEnd {
    return this.#end;
  }

  /** Warm-up may end: the next pair begins the first counted window. Without effect later. */
  warm(): void {
    if (this.#phase !== 'warm-up') return;
    this.#steady = true;
    this.#measureNext = true;
  }

  /** Enough is known: the window in progress is the last one before the planted block. */
  stop(): void {
    this.#stopping = true;
  }

  /** Nothing more is sent. */
  terminate(end: MeasurementEnd): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#end = end;
  }

  /**
   * Window of a pair whose first request is meant to leave at this time; undefined when nothing is sent
   * any more. Times must not fall from call to call.
   */
  windowAt(intendedUs: number): number | undefined {
    if (intendedUs >= this.#options.maxUs) this.terminate('max-seconds');
    for (;;) {
      switch (this.#phase) {
        case 'over':
          return undefined;
        case 'warm-up': {
          if (this.#measureNext || intendedUs >= this.#options.warmupMaxUs) {
            this.#measure(intendedUs);
            break;
          }
          const elapsed = intendedUs - this.#windowStartUs;
          if (elapsed < this.#options.warmupWindowUs) return this.#window;
          this.#advance(this.#options.warmupWindowUs);
          break;
        }
        case 'measuring':
        case 'planted': {
          if (intendedUs - this.#windowStartUs < this.#options.windowUs) return this.#window;
          this.#nextWindow();
          break;
        }
      }
    }
  }

  #measure(startUs: number): void {
    this.#phase = 'measuring';
    this.#window = 0;
    this.#windowStartUs = startUs;
  }

  #advance(byUs: number): void {
    this.#window += 1;
    this.#windowStartUs += byUs;
  }

  #nextWindow(): void {
    const { windows, plantedWindows, windowUs } = this.#options;
    const stopped = this.#stopping && this.#phase === 'measuring' && this.#window + 1 < windows;
    this.#advance(windowUs);
    if (stopped) {
      this.#window = windows;
      this.#end = 'stopped';
    }
    if (this.#window >= windows + plantedWindows) this.#phase = 'over';
    else if (this.#window >= windows) this.#phase = 'planted';
  }
}
