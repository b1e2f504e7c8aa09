/** Whether an arm in staging stands, and which failures say no more than that one does not. */
import { PlatformError } from '../../platforms/platform.ts';
import type { Arm } from '../../platforms/platform.ts';
import { InvalidAttempt } from '../compared.ts';
import { startsOf } from '../integrity.ts';
import type { RunContext } from '../run-context.ts';

/** What says that arms cannot be measured, and nothing of the run itself. */
export function isTrouble(error: unknown): error is Error {
  // Of several: what went wrong first, then what could not be cleaned up after it.
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
  return first instanceof PlatformError || first instanceof InvalidAttempt;
}

/** Whether all nodes of an arm answer, httpd and Jetty; not where the platform cannot tell. */
export async function stands({ deps, service }: RunContext, arm: Arm): Promise<boolean> {
  try {
    const seen = await deps.world.observe(service.name, 'staging');
    return arm.nodes.every(({ name }) => startsOf(seen, arm.id, name) !== undefined);
  } catch (error) {
    if (!isTrouble(error)) throw error;
    return false;
  }
}
