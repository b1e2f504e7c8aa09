/** The warm-up of several workers as one: whether the comparison as a whole is warm. Pure. */
import type { ArmName, Sample } from '../sample.ts';
import type { WarmUpWindow } from '../warm-up.ts';
import type { MergedWindow } from './merge.ts';

export class MergedWarmUp {
  readonly #arms: readonly [ArmName, ArmName];
  readonly #windows: WarmUpWindow[] = [];
  /** Answers that came after the end of their own window: they were under way then, and maybe later. */
  #late: Sample[] = [];

  constructor(arms: readonly [ArmName, ArmName]) {
    this.#arms = arms;
  }

  /** So far, in order. */
  get windows(): readonly WarmUpWindow[] {
    return this.#windows;
  }

  /**
   * @param endUs when the window ended, on the clock of the samples. What is under way then follows from the
   *   samples, as a window is complete only when all its requests and those of the windows before are settled
   */
  add({ fitness, samples }: MergedWindow, endUs: number): void {
    const isUnderWay = ({ intendedUs, latencyUs }: Sample): boolean =>
      intendedUs + latencyUs > endUs;
    this.#late = [...this.#late, ...samples].filter(isUnderWay);
    const [first, second] = this.#arms.map((arm) =>
      samples
        .filter((sample) => sample.arm === arm && sample.status === 'ok')
        .map(({ latencyUs }) => latencyUs),
    );
    this.#windows.push({
      latenciesUs: [first ?? [], second ?? []],
      waited: fitness.waited ?? 0,
      inFlight: this.#late.length,
    });
  }
}
