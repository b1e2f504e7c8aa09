/**
 * Which windows count. Decided by the sender's fitness alone, blind to the effect, both arms
 * together, by limits that are fixed before the measurement.
 */
import type { WindowFitness } from '../load/sample.ts';

export interface FitnessLimits {
  /** 99th percentile of the lateness of sends, microseconds. */
  readonly latenessP99Us: number;
  /** Share of the window in which the sender waited for a core, 0–1. */
  readonly runQueueShare: number;
  /** Cores used by strangers. */
  readonly foreignCores: number;
  /** Share of the requests that had to wait for a free connection, 0–1. */
  readonly waitedShare: number;
  /** Largest share of windows that may be dropped, 0–1. */
  readonly droppedShare: number;
}

export const defaultFitnessLimits: FitnessLimits = {
  latenessP99Us: 20_000,
  runQueueShare: 0.2,
  foreignCores: 0.75,
  waitedShare: 0.02,
  droppedShare: 0.3,
};

/** So many requests may be on their way when a report is made: of the window, and at least so many. */
const UNANSWERED = { share: 0.05, count: 10 };

export const UNWATCHED = 'nobody watched how much CPU other processes used';

/**
 * Why a window does not count; `undefined` when it does. A report with odd numbers never counts.
 * @param unwatched whether it counts when nobody watched other processes' CPU
 */
export function unfitReason(
  fitness: WindowFitness,
  limits: FitnessLimits = defaultFitnessLimits,
  unwatched: 'unfit' | 'allowed' = 'unfit',
): string | undefined {
  const { latenessP99Us, runQueueShare, foreignCores, sent, received, waited = 0 } = fitness;
  const { contained = false, missingWorkers = 0 } = fitness;
  const numbers = [latenessP99Us, runQueueShare, foreignCores ?? 0, sent, received, waited];
  numbers.push(missingWorkers);
  if (!numbers.every((value) => Number.isFinite(value) && value >= 0)) {
    return 'its report holds impossible numbers';
  }
  if (missingWorkers > 0) {
    return `${missingWorkers} of the sender's workers never reported on it`;
  }
  if (sent === 0) return 'its report says that nothing was sent';
  if (received > sent || waited > sent) {
    return `its report contradicts itself: ${sent} sent, ${received} received, ${waited} waited`;
  }
  if (sent - received > Math.max(UNANSWERED.count, UNANSWERED.share * sent)) {
    return `only ${received} of ${sent} requests were answered or given up`;
  }
  if (latenessP99Us > limits.latenessP99Us) {
    return `requests left ${(latenessP99Us / 1000).toFixed(1)} ms late (limit ${limits.latenessP99Us / 1000} ms)`;
  }
  if (runQueueShare > limits.runQueueShare) {
    return `the sender waited for a core ${(runQueueShare * 100).toFixed(0)} % of the time (limit ${limits.runQueueShare * 100} %)`;
  }
  if (foreignCores === undefined && unwatched === 'unfit' && !contained) return UNWATCHED;
  if (foreignCores !== undefined && foreignCores > limits.foreignCores) {
    return `other processes used ${foreignCores.toFixed(2)} cores (limit ${limits.foreignCores})`;
  }
  // Last, because a busy machine leads to it too. Both arms share the connections: what waits for
  // them is measured as the pool's latency.
  if (waited > limits.waitedShare * sent) {
    return `${waited} of ${sent} requests had to wait for a free connection (limit ${limits.waitedShare * 100} %)`;
  }
  return undefined;
}
