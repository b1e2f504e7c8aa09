/** Takes the sender's pulse at the borders of windows. */
import { CpuWatch, foreignCores, type CpuReading } from './cpu-watch.ts';
import { monotonicUs } from './monotonic.ts';
import { runQueueSeconds } from './run-queue.ts';

export interface Pulse {
  readonly atUs: number;
  readonly runQueueSeconds: number;
  readonly cpu: Promise<CpuReading> | undefined;
}

/** What happened between two pulses. */
export interface PulseDifference {
  /** 0-1. */
  readonly runQueueShare: number;
  /** Absent when foreign CPU is not watched. */
  readonly foreignCores?: number;
}

export class FitnessProbe {
  readonly #cpu: CpuWatch | undefined;

  /**
   * @param ownPids processes that are not foreign, with their descendants; without them nobody could
   * tell the service under test from a stranger, so that foreign CPU is not watched at all
   */
  constructor(ownPids: readonly number[] | undefined, failed: (error: Error) => void) {
    this.#cpu =
      ownPids === undefined
        ? undefined
        : new CpuWatch({ trees: [process.pid, ...ownPids], alone: [process.ppid] }, failed);
  }

  get watchesForeignCpu(): boolean {
    return this.#cpu !== undefined;
  }

  /** @throws when the kernel does not tell the time spent waiting for a core */
  take(): Pulse {
    return { atUs: monotonicUs(), runQueueSeconds: runQueueSeconds(), cpu: this.#cpu?.read() };
  }

  async between(from: Pulse, to: Pulse): Promise<PulseDifference> {
    const seconds = (to.atUs - from.atUs) / 1_000_000;
    const [cpuFrom, cpuTo] = await Promise.all([from.cpu, to.cpu]);
    return {
      runQueueShare:
        seconds > 0 ? Math.min(1, (to.runQueueSeconds - from.runQueueSeconds) / seconds) : 0,
      ...(cpuFrom === undefined || cpuTo === undefined
        ? {}
        : { foreignCores: foreignCores(cpuFrom, cpuTo) }),
    };
  }

  async close(): Promise<void> {
    await this.#cpu?.close();
  }
}
