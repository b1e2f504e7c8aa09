/** Measurements for tests: lognormal waits like those of the sample application. */
import type { ArmName, Sample, WindowFitness } from '../load/sample.ts';
import { createRandom, type Random } from '../statistics/random.ts';
import type { JudgedMeasurement } from './measurement.ts';

export interface MeasurementRecipe {
  readonly seed?: number;
  readonly windows?: number;
  /** Pairs in a window. */
  readonly pairs?: number;
  /** The candidate's wait is so many times the baseline's. */
  readonly slower?: number;
  /** Milliseconds of the path that no build changes. */
  readonly path?: number;
  readonly plantedWindows?: number;
  readonly plantedMs?: number;
  /** Fails or changes a sample. */
  readonly change?: (sample: Sample, random: Random) => Sample | undefined;
  readonly fitness?: (window: number) => Partial<WindowFitness>;
}

export const kinds = ['cart', 'order', 'search'] as const;

export function makeMeasurement(recipe: MeasurementRecipe = {}): JudgedMeasurement {
  const { windows = 24, pairs = 150, slower = 1, path = 6 } = recipe;
  const { plantedWindows = 4, plantedMs = 12, seed = 1 } = recipe;
  const random = createRandom(seed, 'measurement');
  const samples: Sample[] = [];
  const fitness: WindowFitness[] = [];
  let sent = 0;
  for (let window = 0; window < windows + plantedWindows; window += 1) {
    const isPlanted = window >= windows;
    const disturbance = Math.exp(0.1 * normal(random));
    const arms: readonly ArmName[] = ['baseline', isPlanted ? 'planted' : 'candidate'];
    for (let pair = 0; pair < pairs; pair += 1) {
      const kind = kinds[Math.floor(random.next() * kinds.length)] ?? 'cart';
      for (const arm of arms) {
        const wait = 40 * Math.exp(0.5 * normal(random)) * (arm === 'candidate' ? slower : 1);
        const latency = (wait + path) * disturbance + (arm === 'planted' ? plantedMs : 0);
        const sample: Sample = {
          arm,
          launch: `${arm}-${1 + (pair % 2)}`,
          window,
          kind,
          intendedUs: Math.round((window + pair / pairs) * 2_000_000),
          latencyUs: Math.round(latency * 1000),
          status: 'ok',
        };
        sent += 1;
        const changed = recipe.change === undefined ? sample : recipe.change(sample, random);
        if (changed !== undefined) samples.push(changed);
      }
    }
    fitness.push({
      window,
      latenessP99Us: 900,
      runQueueShare: 0.01,
      foreignCores: 0.1,
      sent: 2 * pairs,
      received: 2 * pairs,
      ...recipe.fitness?.(window),
    });
  }
  return {
    windowsPlanned: windows,
    samples,
    fitness,
    counters: { sent, received: sent, inFlight: 0, cpuSeconds: 3 },
    steady: true,
    ...(plantedWindows > 0 ? { plantedDelayUs: plantedMs * 1000 } : {}),
  };
}

/** Box & Muller. */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
