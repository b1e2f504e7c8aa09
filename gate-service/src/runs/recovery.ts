/** What a process that begins to drive makes of runs that it finds in the middle. */
import { RunEnding } from './endings.ts';
import type { Journal } from './journal.ts';
import { beginRestoring } from './phases/restore.ts';
import type { RunContext } from './run-context.ts';
import type { RunStore } from './run-store.ts';
import { isResumable, startOver } from './transitions.ts';

/** A run may be interrupted this often and still start over; one that takes the service down with it must end. */
const MAX_STARTS = 2;

/**
 * Prepares a found run for being driven again: before judging it starts over with fresh arms, later
 * it goes on from what is stored. Leftovers in staging are removed by the phase it enters.
 */
export async function prepareInterrupted(context: RunContext): Promise<void> {
  const { run } = context;
  await closeAttempts(context);
  // With the phase: that it was entered may not have been told any more.
  await context.tell('problem', `the gate service was restarted while the run was ${run.phase}`, {
    phase: run.phase,
  });
  if (!isResumable(run.phase)) return;
  const starts = run.phases.filter((span) => span.phase === 'deploying').length;
  if (run.cancel !== undefined) {
    await beginRestoring(context, cancelled(run.cancel.actor));
  } else if (starts >= MAX_STARTS) {
    await beginRestoring(
      context,
      new RunEnding(
        'platform-failed',
        `the run was interrupted by a restart of the gate service for the ${starts === 2 ? 'second' : `${starts}th`} time, last while ${run.phase}`,
      ),
    );
  } else {
    await context.enter(startOver(run, context.now()), 'starts over with fresh arms');
  }
}

/** Runs that can have ended right before the end of one process: one was driven, a few were ended in the queue. */
const LAST_ENDED = 20;

/** A decision is stored before it is told: one that was stored at the very end of a process is told now. */
export async function tellMissingDecisions(
  {
    journal,
    store,
  }: {
    readonly journal: Journal;
    readonly store: Pick<RunStore, 'events' | 'run' | 'trend'>;
  },
  services: readonly string[],
): Promise<void> {
  const ended = await Promise.all(services.map((service) => store.trend(service, LAST_ENDED)));
  const last = ended.flat().sort((one, other) => (one.finishedAt < other.finishedAt ? 1 : -1));
  for (const { cause, decision, runId } of last.slice(0, LAST_ENDED)) {
    const events = await store.events(runId, 0, 1000);
    if (events.some(({ type }) => type === 'decision')) continue;
    const { summary = '' } = (await store.run(runId)) ?? {};
    await journal.append(runId, 'decision', `${decision} (${cause}): ${summary}`, {
      decision,
      cause,
    });
  }
}

/** The ending of a cancelled run. */
export function cancelled(actor: string): RunEnding {
  return new RunEnding('cancelled', `cancelled by ${actor}`);
}

async function closeAttempts(context: RunContext): Promise<void> {
  const attempts = await context.deps.store.attempts(context.run.id);
  for (const attempt of attempts) {
    context.attempts = Math.max(context.attempts, attempt.number);
    if (attempt.endedAt !== undefined) continue;
    await context.deps.store.saveAttempt({
      ...attempt,
      endedAt: context.now(),
      sentence: 'not judged: interrupted by a restart of the gate service',
    });
  }
}
