/** What a person has seen of a run when he orders something: an opaque text that changes with it. */
import type { OverrideRecord, RunRecord } from './records.ts';

/** @param overrides of the run, oldest first */
export function revisionOf(run: RunRecord, overrides: readonly OverrideRecord[]): string {
  const latest = overrides.at(-1)?.state ?? 'none';
  return [run.version, overrides.length, latest].join('-');
}
