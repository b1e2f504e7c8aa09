/** Why a run stops early. Thrown by phases and set as the reason of a run's abort signal. */
import type { Cause } from './run.ts';

/** The run ends in rollback with this cause; the message is for a person. */
export class RunEnding extends Error {
  readonly endCause: Exclude<Cause, 'met'>;
  constructor(endCause: Exclude<Cause, 'met'>, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RunEnding';
    this.endCause = endCause;
  }
}

/** The gate service goes down: nothing is decided, the next start deals with what is stored. */
export class ShuttingDown extends Error {
  constructor(message = 'the gate service is shutting down') {
    super(message);
    this.name = 'ShuttingDown';
  }
}

/** Another replica may drive by now: nothing of the world is touched any more, nothing is decided here. */
export class DrivingLost extends ShuttingDown {
  constructor(why: string) {
    super(`this replica does not drive any more: ${why}`);
    this.name = 'DrivingLost';
  }
}

/**
 * For whoever goes on after a failure: not when this process has to leave everything as it is stored.
 * @throws ShuttingDown as it came
 */
export function rethrowLeaving(error: unknown): void {
  if (error instanceof ShuttingDown) throw error;
}

/** The world is as it shall be but that could not be stored: what is stored leads the next try to the same end. */
export class LeftForRecovery extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'LeftForRecovery';
  }
}

/**
 * Rollback words of any failure that is not an ending already.
 * @throws LeftForRecovery as it came
 */
export function endingOf(error: unknown, signal: AbortSignal): RunEnding | ShuttingDown {
  if (error instanceof LeftForRecovery) throw error;
  const reason: unknown = signal.aborted ? signal.reason : error;
  if (reason instanceof RunEnding || reason instanceof ShuttingDown) return reason;
  const message = reason instanceof Error ? reason.message : String(reason);
  return new RunEnding('platform-failed', message, { cause: reason });
}
