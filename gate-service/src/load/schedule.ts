/** What a session asks while it sends: which window a request belongs to, and whether one may be sent now. */
import type { MeasurementEnd } from './sample.ts';

/**
 * `waiting`: nothing may be sent until somebody says how it goes on. `held`: no further counted window is sent,
 * and the proxy does not have the planted delay yet.
 */
export type SchedulePhase = 'warm-up' | 'measuring' | 'waiting' | 'held' | 'planted' | 'over';

/** All times in microseconds since the measurement's start. */
export interface Schedule {
  readonly phase: SchedulePhase;
  /** Of the planted block every second pair is left out. */
  readonly plantedHalf: boolean;
  readonly end: MeasurementEnd;
  /** In the phases `waiting` and `held`: whether {@link windowAt} would go on, at this time or later. */
  readonly mayGoOn: boolean;
  /** When it goes on; 0 for at once. */
  readonly goOnUs: number;
  /** Nothing more is sent. */
  terminate(end: MeasurementEnd): void;
  /** Whether the cap on time is reached at this time; nothing more is sent then. */
  expired(atUs: number): boolean;
  /**
   * Window of a pair whose first request is meant to leave at this time; undefined when nothing is sent
   * now: any more, or until it {@link mayGoOn}. Times must not fall from call to call.
   */
  windowAt(intendedUs: number): number | undefined;
}
