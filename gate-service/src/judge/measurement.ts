import type { ArmName, Measurement } from '../load/sample.ts';

/** One arm alone under closed-loop load for some seconds. */
export interface CapacityBlock {
  /** Number of the couple of adjacent blocks, one for each arm, in random order. */
  readonly couple: number;
  readonly arm: ArmName;
  /** Answers below 400. */
  readonly completedPerSecond: number;
  readonly completed: number;
  /** Other answers, time-outs, broken connections. */
  readonly failed: number;
  /** CPU seconds per second that the load generator used; it has one core at most. */
  readonly generatorCores: number;
}

/** A measurement with what some sources know in addition. Every field more is optional. */
export interface JudgedMeasurement extends Measurement {
  /** CPU seconds of an arm's nodes within a window; makes `cpu_per_request` decidable. */
  readonly cpuSecondsByWindow?: readonly {
    readonly window: number;
    readonly arm: ArmName;
    readonly seconds: number;
  }[];
  /** Makes `capacity` decidable. */
  readonly capacityByBlock?: readonly CapacityBlock[];
}

/** Why the sending did not end as it should; `undefined` when it did, or nobody said. */
export function brokenOff({ ended }: Measurement): string | undefined {
  if (ended === 'failed') return 'the sender died or gave up before the end';
  if (ended === 'terminated') return 'the sender was stopped from outside';
  return undefined;
}
