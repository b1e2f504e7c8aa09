/** A measurement as the sender writes it and the judge reads it. Format: docs/samples.md. */

export type ArmName = 'baseline' | 'candidate' | 'challenger' | 'planted';

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
  /** 99th percentile of (actual − intended send time), microseconds. */
  readonly latenessP99Us: number;
  /** Share of the window in which the sender waited for a core, 0–1. */
  readonly runQueueShare: number;
  /** Cores used by processes that belong to neither the measurement nor the service under test. */
  readonly foreignCores: number;
  readonly sent: number;
  readonly received: number;
}

/** Counters of the sender over the whole measurement. */
export interface SenderCounters {
  readonly sent: number;
  readonly received: number;
  readonly inFlight: number;
  /** CPU seconds of the sender. */
  readonly cpuSeconds: number;
}

/** All that a judgement may rest on. */
export interface Measurement {
  readonly windowsPlanned: number;
  readonly samples: readonly Sample[];
  readonly fitness: readonly WindowFitness[];
  /** Absent where the file has none. */
  readonly counters?: SenderCounters;
  /** Added delay in microseconds that the planted block asked the proxy for. */
  readonly plantedDelayUs?: number;
  /** CPU seconds of each arm's nodes over the counted windows; from the agents, not the sender. */
  readonly cpuSeconds?: Readonly<Partial<Record<ArmName, number>>>;
}
