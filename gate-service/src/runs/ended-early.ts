/** Runs that end without having touched the world: cancelled or superseded in the queue, or of an unknown service. */
import { isoNow } from './clock.ts';
import type { RunEnding } from './endings.ts';
import type { RunUpdate, RunRecord } from './records.ts';
import type { RunDependencies } from './run-context.ts';
import { finish, toRestoring } from './transitions.ts';

/**
 * Ends a run in rollback from what is stored of it.
 * @param rest what was left as it is, a sentence for a person
 * @param more stored together with the first transition
 * @throws VersionConflictError when the run has moved on meanwhile
 */
export async function endStored(
  { clock, journal, store }: Pick<RunDependencies, 'clock' | 'journal' | 'store'>,
  run: RunRecord,
  ending: RunEnding,
  rest: string,
  more: RunUpdate = {},
): Promise<RunRecord> {
  const at = isoNow(clock);
  const answer = {
    decision: 'rollback',
    cause: ending.endCause,
    summary: `${ending.message}. ${rest}`,
  } as const;
  const restoring =
    run.phase === 'restoring'
      ? run
      : await store.updateRun(run.id, run.version, {
          ...toRestoring(run, at),
          ...more,
          ending: { cause: ending.endCause, words: ending.message },
        });
  const ended = await store.updateRun(run.id, restoring.version, finish(restoring, answer, at));
  await journal.append(
    run.id,
    'decision',
    `rollback (${answer.cause}): ${ended.summary ?? answer.summary}`,
    {
      decision: 'rollback',
      cause: answer.cause,
    },
  );
  return ended;
}
