/** What a comparison of two arms is asked for, and what comes of it. */
import type { JudgedMeasurement } from '../judge/measurement.ts';
import type { ArmName } from '../load/sample.ts';
import type { MeasurementPlan } from '../load/sender.ts';
import type { Arm, ArmObservation } from '../platforms/platform.ts';
import type { MeasurementPurpose, MeasurementRecord } from './records.ts';

export interface ComparedArm {
  readonly name: Exclude<ArmName, 'planted'>;
  readonly arm: Arm;
  readonly build: string;
  readonly configurationHash: string;
}

export interface ComparisonRequest {
  readonly purpose: MeasurementPurpose;
  /** The first one is the reference. */
  readonly arms: readonly [ComparedArm, ComparedArm];
  readonly windows: number;
  readonly warmup: MeasurementPlan['warmup'];
  /** The positive control at the end, on the reference; a node of it serves so many requests at the same time. */
  readonly planted?: { readonly places: number };
  /** Whether the judge looks before the end and may stop early. */
  readonly sequential: boolean;
  /** Closed loop after the comparison, unless a breach was proven by then. */
  readonly capacity?: { readonly connections: number };
  /** False for a service without production. */
  readonly baseline: boolean;
  /** Ends the comparison at a burst of errors on the second arm; with the largest share of failures allowed, 0–1. */
  readonly endAtBurst?: { readonly limit?: number };
}

export interface Comparison {
  readonly record: MeasurementRecord;
  readonly measurement: JudgedMeasurement;
  /** Staging as observed meanwhile, oldest first. */
  readonly observations: readonly (readonly ArmObservation[])[];
  /** The burst of errors that it was broken off for. */
  readonly burst?: string;
}

/** The attempt cannot be judged at all; decided without looking at the effect. */
export class InvalidAttempt extends Error {
  /** The burst of errors that was seen before it became worthless. */
  readonly burst: string | undefined;
  constructor(
    message: string,
    options: ErrorOptions & { readonly burst?: string | undefined } = {},
  ) {
    super(message, options);
    this.name = 'InvalidAttempt';
    this.burst = options.burst;
  }
}

/** So that at most 30 % of all windows are dropped when every replacement is needed: 0.43 / 1.43 = 0.3. */
const REPLACED_SHARE = 0.43;

/**
 * Most windows that may be added for spoilt ones.
 * @param windows planned ones
 */
export function replacementsFor(windows: number): number {
  return Math.floor(REPLACED_SHARE * windows + 1e-9);
}
