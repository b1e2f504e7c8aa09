import type { ArmName, Measurement } from '../load/sample.ts';

/** A measurement with what some sources know in addition. Every field more is optional. */
export interface JudgedMeasurement extends Measurement {
  /** CPU seconds of an arm's nodes within a window; makes `cpu_per_request` decidable. */
  readonly cpuSecondsByWindow?: readonly {
    readonly window: number;
    readonly arm: ArmName;
    readonly seconds: number;
  }[];
  /** False when the paired difference never stopped trending in warm-up. */
  readonly steady?: boolean;
}
