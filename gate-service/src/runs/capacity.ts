/** Capacity of the compared arms: each alone in closed loop, in couples of adjacent blocks in random order. */
import type { CapacityBlock } from '../judge/measurement.ts';
import type { CatalogueService } from '../settings/catalogue.ts';
import type { ComparedArm } from './compared.ts';
import type { RunContext } from './run-context.ts';
import { RefusedError } from './run-service.ts';
import type { RunStore } from './run-store.ts';

/** Couples before those that count: connections are opened, pools grow. */
const WARM_UP_COUPLES = 1;

/**
 * Call while the measurement routing of these arms is in force and nothing else is sent to them.
 * @throws Error when the generator gives up; RefusedError when production came beside it meanwhile
 */
export async function measureCapacity(
  context: RunContext,
  arms: readonly ComparedArm[],
  connections: number,
): Promise<readonly CapacityBlock[]> {
  const { capacity, headers, productionBesides, world } = context.deps;
  // Production may have come since the run was accepted.
  requireRoomForCapacity(context.service, await productionBesides(), '/thresholds');
  const { blockSeconds, couples } = context.profile.capacity;
  const { seed, workload } = context.run.settings;
  const entry = world.platform.entryPoint('staging', context.service.name);
  const measured: CapacityBlock[] = [];
  await context.tell(
    'progress',
    `capacity: ${couples} blocks of ${blockSeconds} s for each arm, with ${connections} connections`,
  );
  for (let couple = -WARM_UP_COUPLES; couple < couples; couple += 1) {
    // A bit of the seed for each couple: which arm goes first is drawn, and the same seed draws the same.
    const turned = ((seed >>> ((couple + WARM_UP_COUPLES) % 31)) & 1) === 1;
    for (const { arm, name } of turned ? arms.toReversed() : arms) {
      context.signal.throwIfAborted();
      const reading = await capacity.measure(
        {
          target: { host: entry.host, port: entry.port },
          authority: entry.authority ?? context.service.hosts[0] ?? context.service.name,
          requests: workload.requests,
          connections,
          headers: { [headers.arm]: name },
          seconds: blockSeconds,
        },
        context.signal,
      );
      if (couple >= 0) measured.push({ couple, arm: name, ...reading });
      await context.tell(
        'progress',
        `capacity of ${name}: ${reading.completedPerSecond.toFixed(0)} answers per second${couple < 0 ? ' (warm-up)' : ''}`,
        { couple, arm: name, armId: arm.id, ...reading },
      );
    }
  }
  return measured;
}

/** @returns services whose production runs on the machine that staging has */
export async function productionOn(
  sharesMachine: boolean,
  store: Pick<RunStore, 'serviceState'>,
  services: readonly CatalogueService[],
): Promise<readonly string[]> {
  if (!sharesMachine) return [];
  const states = await Promise.all(services.map(({ name }) => store.serviceState(name)));
  return states.filter(({ inForce }) => inForce !== undefined).map(({ service }) => service);
}

/**
 * Saturating nodes takes the machine away from whatever else runs on it.
 * @param besides services whose production runs on the same machine
 * @throws RefusedError `capacity-beside-production`
 */
export function requireRoomForCapacity(
  service: CatalogueService,
  besides: readonly string[],
  field: string,
): void {
  if (besides.length === 0 || service.capacity.besideProduction) return;
  throw new RefusedError(
    'capacity-beside-production',
    `capacity takes a closed-loop load that saturates this machine, and production of ${besides.join(', ')} runs on it: gate capacity on a machine without production (against: "reference" gives a baseline there), or set capacity.besideProduction: true for ${service.name} in the service catalogue`,
    field,
  );
}
