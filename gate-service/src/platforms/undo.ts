/** The way back after a swap that failed. */
import type { StackConfiguration } from '../stack/configuration.ts';
import { PlatformError } from './platform.ts';
import { messageOf } from './wait-until.ts';

/**
 * Puts the former configuration in force again; what is to be thrown then, with how that went.
 * @param parts what an arm consists of, for the message
 * @param undo throws when it cannot
 */
export async function undone(
  error: unknown,
  armId: string,
  former: StackConfiguration,
  parts: 'node' | 'pod',
  undo: () => Promise<void>,
): Promise<PlatformError> {
  const failure = error instanceof PlatformError ? error.failure : 'swap-failed';
  const where = `on every ${parts} of arm ${armId}`;
  try {
    await undo();
  } catch (second) {
    return new PlatformError(
      failure,
      `${messageOf(error)}\nThe former configuration could not be put back ${where}: ${messageOf(second)}. It is tried again when the gate service starts.`,
      { cause: new AggregateError([error, second]) },
    );
  }
  return new PlatformError(
    failure,
    `${messageOf(error)}\nThe former configuration ${former.hash.slice(0, 12)} is in force again ${where}.`,
    { cause: error },
  );
}
