/** Waits until the staging nodes are well again before something is measured once more. */
import { PlatformError } from '../../platforms/platform.ts';
import type { RunContext } from '../run-context.ts';

const DEADLINE_MS = 30_000;

/** @throws PlatformError when a node stays away */
export async function awaitHealth(context: RunContext): Promise<void> {
  const { clock, world } = context.deps;
  const deadline = clock.now() + DEADLINE_MS;
  for (;;) {
    const observed = await world.observe(context.service.name, 'staging');
    const ill = observed
      .flatMap((observation) => observation.nodes)
      .filter((node) => node.status?.health !== 'ready');
    if (observed.length > 0 && ill.length === 0) return;
    if (clock.now() >= deadline) {
      const names = ill.map(
        (node) => `${node.name} (${node.status?.reason ?? 'its agent does not answer'})`,
      );
      throw new PlatformError(
        'node-not-ready',
        observed.length === 0
          ? 'the staging arms are gone'
          : `staging nodes did not come back within ${DEADLINE_MS / 1000} s: ${names.join(', ')}`,
      );
    }
    await clock.sleep(1_000, context.signal);
  }
}
