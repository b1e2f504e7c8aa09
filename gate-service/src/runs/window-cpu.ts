/** CPU seconds of the compared arms' nodes by window, and over all windows, from counters that rise. */
import type { JudgedMeasurement } from '../judge/measurement.ts';
import type { ArmName } from '../load/sample.ts';

export type CpuSecondsByWindow = NonNullable<JudgedMeasurement['cpuSecondsByWindow']>;
/** CPU seconds of each arm's nodes so far. */
export type CpuCounters = Readonly<Partial<Record<ArmName, number>>>;

/** The counters at the end of a window. */
export interface CpuReading {
  /** Negative in warm-up. */
  readonly window: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly counters: CpuCounters;
}

/**
 * Readings further apart or closer together than this part of a window are not about that window: its
 * report waits for its slowest request, and an agent may be slow.
 */
const TOLERANCE = 0.25;

/** Takes a reading at the end of each window, in order, and keeps what was used between two. */
export class WindowCpu {
  readonly #names: readonly ArmName[];
  readonly #windowMs: number;
  readonly #byWindow: { window: number; arm: ArmName; seconds: number }[] = [];
  #before: CpuReading | undefined;
  #last: CpuReading | undefined;

  constructor(names: readonly ArmName[], windowSeconds: number) {
    this.#names = names;
    this.#windowMs = windowSeconds * 1000;
  }

  /** A window that nothing honest can be said about is left out. */
  add(reading: CpuReading): void {
    const from = this.#last;
    this.#last = reading;
    if (reading.window < 0) {
      this.#before = reading;
      return;
    }
    if (from === undefined || !this.#borders(from, reading)) return;
    const used = this.#used(from, reading);
    if (used === undefined) return;
    for (const [arm, seconds] of used) {
      this.#byWindow.push({ window: reading.window, arm, seconds });
    }
  }

  get byWindow(): CpuSecondsByWindow {
    return [...this.#byWindow];
  }

  /** From the end of warm-up to the last reading; undefined where it is not known for all arms. */
  get total(): CpuCounters | undefined {
    const used =
      this.#before === undefined || this.#last === undefined
        ? undefined
        : this.#used(this.#before, this.#last);
    return used === undefined ? undefined : Object.fromEntries(used);
  }

  #borders(from: CpuReading, to: CpuReading): boolean {
    const follows = to.window === 0 ? from.window < 0 : from.window === to.window - 1;
    const off = Math.abs(to.atMs - from.atMs - this.#windowMs);
    return follows && off <= TOLERANCE * this.#windowMs;
  }

  /** Undefined where an arm is missing in a reading, or a counter went backwards. */
  #used(from: CpuReading, to: CpuReading): readonly (readonly [ArmName, number])[] | undefined {
    const used = this.#names.map(
      (name) => [name, (to.counters[name] ?? NaN) - (from.counters[name] ?? NaN)] as const,
    );
    return used.every(([, seconds]) => seconds >= 0) ? used : undefined;
  }
}
