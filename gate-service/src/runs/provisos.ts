/** What belongs to every answer of a run because it says what the answer is worth. */
import type { RunRecord } from './records.ts';

/**
 * The summary with what the run was asked with: that the build had runs before (each further one is
 * another chance to pass by luck), and where the request asked for less than the catalogue.
 */
export function withProvisos(run: Pick<RunRecord, 'settings'>, summary: string): string {
  return [summary, ...provisos(run)].join(' ');
}

/** Sentences; none for the first run of a build under the catalogue's rules. */
export function provisos({ settings }: Pick<RunRecord, 'settings'>): readonly string[] {
  const { earlierRuns = 0, loosened = [] } = settings;
  return [
    ...(earlierRuns > 0 ? [`This was run ${String(earlierRuns + 1)} of this build.`] : []),
    ...(loosened.length > 0 ? [`Loosened for this run: ${loosened.join('; ')}.`] : []),
  ];
}
