/** Writes every event of a run into the log, as the store takes it: with run, service and phase. */
import type { Logger } from 'pino';
import type { RunEvent, RunPhase } from '../runs/run.ts';
import { runPhaseSchema } from '../runs/run.ts';
import type { RunStore } from '../runs/run-store.ts';

interface Known {
  readonly service: string;
  phase: RunPhase;
}

/** Runs whose service is remembered; more are looked up again. */
const MOST_KNOWN = 1_000;

/** The store, with its events logged. A line that cannot be completed is written with what is known. */
export function withEventLog<S extends Pick<RunStore, 'appendEvent' | 'run'>>(
  store: S,
  log: Logger,
): S {
  const known = new Map<string, Known>();
  const aboutRun = async (runId: string): Promise<Known | undefined> => {
    const found = known.get(runId);
    if (found !== undefined) return found;
    const run = await store.run(runId).catch(() => undefined);
    if (run === undefined) return undefined;
    const oldest = known.keys().next();
    if (known.size >= MOST_KNOWN && oldest.done !== true) known.delete(oldest.value);
    const about = { service: run.service, phase: run.phase };
    known.set(runId, about);
    return about;
  };
  const write = async (event: RunEvent): Promise<void> => {
    const about = await aboutRun(event.runId);
    const phase = runPhaseSchema.safeParse(event.data.phase);
    if (about !== undefined && phase.success) about.phase = phase.data;
    const line = {
      run: event.runId,
      service: about?.service,
      phase: about?.phase,
      event: event.type,
      sequence: event.sequence,
    };
    if (event.type === 'problem') log.warn(line, event.message);
    else log.info(line, event.message);
    if (event.type === 'decision') known.delete(event.runId);
  };
  let lines = Promise.resolve();
  return {
    ...store,
    async appendEvent(event) {
      const stored = await store.appendEvent(event);
      // In order, and never in the way of the run.
      lines = lines.then(() => write(stored)).catch(() => undefined);
      return stored;
    },
  };
}
