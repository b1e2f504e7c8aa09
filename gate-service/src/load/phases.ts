/** A workload's rate over time: factors in steps, once or in a cycle. Pure. */
import { z } from 'zod';

/** Highest factor of a step. */
export const MAX_FACTOR = 100;

export const phasesSchema = z
  .strictObject({
    apply: z.enum(['cyclic', 'once']).default('cyclic').meta({
      description: '"cyclic": from the start again after the last step; "once": factor 1 after it',
    }),
    steps: z
      .array(
        z.strictObject({
          seconds: z.number().min(0.1).max(3600),
          factor: z.number().min(0.01).max(MAX_FACTOR).meta({
            description: 'times the rate while the step lasts',
          }),
        }),
      )
      .min(1, 'phases need at least one step')
      .max(1000),
  })
  .meta({
    description: 'Rate over time, from the start of the warm-up on; the same for both arms',
  });
export type Phases = z.infer<typeof phasesSchema>;

export interface RateProfile {
  /** Times the rate at this moment; seconds since the measurement's start, from 0. */
  readonly rateFactorAt: (seconds: number) => number;
  /**
   * Inverse of the factor's integral: when so many seconds' worth of the unchanged rate have been sent.
   * Turns a schedule of the unchanged rate into one of the changing rate (time rescaling of point
   * processes; Cinlar 1975), and keeps its order.
   */
  readonly secondsAt: (work: number) => number;
  /** The factor's integral from 0 to this moment. */
  readonly workAt: (seconds: number) => number;
}

/** @param phases absent: factor 1 throughout */
export function createRateProfile(phases?: Phases): RateProfile {
  if (phases === undefined) {
    return { rateFactorAt: () => 1, secondsAt: (work) => work, workAt: (seconds) => seconds };
  }
  const { steps } = phases;
  const cyclic = phases.apply === 'cyclic';
  const starts = runningSums(steps.map(({ seconds }) => seconds));
  const works = runningSums(steps.map(({ seconds, factor }) => seconds * factor));
  const seconds = starts.at(-1) ?? 0;
  const work = works.at(-1) ?? 0;
  const factorOf = (index: number): number => steps[index]?.factor ?? 1;
  return {
    rateFactorAt: (at) => {
      if (!cyclic && at >= seconds) return 1;
      return factorOf(partAt(starts, at % seconds));
    },
    secondsAt: (done) => {
      if (!cyclic && done >= work) return seconds + (done - work);
      const cycles = Math.floor(done / work);
      // Rounding may leave a hair more than a cycle, or less than nothing.
      const rest = Math.min(work, Math.max(0, done - cycles * work));
      const part = partAt(works, rest);
      const into = (rest - (works[part] ?? 0)) / factorOf(part);
      return cycles * seconds + (starts[part] ?? 0) + into;
    },
    workAt: (at) => {
      if (!cyclic && at >= seconds) return work + (at - seconds);
      const cycles = Math.floor(at / seconds);
      const rest = Math.min(seconds, Math.max(0, at - cycles * seconds));
      const part = partAt(starts, rest);
      return cycles * work + (works[part] ?? 0) + (rest - (starts[part] ?? 0)) * factorOf(part);
    },
  };
}

/** Mean factor over a cycle; 1 without phases and for phases that end. */
export function meanFactor(phases?: Phases): number {
  if (phases?.apply !== 'cyclic') return 1;
  const seconds = phases.steps.reduce((sum, step) => sum + step.seconds, 0);
  return phases.steps.reduce((sum, step) => sum + step.seconds * step.factor, 0) / seconds;
}

/** 0, a, a+b, …: one more than there are values. */
function runningSums(values: readonly number[]): number[] {
  let sum = 0;
  return [0, ...values.map((value) => (sum += value))];
}

/** Index of the part that holds the value: the last one that starts at or below it. */
function partAt(starts: readonly number[], value: number): number {
  let low = 0;
  let high = starts.length - 2;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
