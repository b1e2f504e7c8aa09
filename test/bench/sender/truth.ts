/** What a tool should have said: the known distribution, and what a stall makes of it. Pure. */
import type { Random } from '../../../gate-service/src/statistics/random.ts';

/** Log-normal: most requests near the median, a long tail. */
export interface Distribution {
  readonly medianMs: number;
  /** Standard deviation of the logarithm. */
  readonly sigma: number;
}

/** One draw, microseconds; Box and Muller 1958. */
export function serviceTimeUs({ medianMs, sigma }: Distribution, random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return medianMs * 1000 * Math.exp(sigma * radius * Math.cos(2 * Math.PI * random.next()));
}

/** A time in which the server stood still, microseconds since the first request. */
export interface Stall {
  readonly fromUs: number;
  readonly toUs: number;
}

/** Moments of the load that are looked at. */
const MOMENTS = 20_000;
/** Any number without a common factor with what it strides through visits everything once. */
const STRIDE = 7919;

/**
 * Latencies, from the intended send time, of requests spread evenly over the load: what a request that
 * is due during the stall waits for its end and then takes its service time; one under way when it begins
 * is answered at its end at the earliest.
 * @param serviceUs what the server really took outside the stall
 * @param loadUs how long the load lasts
 */
export function trueLatencies(
  serviceUs: readonly number[],
  loadUs: number,
  stall: Stall | undefined,
): number[] {
  if (stall === undefined) return [...serviceUs];
  return Array.from({ length: MOMENTS }, (_, i) => {
    const atUs = ((i + 0.5) / MOMENTS) * loadUs;
    const tookUs = serviceUs[(i * STRIDE) % serviceUs.length] ?? Number.NaN;
    if (atUs >= stall.toUs) return tookUs;
    if (atUs >= stall.fromUs) return stall.toUs - atUs + tookUs;
    const doneUs = atUs + tookUs;
    return doneUs > stall.fromUs ? Math.max(stall.toUs - atUs, tookUs) : tookUs;
  });
}

/** Relative error, signed; 0.05 is 5 % too high. */
export function relativeError(measured: number, truth: number): number {
  return measured / truth - 1;
}
