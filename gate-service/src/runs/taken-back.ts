/** What tuning remembers when production did not keep what it had found. */
import { asError, isoNow } from './clock.ts';
import type { Clock } from './clock.ts';
import { rethrowLeaving } from './endings.ts';
import type { Journal } from './journal.ts';
import type { Tuners } from './ports.ts';
import type { PromotionRecord, RunRecord } from './records.ts';
import type { RunStore } from './run-store.ts';
import { lastStartOf } from './transitions.ts';

export interface TakenBackDependencies {
  readonly store: RunStore;
  readonly tuners: Pick<Tuners, 'takenBack'>;
  readonly journal: Journal;
  readonly clock: Clock;
}

/**
 * Where a breach took an adopted configuration back, whoever had ordered its promotion, later runs are
 * not to begin with it. The promotion has its end already, so what goes wrong here is told and no more.
 * @param summary how the promotion ends
 * @throws ShuttingDown
 */
export async function rememberTakenBack(
  deps: TakenBackDependencies,
  { configurationHash, runId, steps }: PromotionRecord,
  summary: string,
): Promise<void> {
  if (runId === undefined || !steps.some(({ outcome }) => outcome === 'breached')) return;
  try {
    const run = await deps.store.run(runId);
    if (run?.configuration?.adopted !== true || run.configuration.hash !== configurationHash)
      return;
    await revert(
      deps,
      run,
      `confirmed on fresh data, but its promotion was taken back: ${summary}`,
    );
  } catch (error) {
    rethrowLeaving(error);
    const why = `what tuning learnt could not be changed: ${asError(error).message}`;
    await deps.journal.append(runId, 'problem', why);
  }
}

async function revert(
  { clock, journal, store, tuners }: TakenBackDependencies,
  run: RunRecord,
  summary: string,
): Promise<void> {
  const view = await store.tuning(run.id);
  if (view === undefined) return;
  const [session] = await store.learntSessions({ runId: run.id }, 1);
  const learnt = session && tuners.takenBack(session);
  await store.saveTuning({
    runId: run.id,
    start: lastStartOf(run),
    service: run.service,
    at: isoNow(clock),
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
  await journal.append(run.id, 'tuning', summary, { outcome: 'reverted' });
}
