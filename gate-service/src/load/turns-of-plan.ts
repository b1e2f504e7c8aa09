/** What a measurement's plan asks for when: its windows, and whose turn it is within them. */
import { createRandom } from '../statistics/random.ts';
import { createArrivals } from './arrivals.ts';
import { BlockTurns } from './block-turns.ts';
import { createPairing } from './pairing.ts';
import type { Schedule } from './schedule.ts';
import type { MeasurementPlan } from './sender.ts';
import { PairTurns, type Turns } from './turns.ts';
import { warmupWindowSeconds } from './warm-up.ts';
import { WindowSchedule } from './window-schedule.ts';
import { SharedArrivals } from './workers/shared-arrivals.ts';

/** Of a sender that decides itself how it goes on. */
export function ownSchedule(plan: MeasurementPlan): WindowSchedule {
  return new WindowSchedule({
    windowUs: plan.windowSeconds * 1e6,
    warmupWindowUs: warmupWindowSeconds(plan) * 1e6,
    warmupMaxUs: plan.warmup.maxSeconds * 1e6,
    windows: plan.windows,
    replacements: plan.replacements ?? 0,
    plantedWindows: plan.planted?.windows ?? 0,
    plantedHeld: plan.planted?.held ?? false,
    maxUs: plan.limits.maxSeconds * 1e6,
  });
}

/** `shared` where pairs are sent: the arrivals of a worker change with the workers that there are. */
export function createTurns(
  plan: MeasurementPlan,
  schedule: Schedule,
): { readonly turns: Turns; readonly shared?: SharedArrivals } {
  const { blocks, pairsPerSecond, seed, share = { place: 0, of: 1 } } = plan;
  const { phases } = plan.workload;
  const pairing = createPairing({
    weights: plan.workload.requests.map(({ weight }) => weight),
    freshConnections: plan.freshConnections,
    seed,
    share,
  });
  const random = createRandom(seed, 'arrivals');
  if (blocks === undefined) {
    const shared = new SharedArrivals(plan, share, random);
    return { turns: new PairTurns(schedule, shared, pairing), shared };
  }
  let couples = 0;
  const turns = new BlockTurns(schedule, {
    blockUs: blocks.seconds * 1e6,
    // Both blocks of a couple meet the same phases; the next couple goes on where they ended.
    arrivals: () =>
      createArrivals(plan.arrivals, pairsPerSecond, random, phases, couples++ * blocks.seconds),
    pairing,
    order: createRandom(seed, 'blocks'),
  });
  return { turns };
}
