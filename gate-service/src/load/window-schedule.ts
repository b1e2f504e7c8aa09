/** Which window a request belongs to: warm-up, the counted windows, the planted block. Pure. */
import type { MeasurementEnd } from './sample.ts';
import type { Schedule, SchedulePhase } from './schedule.ts';

export interface WindowScheduleOptions {
  /** All times in microseconds since the measurement's start. */
  readonly windowUs: number;
  readonly warmupWindowUs: number;
  readonly warmupMaxUs: number;
  readonly windows: number;
  /** Most windows that may be added for spoilt ones; 0 when absent. */
  readonly replacements?: number;
  readonly plantedWindows: number;
  /** The planted block begins only when {@link WindowSchedule.plant} was called. */
  readonly plantedHeld?: boolean;
  readonly maxUs: number;
}

/**
 * Warm-up windows are negative and rise; counted ones and their replacements are 0 to
 * windows + replacements − 1; the planted block follows from `windows + replacements` on, also after an
 * early stop or without replacements, so that a number always means the same.
 */
export class WindowSchedule implements Schedule {
  readonly goOnUs = 0;
  readonly #options: WindowScheduleOptions;
  readonly #mostWindows: number;
  #phase: SchedulePhase;
  #window: number;
  #windowStartUs = 0;
  /** Windows to send in all, without the planted block. */
  #wanted: number;
  /** The last counted window that a request fell into, and the last one that somebody has judged. */
  #lastSent = -1;
  #lastSeen = -1;
  #stopping = false;
  #mayPlant: boolean;
  #plantedHalf = false;
  #steady = false;
  #measureNext = false;
  #end: MeasurementEnd = 'planned';

  constructor(options: WindowScheduleOptions) {
    this.#options = options;
    this.#wanted = options.windows;
    this.#mostWindows = options.windows + (options.replacements ?? 0);
    this.#mayPlant = options.plantedHeld !== true;
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

  /**
   * Enough is known: the window in progress is the last one before the planted block. In the warm-up
   * nothing more is sent before that block.
   */
  stop(): void {
    this.#stopping = true;
  }

  /**
   * Somebody has looked at the fitness of this window and wants so many windows in all. What was wanted
   * once stays wanted; more than windows + replacements are never sent.
   */
  seen(window: number, wanted: number): void {
    this.#lastSeen = Math.max(this.#lastSeen, window);
    this.#wanted = Math.max(this.#wanted, Math.min(wanted, this.#mostWindows));
  }

  /**
   * The proxy has the planted delay: the block may begin.
   * @param half with every second pair only
   */
  plant(half = false): void {
    this.#mayPlant = true;
    this.#plantedHalf = half;
  }

  get plantedHalf(): boolean {
    return this.#plantedHalf;
  }

  get mayGoOn(): boolean {
    if (this.#phase === 'held') return this.#mayPlant;
    return this.#phase === 'waiting' && (this.#stopping || this.#lastSeen >= this.#lastSent);
  }

  terminate(end: MeasurementEnd): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#end = end;
  }

  expired(atUs: number): boolean {
    if (atUs >= this.#options.maxUs) this.terminate('max-seconds');
    return this.#phase === 'over';
  }

  windowAt(intendedUs: number): number | undefined {
    while (!this.expired(intendedUs)) {
      switch (this.#phase) {
        case 'over':
          break;
        case 'waiting':
          if (!this.mayGoOn) return undefined;
          this.#goOn(intendedUs);
          break;
        case 'held':
          if (!this.mayGoOn) return undefined;
          // Nothing was sent meanwhile: the block begins with a whole window.
          this.#windowStartUs = intendedUs;
          this.#phase = 'planted';
          break;
        case 'warm-up': {
          if (this.#stopping) {
            // Nothing of a warm-up window counts, so there is none to complete.
            this.#end = 'stopped';
            this.#windowStartUs = intendedUs;
            this.#plant();
            break;
          }
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
          if (intendedUs - this.#windowStartUs < this.#options.windowUs) {
            if (this.#phase === 'measuring') this.#lastSent = this.#window;
            return this.#window;
          }
          this.#nextWindow();
          break;
        }
      }
    }
    return undefined;
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
    const { plantedWindows, windowUs } = this.#options;
    this.#advance(windowUs);
    if (this.#phase === 'planted') {
      if (this.#window >= this.#mostWindows + plantedWindows) this.#phase = 'over';
    } else if (this.#stopping) {
      if (this.#window < this.#wanted) this.#end = 'stopped';
      this.#plant();
    } else if (this.#window >= this.#wanted) {
      if (this.#wanted >= this.#mostWindows) this.#plant();
      else this.#phase = 'waiting';
    }
  }

  /** Nothing was sent meanwhile: whatever comes next begins with a whole window. */
  #goOn(atUs: number): void {
    this.#windowStartUs = atUs;
    if (this.#window >= this.#wanted) this.#plant();
    else if (this.#stopping) {
      this.#end = 'stopped';
      this.#plant();
    } else this.#phase = 'measuring';
  }

  #plant(): void {
    this.#window = this.#mostWindows;
    if (this.#options.plantedWindows === 0) this.#phase = 'over';
    else this.#phase = this.#mayPlant ? 'planted' : 'held';
  }
}
