/** When a message that did not get through is tried again. */

export interface BackOff {
  readonly firstMs: number;
  readonly factor: number;
  readonly mostMs: number;
  /** All attempts, the first one included. */
  readonly attempts: number;
}

/** Twelve attempts over about a day: 5 s, 15 s, 45 s, 2 min, 7 min, 20 min, 1 h, 3 h, then every 6 h. */
export const messageBackOff: BackOff = {
  firstMs: 5_000,
  factor: 3,
  mostMs: 6 * 3_600_000,
  attempts: 12,
};

/** A job that waits gives up itself: quicker, and for about an hour. */
export const wakeBackOff: BackOff = { firstMs: 2_000, factor: 2, mostMs: 120_000, attempts: 36 };

/** Each wait is up to so much longer or shorter, so that a receiver that comes back is not stormed. */
const JITTER = 0.2;

/**
 * Milliseconds until the next attempt; undefined when there is none.
 * @param made attempts so far, at least 1
 * @param random in [0, 1)
 */
export function waitAfter(made: number, backOff: BackOff, random: number): number | undefined {
  if (made >= backOff.attempts) return undefined;
  const wait = Math.min(backOff.mostMs, backOff.firstMs * backOff.factor ** (made - 1));
  return Math.round(wait * (1 - JITTER + 2 * JITTER * random));
}
