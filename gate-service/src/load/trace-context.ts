/**
 * W3C trace context (level 1, header `traceparent`) of the sender's requests: by it a slow sample is
 * found in the tracing backend. Nothing is drawn: who has a row of the sample file and the
 * measurement's seed can compute the ids.
 */
import { hash } from 'node:crypto';
import type { ArmName } from './sample.ts';

export const TRACE_HEADER = 'traceparent';

/**
 * Share of requests that ask to be recorded, the same for both arms: recording all of them would
 * measure the tracing. The others carry their id all the same, and whoever traces may decide.
 */
export const RECORDED_SHARE = 0.01;
const RECORDED_BELOW = RECORDED_SHARE * 2 ** 32;

/** What tells one request of a measurement from all others. */
export interface TracedRequest {
  /** Of the measurement, also where several workers send it. */
  readonly seed: number;
  readonly arm: ArmName;
  /** Microseconds since the measurement's start, as the sample file has them. */
  readonly intendedUs: number;
}

/**
 * Value of the header. Of the SHA-256 of `SEED,ARM,INTENDED_US` in hexadecimal digits: the first 32
 * are the trace, the next 16 the sender's span, the next 8 decide whether it asks to be recorded.
 */
export function traceparentOf({ arm, intendedUs, seed }: TracedRequest): string {
  const digits = hash('sha256', `${seed},${arm},${Math.round(intendedUs)}`, 'hex');
  const recorded = Number.parseInt(digits.slice(48, 56), 16) < RECORDED_BELOW;
  return `00-${digits.slice(0, 32)}-${digits.slice(32, 48)}-${recorded ? '01' : '00'}`;
}

/** Whether a workload sets the header itself, which counts then. */
export function hasOwnTrace(headers: Readonly<Record<string, string>>): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === TRACE_HEADER);
}
