/** CPU of this machine's processes, read as the sender reads it: on a thread of its own. */
import { CpuWatch, foreignCores, type CpuReading } from '../../load/cpu-watch.ts';
import { systemClock } from '../clock.ts';
import type { Machine } from '../ports.ts';

export const thisMachine: Machine = {
  async foreignCores(ownPids, seconds, signal) {
    const watch = open(ownPids, [process.pid]);
    try {
      const from = await watch.read();
      await systemClock.sleep(seconds * 1000, signal);
      return foreignCores(from, await watch.read());
    } finally {
      await watch.close();
    }
  },

  watchCpu(groups) {
    const watches = groups.map((pids) => open(pids, []));
    return {
      read: async () =>
        (await Promise.all(watches.map((watch) => watch.read()))).map(
          ({ ownSeconds }) => ownSeconds,
        ),
      close: async () => {
        await Promise.all(watches.map((watch) => watch.close()));
      },
    };
  },
};

interface Watch {
  /** @throws when the thread has died */
  read(): Promise<CpuReading>;
  close(): Promise<void>;
}

function open(trees: readonly number[], alone: readonly number[]): Watch {
  const failed = Promise.withResolvers<never>();
  // Handled here: nobody may be waiting when it rejects.
  failed.promise.catch(() => undefined);
  const watch = new CpuWatch({ trees, alone }, failed.reject);
  return {
    read: () => Promise.race([watch.read(), failed.promise]),
    close: () => watch.close(),
  };
}
