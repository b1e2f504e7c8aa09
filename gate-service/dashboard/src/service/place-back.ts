/** What production runs, and where the way back leads. */
import { get } from '../api/client.ts';
import { Problem } from '../api/problem.ts';
import type { InForce, Service } from '../api/types.ts';

export type BuildAndConfiguration = Pick<InForce, 'build' | 'configurationHash'>;

/** Whether both are the same build with the same configuration, whenever and however they came there. */
export function isSame(
  one: BuildAndConfiguration | undefined,
  other: BuildAndConfiguration | undefined,
): boolean {
  return one?.build === other?.build && one?.configurationHash === other?.configurationHash;
}

/** The last known good, unless production runs it: a restore leaves it where it was. */
export function placeBack({ inForce, lastKnownGood }: Service): InForce | undefined {
  return isSame(inForce, lastKnownGood) ? undefined : lastKnownGood;
}

/**
 * Asks once more right before an order is sent: nobody orders by what production ran when the dialog was opened.
 * @param read the service as it was explained to whoever orders
 * @throws Problem when production runs something else by now, or goes back to something else
 */
export async function requireUnchanged(read: Service): Promise<void> {
  const { body: now } = await get<Service>(`/v1/services/${read.name}`);
  if (isSame(read.inForce, now.inForce) && isSame(read.lastKnownGood, now.lastKnownGood)) return;
  throw new Problem(
    409,
    `Production of ${read.name} has changed since this was opened: nothing was ordered. Leave it as it is, and read again.`,
  );
}
