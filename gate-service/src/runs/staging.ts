/** Staging holds arms only while a run needs them. */
import type { Clock } from './clock.ts';
import { persist } from './persistence.ts';
import type { Owner, World } from './world.ts';

/**
 * Removes every arm of the service from staging, also those whose deployment was cut short.
 * @returns ids of the removed arms
 * @throws the platform's error when an arm could not be removed
 */
export function clearStaging(world: World, clock: Clock, owner: Owner): Promise<readonly string[]> {
  return persist(clock, async (signal) => {
    const observed = await world.observe(owner.service, 'staging');
    for (const { arm } of observed) await world.remove(arm.id, 'staging', owner, signal);
    return observed.map(({ arm }) => arm.id);
  });
}
