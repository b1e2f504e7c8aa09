/** Waiting for a condition of the world, with a deadline and a way to give up. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from './platform.ts';

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Pause between two looks; 50 ms unless told. */
  readonly everyMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks until `look` gives something else than `undefined`, and returns it; `undefined` when the
 * time is over. At least one look is taken.
 * @throws PlatformError `aborted` when the signal fires, and whatever `look` throws
 */
export async function waitUntil<T>(
  look: () => Promise<T | undefined>,
  { timeoutMs, everyMs = 50, signal }: WaitOptions,
): Promise<T | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    throwIfAborted(signal);
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() >= deadline) return undefined;
    await sleep(everyMs);
  }
}

/** @throws PlatformError `aborted` when the signal has fired */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  const why: unknown = signal.reason;
  throw new PlatformError(
    'aborted',
    `The platform was asked to stop in the middle: ${why instanceof Error ? why.message : String(why)}`,
    { cause: why },
  );
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
