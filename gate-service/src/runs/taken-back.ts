/** What tuning remembers when production did not keep what it had found. */
import { asError, isoNow } from './clock.ts';
import type { Clock } from './clock.ts';
import { rethrowLeaving } from './endings.ts';
import { isSame } from './in-force.ts';
import type { Journal } from './journal.ts';
import type { Tuners } from './ports.ts';
import type { PromotionRecord, RunRecord } from './records.ts';
import type { RunStore } from './run-store.ts';
import { lastStartOf } from './transitions.ts';
import type { LearntSession } from './tuning-record.ts';

export interface TakenBackDependencies {
  readonly store: RunStore;
  readonly tuners: Pick<Tuners, 'takenBack'>;
  readonly journal: Journal;
  readonly clock: Clock;
}

/** All that are kept of a service. */
const SESSIONS = 120;

/**
 * Where a breach took an adopted configuration back, whoever had ordered its promotion, later runs are
 * not to begin with it. Nothing happens for other promotions, and when it was done already. What goes
 * wrong here is told and no more.
 * @param summary how the promotion ends
 * @throws ShuttingDown
 */
export async function rememberTakenBack(
  deps: TakenBackDependencies,
  promotion: PromotionRecord,
  summary: string,
): Promise<void> {
  const { runId, steps } = promotion;
  if (runId === undefined || !steps.some(({ outcome }) => outcome === 'breached')) return;
  try {
    const run = await deps.store.run(runId);
    if (run === undefined || !(await foundIt(deps, run, promotion))) return;
    const why = `confirmed on fresh data, but its promotion was taken back: ${summary}`;
    await revert(deps, run, why);
  } catch (error) {
    rethrowLeaving(error);
    const problem = `what tuning learnt could not be changed: ${asError(error).message}`;
    await deps.journal.append(runId, 'problem', problem).catch(rethrowLeaving);
  }
}

/** Whether what the run had found was breached against what the run had compared it with. */
async function foundIt(
  { store }: TakenBackDependencies,
  { baseline, build, configuration, service }: RunRecord,
  promotion: PromotionRecord,
): Promise<boolean> {
  if (configuration?.adopted !== true) return false;
  const { inForce } = await store.serviceState(service);
  const found = { build, configurationHash: configuration.hash };
  const isAgainstIt = inForce?.configurationHash === baseline?.configurationHash;
  return isAgainstIt && isSame(promotion, found);
}

async function revert(
  { clock, journal, store, tuners }: TakenBackDependencies,
  run: RunRecord,
  summary: string,
): Promise<void> {
  const view = await store.tuning(run.id);
  if (view === undefined || view.outcome === 'reverted') return;
  const sessions = await store.learntSessions({ service: run.service }, SESSIONS);
  const refuted = tuners.takenBack(run.id, sessions);
  // Its own last: what a death leaves undone is done again.
  const isOwn = ({ runId }: LearntSession): boolean => runId === run.id;
  for (const one of refuted.filter((other) => !isOwn(other))) await store.saveLearnt(one);
  for (const one of refuted.filter(isOwn)) await store.saveLearnt(one);
  const start = lastStartOf(run);
  const learnt = [...refuted, ...sessions].find((one) => isOwn(one) && one.start === start);
  await store.saveTuning({
    runId: run.id,
    start,
    service: run.service,
    // It is no newer knowledge than what runs have learnt since.
    at: learnt?.at ?? isoNow(clock),
    view: {
      ...view,
      outcome: 'reverted',
      summary,
      evaluations: view.evaluations.map((own) =>
        own.verdict === 'adopted' ? { ...own, verdict: 'reverted' } : own,
      ),
    },
    ...(learnt && { learnt: { space: learnt.space, session: learnt.session } }),
  });
  await journal.append(run.id, 'tuning', summary, { outcome: 'reverted' });
}
