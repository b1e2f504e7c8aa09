/** What tuning remembers when production did not keep what it had found. */
import { rethrowLeaving } from './endings.ts';
import { asError } from './clock.ts';
import type { RunContext } from './run-context.ts';

/** The run's own session is among the latest of its service. */
const LATEST = 15;

/**
 * After the promotion of an adopted configuration was taken back: later runs are not to begin with it.
 * Its run has its ending already, so what goes wrong here is told and no more.
 * @throws ShuttingDown
 */
export async function rememberTakenBack(context: RunContext, why: string): Promise<void> {
  const { deps, run } = context;
  if (run.configuration?.adopted !== true) return;
  try {
    const view = await deps.store.tuning(run.id);
    const sessions = await deps.store.learntSessions({ service: run.service }, LATEST);
    const session = sessions.find(({ runId }) => runId === run.id);
    if (view === undefined) return;
    const learnt = session && deps.tuners.takenBack(session);
    const summary = `confirmed on fresh data, but its promotion was taken back: ${why}`;
    await deps.store.saveTuning({
      runId: run.id,
      start: context.start,
      service: run.service,
      at: context.now(),
      view: {
        ...view,
        outcome: 'reverted',
        summary,
        evaluations: view.evaluations.map((own) =>
          own.verdict === 'adopted' ? { ...own, verdict: 'reverted' } : own,
        ),
      },
      ...(learnt === undefined ? {} : { learnt }),
    });
    await context.tell('tuning', summary, { outcome: 'reverted' });
  } catch (error) {
    rethrowLeaving(error);
    await context.tell(
      'problem',
      `what tuning learnt could not be changed: ${asError(error).message}`,
    );
  }
}
