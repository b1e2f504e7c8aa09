/** Foreign CPU of this machine, read as the sender reads it. */
import { CpuWatch, foreignCores } from '../../load/cpu-watch.ts';
import { systemClock } from '../clock.ts';
import type { Machine } from '../ports.ts';

export const thisMachine: Machine = {
  async foreignCores(ownPids, seconds, signal) {
    const failed = Promise.withResolvers<never>();
    // Handled here: nobody may be waiting when it rejects.
    failed.promise.catch(() => undefined);
    const watch = new CpuWatch({ trees: ownPids, alone: [process.pid] }, failed.reject);
    try {
      const from = await Promise.race([watch.read(), failed.promise]);
      await systemClock.sleep(seconds * 1000, signal);
      const to = await Promise.race([watch.read(), failed.promise]);
      return foreignCores(from, to);
    } finally {
      await watch.close();
    }
  },
};
