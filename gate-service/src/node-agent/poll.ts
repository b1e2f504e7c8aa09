import { setTimeout as sleep } from 'node:timers/promises';

export interface PollOptions {
  readonly everyMs: number;
  readonly timeoutMs: number;
}

/** Asks until there is a value; undefined when there was none in time. Errors of the question pass through. */
export async function poll<Value>(
  ask: () => Promise<Value | undefined>,
  { everyMs, timeoutMs }: PollOptions,
): Promise<Value | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await ask();
    if (value !== undefined) return value;
    if (performance.now() + everyMs >= deadline) return undefined;
    await sleep(everyMs);
  }
}
