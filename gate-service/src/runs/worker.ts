/** Takes queued runs one at a time, drives them, and deals with what a restart has left in the middle. */
import { Cap } from './cap.ts';
import { asError, isoNow } from './clock.ts';
import { drive } from './drive.ts';
import { RunEnding, ShuttingDown } from './endings.ts';
import { cancelled, prepareInterrupted } from './recovery.ts';
import type { RunRecord } from './records.ts';
import { RunContext } from './run-context.ts';
import type { RunDependencies } from './run-context.ts';
import { VersionConflictError } from './run-store.ts';
import { finish, move, toRestoring } from './transitions.ts';

export interface WorkerOptions {
  /** Names of all services whose production has to be right. */
  readonly services: () => readonly string[];
  /** After the decision is stored; not awaited by the next run's measuring. */
  readonly finished?: (run: RunRecord) => Promise<void>;
  /** What keeps the worker from working; it tries again. */
  readonly problem?: (error: Error) => void;
}

const IDLE_MS = 2_000;
const AFTER_PROBLEM_MS = 5_000;

export class Worker {
  readonly #deps: RunDependencies;
  readonly #options: WorkerOptions;
  readonly #stopping = new AbortController();
  #active: { readonly id: string; readonly controller: AbortController } | undefined;
  #wake: (() => void) | undefined;
  #recovered = false;
  #interrupted: RunRecord[] = [];
  #loop: Promise<void> | undefined;

  constructor(deps: RunDependencies, options: WorkerOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Id of the run being driven. */
  get activeRun(): string | undefined {
    return this.#active?.id;
  }

  start(): void {
    this.#loop ??= this.#work();
  }

  /** Claims nothing more and leaves the active run as it is stored; the next start deals with it. */
  async stop(): Promise<void> {
    const reason = new ShuttingDown();
    this.#stopping.abort(reason);
    this.#active?.controller.abort(reason);
    this.#wake?.();
    await this.#loop;
  }

  /** There is something to do: look now. */
  wake(): void {
    this.#wake?.();
  }

  /** Ends a run whose cancellation is stored, wherever it is. */
  async cancel(run: RunRecord): Promise<void> {
    if (run.cancel === undefined) return;
    if (this.#active?.id === run.id) {
      this.#active.controller.abort(cancelled(run.cancel.actor));
    } else if (run.phase === 'queued') {
      try {
        await this.#endQueued(run, cancelled(run.cancel.actor));
      } catch (error) {
        // Claimed at this very moment: the worker reads the cancellation with the claim.
        if (!(error instanceof VersionConflictError)) throw error;
        if (this.#active?.id === run.id) this.#active.controller.abort(cancelled(run.cancel.actor));
      }
    }
  }

  /**
   * Brings production of every service to what is in force and prepares runs found in the middle.
   * @throws the first error; everything is tried again then
   */
  async recover(): Promise<void> {
    for (const service of this.#options.services()) {
      await this.#deps.promotions.recover(service);
    }
    this.#interrupted = [...(await this.#deps.store.unfinishedRuns())];
    this.#recovered = true;
  }

  /** One piece of work: an interrupted run, else the oldest queued one. False when there is none. */
  async step(): Promise<boolean> {
    const interrupted = this.#interrupted[0];
    if (interrupted !== undefined) {
      await this.#drive(interrupted, true);
      this.#interrupted.shift();
      return true;
    }
    const [queued] = await this.#deps.store.queuedRuns();
    if (queued === undefined) return false;
    if (queued.cancel !== undefined) {
      await this.#endQueued(queued, cancelled(queued.cancel.actor));
      return true;
    }
    const at = isoNow(this.#deps.clock);
    let claimed: RunRecord;
    try {
      claimed = await this.#deps.store.updateRun(
        queued.id,
        queued.version,
        move(queued, 'queued', 'deploying', at),
      );
    } catch (error) {
      if (error instanceof VersionConflictError) return true;
      throw error;
    }
    await this.#drive(claimed, false);
    return true;
  }

  async #work(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        if (!this.#recovered) await this.recover();
        if (!(await this.step())) await this.#idle(IDLE_MS);
      } catch (error) {
        if (error instanceof ShuttingDown) break;
        // Whatever it was (the store, most likely): start again from what is stored.
        this.#recovered = false;
        this.#options.problem?.(asError(error));
        await this.#idle(AFTER_PROBLEM_MS);
      }
    }
  }

  async #drive(record: RunRecord, interrupted: boolean): Promise<void> {
    const controller = new AbortController();
    this.#active = { id: record.id, controller };
    try {
      if (this.#stopping.signal.aborted) throw new ShuttingDown();
      const profile = this.#deps.profiles[record.settings.profile];
      const cap = new Cap(this.#deps.clock, profile.capSeconds, (reason) => {
        controller.abort(reason);
      });
      try {
        await this.#driveWithin(record, interrupted, controller, cap);
      } finally {
        cap.stop();
      }
    } finally {
      this.#active = undefined;
    }
  }

  async #driveWithin(
    record: RunRecord,
    interrupted: boolean,
    controller: AbortController,
    cap: Cap,
  ): Promise<void> {
    let context: RunContext;
    try {
      context = new RunContext(this.#deps, record, controller.signal, cap);
    } catch (error) {
      await this.#endWithoutService(record, asError(error));
      return;
    }
    if (interrupted) await prepareInterrupted(context);
    else await context.tell('phase', 'deploying', { phase: 'deploying' });
    const stored = await this.#deps.store.run(record.id);
    if (stored?.cancel !== undefined) controller.abort(cancelled(stored.cancel.actor));
    await drive(context);
    await this.#options.finished?.(context.run);
  }

  async #endQueued(run: RunRecord, ending: RunEnding): Promise<void> {
    await this.#endStored(
      run,
      ending,
      'It was still queued: nothing was deployed, nothing had to be restored.',
    );
  }

  async #endWithoutService(run: RunRecord, error: Error): Promise<void> {
    await this.#endStored(
      run,
      new RunEnding('platform-failed', error.message),
      'Staging and production of the service were left as they are.',
    );
  }

  async #endStored(run: RunRecord, ending: RunEnding, rest: string): Promise<void> {
    const { clock, journal, store } = this.#deps;
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
            ending: { cause: ending.endCause, words: ending.message },
          });
    const ended = await store.updateRun(run.id, restoring.version, finish(restoring, answer, at));
    await journal.append(run.id, 'decision', `rollback (${answer.cause}): ${answer.summary}`, {
      decision: 'rollback',
      cause: answer.cause,
    });
    await this.#options.finished?.(ended);
  }

  async #idle(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = new AbortController();
    this.#wake = () => {
      resolve(undefined);
    };
    if (this.#stopping.signal.aborted) resolve(undefined);
    await Promise.race([
      promise,
      this.#deps.clock.sleep(milliseconds, timer.signal).catch(() => undefined),
    ]);
    timer.abort();
    this.#wake = undefined;
  }
}
