/** Cleaning up must outlive a hiccup of the platform: tried again a few times before it is given up. */
import type { Clock } from './clock.ts';
import { rethrowLeaving } from './endings.ts';

const ATTEMPTS = 5;
const PAUSE_MS = 2_000;
/** Each attempt gets its own deadline, because the run's signal may be the reason for cleaning up. */
const DEADLINE_MS = 120_000;

/**
 * @param action gets a signal of its own
 * @throws the last error when every attempt failed; ShuttingDown at once
 */
export async function persist<T>(
  clock: Clock,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action(AbortSignal.timeout(DEADLINE_MS));
    } catch (error) {
      rethrowLeaving(error);
      if (attempt === ATTEMPTS) throw error;
      await clock.sleep(PAUSE_MS * attempt);
    }
  }
}
