/** Counts failed sign-ins per address, so that guessing is slowed down and the log is not flooded. */

export interface FailureLimit {
  /** Notes a failure and says how many seconds to stay away; 0 while there were not too many. */
  fail(address: string, nowMs: number): number;
}

const WINDOW_MS = 60_000;
const ADDRESSES = 10_000;

/** @param perMinute failures of one address in a minute that are answered as usual */
export function createFailureLimit(perMinute: number): FailureLimit {
  const windows = new Map<string, { startMs: number; failures: number }>();
  return {
    fail(address, nowMs) {
      const window = windows.get(address);
      if (window === undefined || nowMs - window.startMs >= WINDOW_MS) {
        windows.delete(address);
        // Bounded: somebody with many addresses forgets the oldest, and cannot fill the memory.
        const oldest = windows.keys().next();
        if (windows.size >= ADDRESSES && oldest.done !== true) windows.delete(oldest.value);
        windows.set(address, { startMs: nowMs, failures: 1 });
        return 0;
      }
      window.failures += 1;
      if (window.failures <= perMinute) return 0;
      return Math.ceil((window.startMs + WINDOW_MS - nowMs) / 1000);
    },
  };
}
