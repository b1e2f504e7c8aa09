/** Staging holds arms only while a run needs them. */
import type { Clock } from './clock.ts';
import { rethrowLeaving } from './endings.ts';
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
    const ids = observed.map(({ arm }) => arm.id);
    // Side by side: each waits for its nodes to drain, most of the time.
    const removals = await Promise.allSettled(
      ids.map((id) => world.remove(id, 'staging', owner, signal)),
    );
    const failures = removals.flatMap((one): unknown[] =>
      one.status === 'rejected' ? [one.reason] : [],
    );
    failures.forEach(rethrowLeaving);
    if (failures.length > 0) throw failures[0];
    return ids;
  });
}
