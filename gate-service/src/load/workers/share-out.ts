/** A measurement's plan for each of the workers that send it together. Pure. */
import { createRandom, drawInteger } from '../../statistics/random.ts';
import type { MeasurementPlan } from '../sender.ts';

/** Seeds are 32 bits wide. */
const SEEDS = 2 ** 32;
/** Who leads the workers ends them at the cap on time; their own one is a net below it. */
const NET_SECONDS = 30;
/** The most that a plan may say. */
const MOST_SECONDS = 24 * 3600;

/**
 * The parts of all workers. Together they send at the plan's rate: several independent Poisson streams are one
 * of the sum of their rates, constant ones stand evenly between each other. A pair is sent by one worker.
 * @throws RangeError for fewer connections than workers, or for blocks with more than one worker
 */
export function shareOut(plan: MeasurementPlan, workers: number): readonly MeasurementPlan[] {
  const { connections } = plan.limits;
  if (!Number.isInteger(workers) || workers < 1 || workers > connections) {
    throw new RangeError(
      `a measurement with ${connections} connections is sent by 1 to ${connections} workers, not ${workers}`,
    );
  }
  if (plan.blocks !== undefined && workers > 1) {
    throw new RangeError('blocks of requests to one arm are sent by one worker');
  }
  const shared = withoutPids(plan);
  const seeds = createRandom(plan.seed, 'workers');
  return Array.from({ length: workers }, (_, place) => ({
    ...shared,
    contained: true,
    share: { place, of: workers },
    pairsPerSecond: plan.pairsPerSecond / workers,
    limits: {
      ...plan.limits,
      maxSeconds: Math.min(MOST_SECONDS, plan.limits.maxSeconds + NET_SECONDS),
      connections: Math.floor(connections / workers) + (place < connections % workers ? 1 : 0),
    },
    seed: drawInteger(seeds, SEEDS),
    traceSeed: plan.traceSeed ?? plan.seed,
  }));
}

/** They are of another machine, or of another name space of this one. */
function withoutPids(plan: MeasurementPlan): MeasurementPlan {
  const shared: { -readonly [Key in keyof MeasurementPlan]: MeasurementPlan[Key] } = { ...plan };
  delete shared.ownPids;
  return shared;
}
