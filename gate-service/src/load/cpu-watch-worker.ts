/** The thread behind {@link CpuWatch}. */
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { allStats } from '../processes/proc-stat.ts';
import type { CpuReading, CpuWatchOptions } from './cpu-watch.ts';
import { machineCpuSeconds, ownCpuSeconds } from './machine-cpu.ts';
import { monotonicUs } from './monotonic.ts';

const { trees, alone } = workerData as CpuWatchOptions;

parentPort?.on('message', () => {
  const reading: CpuReading = {
    atUs: monotonicUs(),
    machineSeconds: machineCpuSeconds(readFileSync('/proc/stat', 'utf8')),
    ownSeconds: ownCpuSeconds(allStats(), trees, alone),
  };
  parentPort?.postMessage(reading);
});
