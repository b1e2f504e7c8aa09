/** How long the sender's main thread was ready to run and did not get a core. */
import { readFileSync } from 'node:fs';

/**
 * Seconds of waiting for a core since the thread's start: the second number of /proc/self/schedstat,
 * in nanoseconds (Linux, Documentation/scheduler/sched-stats).
 * @throws when the kernel does not say: without it a starved sender could not be told from a slow service
 */
export function runQueueSeconds(): number {
  let text: string;
  try {
    text = readFileSync('/proc/self/schedstat', 'utf8');
  } catch (error) {
    throw new Error(
      'the sender needs /proc/self/schedstat to see whether it gets enough CPU; run it on Linux with scheduler statistics',
      { cause: error },
    );
  }
  const nanoseconds = Number(text.trim().split(/\s+/)[1]);
  if (!Number.isFinite(nanoseconds)) {
    throw new Error(`/proc/self/schedstat reads "${text.trim()}": no waiting time in it`);
  }
  return nanoseconds / 1e9;
}
