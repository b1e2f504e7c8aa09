/** What has served its time is removed: samples, which are large, messages, keys, and what tuners learnt long ago. The judgements stay. */
import { asError, isoNow } from './clock.ts';
import type { Clock } from './clock.ts';
import type { SampleFiles } from './ports.ts';
import type { RunStore } from './run-store.ts';

const DAY_MS = 24 * 3_600_000;
export const DEFAULT_RETENTION_DAYS = 30;
/** How often the chore is done. */
const EVERY_MS = 3_600_000;
/** Measurements that are looked at in one go. */
const AT_ONCE = 100;
/** Messages, and keys, that are removed in one statement: the database is busy with it. */
const SETTLED_AT_ONCE = 500;
/** Of each service: what broke a limit in any of them is not entered again. */
const KEPT_SESSIONS = 120;
/** What happened within the last day is looked for again: its message must still be known then, or it goes out twice. */
const LEAST_SETTLED_DAYS = 2;

export interface RetentionDependencies {
  readonly store: Pick<
    RunStore,
    'prunableMeasurements' | 'markSamplesPruned' | 'removeSettled' | 'forgetLearnt'
  >;
  readonly sampleFiles: Pick<SampleFiles, 'remove'>;
  readonly clock: Clock;
  /**
   * Samples of runs that ended so many days ago go; what is in force, last known good or the reference keeps its own.
   * So do messages that were delivered or given up, and idempotency keys, after two days at least.
   */
  readonly days: number;
  readonly problem: (error: Error) => void;
}

/**
 * Removes what is due. The file goes first and is marked afterwards: a process that dies in between
 * leaves it to the next time.
 * @returns how many sample files were removed
 * @throws errors of the store
 */
export async function pruneSamples(
  { clock, days, problem, sampleFiles, store }: RetentionDependencies,
  signal: AbortSignal,
): Promise<number> {
  const before = new Date(clock.now() - days * DAY_MS).toISOString();
  const failed = new Set<string>();
  let removed = 0;
  for (;;) {
    const due = await store.prunableMeasurements(before, AT_ONCE);
    const from = removed;
    for (const { file, id } of due.filter((measurement) => !failed.has(measurement.id))) {
      if (signal.aborted) return removed;
      try {
        await sampleFiles.remove(file);
      } catch (error) {
        // Not marked: it is tried again next time.
        failed.add(id);
        problem(new Error(`samples ${file} could not be removed: ${asError(error).message}`));
        continue;
      }
      await store.markSamplesPruned(id, isoNow(clock));
      removed += 1;
    }
    if (due.length < AT_ONCE || removed === from) return removed;
  }
}

/**
 * Removes messages that were delivered or given up, and idempotency keys.
 * @returns how many
 * @throws errors of the store
 */
export async function removeSettled(
  { clock, days, store }: Pick<RetentionDependencies, 'clock' | 'days' | 'store'>,
  signal: AbortSignal,
): Promise<number> {
  const age = Math.max(days, LEAST_SETTLED_DAYS) * DAY_MS;
  const before = new Date(clock.now() - age).toISOString();
  let removed = 0;
  while (!signal.aborted) {
    const now = await store.removeSettled(before, SETTLED_AT_ONCE);
    if (now === 0) break;
    removed += now;
  }
  return removed;
}

/**
 * Removes what no tuner is told any more: it goes by the latest sessions of its service, however old.
 * @returns how many records
 * @throws errors of the store
 */
export function forgetLearnt({ store }: Pick<RetentionDependencies, 'store'>): Promise<number> {
  return store.forgetLearnt(KEPT_SESSIONS);
}

/** Prunes now and every hour until the signal aborts. */
export async function keepPruning(
  dependencies: RetentionDependencies,
  signal: AbortSignal,
): Promise<void> {
  const { clock, problem } = dependencies;
  while (!signal.aborted) {
    for (const chore of [pruneSamples, removeSettled, forgetLearnt]) {
      try {
        await chore(dependencies, signal);
      } catch (error) {
        problem(asError(error));
      }
    }
    await clock.sleep(EVERY_MS, signal).catch(() => undefined);
  }
}
