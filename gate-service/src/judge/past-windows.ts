/** What past measurements say about the noise of a threshold: one number for each window. Pure. */
import { quantileOfSorted } from '../statistics/quantile.ts';
import type { ArmName, Sample } from '../load/sample.ts';
import { unfitReason } from './fitness.ts';
import type { JudgedMeasurement } from './measurement.ts';
import type { Threshold } from './threshold.ts';
import { codeArms, type ComparedArms } from './windows.ts';

/** The windows of one past measurement, as far as a threshold needs them. */
export interface PastWindows {
  /**
   * One for each window that counts: difference of the arms (of logarithms for `+ x%`, in milliseconds
   * for `+ x ms`), or the logarithm of the baseline's value for a limit. Empty for `errors`.
   */
  readonly effects: readonly number[];
  /** Of both arms: failed requests and all requests, of the threshold's kind. */
  readonly failures: { readonly hits: number; readonly total: number };
  readonly windows: number;
  /** From the beginning of one window to that of the next. */
  readonly windowSeconds: number;
  /** In each arm. */
  readonly requestsPerWindow: number;
  /** Warm-up and planted block. */
  readonly secondsBeside: number;
}

interface Window {
  readonly window: number;
  from: number;
  readonly byArm: Map<ArmName, Sample[]>;
}

/** @returns `undefined` when no window holds both arms, or only windows that do not count */
export function pastWindows(
  measurement: JudgedMeasurement,
  threshold: Threshold,
  arms: ComparedArms = codeArms,
): PastWindows | undefined {
  const unfit = new Set(
    measurement.fitness
      .filter((fitness) => unfitReason({ ...fitness, foreignCores: fitness.foreignCores ?? 0 }))
      .map(({ window }) => window),
  );
  const all = byNumber(measurement.samples);
  const compared = all.filter(
    ({ window, byArm }) =>
      window >= 0 && !byArm.has('planted') && byArm.has(arms.reference) && byArm.has(arms.subject),
  );
  const counted = compared.filter(({ window }) => !unfit.has(window));
  if (counted.length === 0) return undefined;
  const ofKind = (samples: readonly Sample[]): readonly Sample[] =>
    threshold.kind === undefined ? samples : samples.filter(({ kind }) => kind === threshold.kind);
  const requests = counted.flatMap(({ byArm }) => [
    ...ofKind(byArm.get(arms.reference) ?? []),
    ...ofKind(byArm.get(arms.subject) ?? []),
  ]);
  const windowSeconds = secondsApart(compared);
  return {
    effects: effectsOf(threshold, counted, measurement, arms, ofKind),
    failures: {
      hits: requests.filter(({ status }) => status !== 'ok').length,
      total: requests.length,
    },
    windows: counted.length,
    windowSeconds,
    requestsPerWindow: requests.length / 2 / counted.length,
    secondsBeside: (all.length - compared.length) * windowSeconds,
  };
}

function effectsOf(
  threshold: Threshold,
  windows: readonly Window[],
  measurement: JudgedMeasurement,
  arms: ComparedArms,
  ofKind: (samples: readonly Sample[]) => readonly Sample[],
): number[] {
  const { metric, against, unit } = threshold;
  const value = ({ window, byArm }: Window, arm: ArmName): number => {
    const samples = ofKind(byArm.get(arm) ?? []);
    if (metric.name === 'latency') return quantileMs(samples, metric.percent / 100);
    const used = measurement.cpuSecondsByWindow?.find(
      (one) => one.window === window && one.arm === arm,
    );
    return ((used?.seconds ?? NaN) * 1000) / samples.length;
  };
  if (metric.name !== 'latency' && metric.name !== 'cpu_per_request') return [];
  return windows
    .map((window) => {
      const reference = value(window, arms.reference);
      if (against === 'absolute') return Math.log(reference);
      const subject = value(window, arms.subject);
      return unit === '%' ? Math.log(subject / reference) : subject - reference;
    })
    .filter(Number.isFinite);
}

function quantileMs(samples: readonly Sample[], q: number): number {
  if (samples.length < Math.max(5, 0.5 / (1 - q))) return NaN;
  const latencies = Float64Array.from(samples, ({ latencyUs, status }) =>
    status === 'ok' ? latencyUs / 1000 : Infinity,
  );
  return quantileOfSorted(latencies.sort(), q) ?? NaN;
}

function byNumber(samples: readonly Sample[]): Window[] {
  const windows = new Map<number, Window>();
  for (const sample of samples) {
    let own = windows.get(sample.window);
    if (own === undefined) {
      own = { window: sample.window, from: Infinity, byArm: new Map() };
      windows.set(sample.window, own);
    }
    own.from = Math.min(own.from, sample.intendedUs);
    const list = own.byArm.get(sample.arm);
    if (list === undefined) own.byArm.set(sample.arm, [sample]);
    else list.push(sample);
  }
  return [...windows.values()].sort((a, b) => a.window - b.window);
}

/** Median, so that a pause between launches does not count. */
function secondsApart(windows: readonly Window[]): number {
  const distances = windows
    .slice(1)
    .map(({ from, window }, index) => {
      const before = windows[index];
      return before === undefined ? NaN : (from - before.from) / (window - before.window);
    })
    .sort((a, b) => a - b);
  return (distances[Math.floor(distances.length / 2)] ?? NaN) / 1e6;
}
