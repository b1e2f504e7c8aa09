/** Cores that strangers use. Reading /proc takes milliseconds, so that a thread of its own does it. */
import { Worker } from 'node:worker_threads';

/** Cumulative readings at one moment. */
export interface CpuReading {
  /** On the clock of monotonic.ts. */
  readonly atUs: number;
  /** CPU seconds of the whole machine since boot, stolen time included. */
  readonly machineSeconds: number;
  /** CPU seconds of the own processes and their descendants. */
  readonly ownSeconds: number;
}

export interface CpuWatchOptions {
  /** Own with all their descendants. */
  readonly trees: readonly number[];
  /** Own without their descendants. */
  readonly alone: readonly number[];
}

/**
 * Average number of cores in use between two readings that were not used by own processes, at least 0.
 * Ticks of 10 ms limit it: over a second it is good to about 0.02 per running process.
 */
export function foreignCores(from: CpuReading, to: CpuReading): number {
  const seconds = (to.atUs - from.atUs) / 1_000_000;
  if (!(seconds > 0)) return 0;
  const machine = to.machineSeconds - from.machineSeconds;
  // A process that ended may take its seconds with it: less than nothing was not used.
  const own = Math.max(0, to.ownSeconds - from.ownSeconds);
  return Math.max(0, (machine - own) / seconds);
}

export class CpuWatch {
  readonly #worker: Worker;
  readonly #waiting: ((reading: CpuReading) => void)[] = [];

  /** @param failed called when the thread dies, e.g. because /proc cannot be read */
  constructor(options: CpuWatchOptions, failed: (error: Error) => void) {
    this.#worker = new Worker(new URL('./cpu-watch-worker.ts', import.meta.url), {
      workerData: options,
    });
    this.#worker.on('message', (reading: CpuReading) => this.#waiting.shift()?.(reading));
    this.#worker.on('error', failed);
  }

  read(): Promise<CpuReading> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#worker.postMessage('read');
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
