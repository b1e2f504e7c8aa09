/** Before an `invalid` attempt is repeated: waits until the machine has been left alone for a while. */
import { defaultFitnessLimits } from '../../judge/fitness.ts';
import { ownPids } from '../measurement-plan.ts';
import type { RunContext } from '../run-context.ts';

/** Long enough that ticks of 10 ms do not blur it, short enough to see a pause end. */
const PROBE_SECONDS = 2;

/**
 * Waits until foreign processes have stayed below the limit of a window that counts for as long as the
 * profile says, or until it has waited long enough. Where nobody can watch foreign CPU it only waits.
 * @returns how it was, for a person
 */
export async function awaitQuiet(context: RunContext): Promise<string> {
  const { clock, machine, world } = context.deps;
  const { maxSeconds, seconds } = context.profile.quiet;
  const startedAt = clock.now();
  const waited = (): number => Math.round((clock.now() - startedAt) / 1000);
  if (machine === undefined) {
    await clock.sleep(seconds * 1000, context.signal);
    return `after ${waited()} s`;
  }
  const own = await ownPids(context, await world.observe(context.service.name, 'staging'));
  const limit = defaultFitnessLimits.foreignCores;
  let calmSeconds = 0;
  let foreign = 0;
  while (calmSeconds < seconds) {
    if (clock.now() - startedAt >= maxSeconds * 1000) {
      return `after ${waited()} s, though the machine did not become quiet: other processes last used ${foreign.toFixed(2)} cores (limit ${limit})`;
    }
    foreign = await machine.foreignCores(own, PROBE_SECONDS, context.signal);
    calmSeconds = foreign <= limit ? calmSeconds + PROBE_SECONDS : 0;
  }
  return `after ${waited()} s, the last ${calmSeconds} of them quiet`;
}
