/** A measurement as the sender writes it and the judge reads it. Format: docs/samples.md. */

export const armNames = ['baseline', 'candidate', 'challenger', 'planted'] as const;
export type ArmName = (typeof armNames)[number];

/** One request's record. Times in microseconds; latency counts from the intended send time. */
export interface Sample {
  readonly arm: ArmName;
  /** Which fresh start of a node answered: the node's name, `-` when none did. */
  readonly launch: string;
  /** Number of the window; negative in warm-up. */
  readonly window: number;
  /** Name of the request in the workload. */
  readonly kind: string;
  /** Since the measurement's start. */
  readonly intendedUs: number;
  readonly latencyUs: number;
  /** `ok`, an HTTP status >= 400 as decimal text, or an error word (`timeout`, `reset`, `refused`, `body-check`, …). */
  readonly status: string;
}

/** The sender's fitness in one window: decides, blind to the effect, whether the window counts. */
export interface WindowFitness {
  readonly window: number;
  /**
   * 99th percentile of (time at which the sender took the request up − intended send time), microseconds.
   * Waiting for a free connection is not in it: that is the service's doing, and is in the latency.
   */
  readonly latenessP99Us: number;
  /** Share of the window in which the sender waited for a core, 0–1. */
  readonly runQueueShare: number;
  /**
   * Cores used by processes that belong to neither the measurement nor the service under test. Absent
   * when nobody watched: that is not the same as none.
   */
  readonly foreignCores?: number;
  /** The sender ran in a container, where foreign CPU is not asked for: see the plan. */
  readonly contained?: boolean;
  /** Of several workers, those whose report of this window never came: it holds a part of the requests only. */
  readonly missingWorkers?: number;
  readonly sent: number;
  /** Requests with a record: an answer or an error word. */
  readonly received: number;
  /**
   * Requests that found every allowed connection busy and had to wait for one; with several workers as many
   * as if all of them had fared like the worst. Absent in older files.
   */
  readonly waited?: number;
}

/** Counters of the sender over the whole measurement. */
export interface SenderCounters {
  readonly sent: number;
  /** Requests with a record: an answer or an error word. `sent = received + inFlight`. */
  readonly received: number;
  /** Requests without a record when the sender ended. */
  readonly inFlight: number;
  /** CPU seconds of the sender. */
  readonly cpuSeconds: number;
}

/**
 * `planned`: all windows were sent; `stopped`: the judge knew enough; `max-seconds`: the plan's cap on time;
 * `terminated`: a signal; `failed`: the sender died or gave up.
 */
export const measurementEnds = [
  'planned',
  'stopped',
  'max-seconds',
  'terminated',
  'failed',
] as const;
export type MeasurementEnd = (typeof measurementEnds)[number];

/** All that a judgement may rest on. */
export interface Measurement {
  readonly windowsPlanned: number;
  /**
   * Most windows that could be added for spoilt ones; absent is 0. Counted windows and their replacements
   * are numbered from 0, the planted block from `windowsPlanned + replacements` on.
   */
  readonly replacements?: number;
  readonly samples: readonly Sample[];
  readonly fitness: readonly WindowFitness[];
  /** Absent where the file has none. */
  readonly counters?: SenderCounters;
  /** False when the paired difference never stopped trending in warm-up. Absent where the file does not say. */
  readonly steady?: boolean;
  /** How the sending ended. Absent where the file does not say. */
  readonly ended?: MeasurementEnd;
  /** Added delay in microseconds that the planted block asked the proxy for. */
  readonly plantedDelayUs?: number;
  /** CPU seconds of each arm's nodes over the counted windows; from the agents, not the sender. */
  readonly cpuSeconds?: Readonly<Partial<Record<ArmName, number>>>;
}
