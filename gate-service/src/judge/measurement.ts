import type { ArmName, Measurement } from '../load/sample.ts';

/** A measurement with what some sources know in addition. Every field more is optional. */
export interface JudgedMeasurement extends Measurement {
  /** CPU seconds of an arm's nodes within a window; makes `cpu_per_request` decidable. */
  readonly cpuSecondsByWindow?: readonly {
    readonly window: number;
    readonly arm: ArmName;
    readonly seconds: number;
  }[];
}

/** Why the sending did not end as it should; `undefined` when it did, or nobody said. */
export function brokenOff({ ended }: Measurement): string | undefined {
  if (ended === 'failed') return 'the sender died or gave up before the end';
  if (ended === 'terminated') return 'the sender was stopped from outside';
  return undefined;
}
