/** Takes queued runs one at a time, drives them, and deals with what an earlier process has left in the middle. */
import { Cap } from './cap.ts';
import { asError, isoNow } from './clock.ts';
import { drive } from './drive.ts';
import { endStored } from './ended-early.ts';
import { RunEnding, ShuttingDown } from './endings.ts';
import { Orders } from './orders.ts';
import { Pauses } from './pauses.ts';
import { cancelled, prepareInterrupted, tellMissingDecisions } from './recovery.ts';
import type { RunRecord } from './records.ts';
import { RunContext } from './run-context.ts';
import type { RunDependencies } from './run-context.ts';
import { VersionConflictError } from './run-store.ts';
import { move } from './transitions.ts';

export interface WorkerOptions {
  /** Names of all services whose production has to be right. */
  readonly services: () => readonly string[];
  /** After the decision is stored. */
  readonly finished?: (run: RunRecord) => Promise<void>;
  /** Acts on what people have ordered meanwhile; called about once a second. */
  readonly orders?: () => Promise<void>;
  /** What keeps the worker from working; it tries again. */
  readonly problem?: (error: Error) => void;
}

/** How often the store is looked at for what other replicas have stored there. */
const LOOK_MS = 1_000;
const AFTER_PROBLEM_MS = 5_000;

export class Worker {
  readonly #deps: RunDependencies;
  readonly #options: WorkerOptions;
  readonly #orders: Orders;
  readonly #pauses: Pauses;
  #active: { readonly id: string; readonly controller: AbortController } | undefined;
  /** Aborts when this process has to stop driving. */
  #leaving: AbortSignal = new AbortController().signal;
  #recovered = false;
  /** Something went wrong beside the run that is driven: looked after when that has ended. */
  #recoverNext = false;
  #interrupted: RunRecord[] = [];

  constructor(deps: RunDependencies, options: WorkerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#pauses = new Pauses(deps.clock);
    this.#orders = new Orders(deps, {
      abort: (runId, reason) => {
        if (this.#active?.id === runId) this.#active.controller.abort(reason);
      },
      activeRun: () => this.#active?.id,
      ...(options.finished === undefined ? {} : { finished: options.finished }),
      ...(options.orders === undefined ? {} : { people: options.orders }),
      problem: (error) => {
        this.#recoverNext = true;
        options.problem?.(error);
      },
    });
  }

  /** Id of the run being driven. */
  get activeRun(): string | undefined {
    return this.#active?.id;
  }

  /**
   * Recovers, then works until the signal aborts with {@link ShuttingDown}. Claims nothing more then, and
   * leaves runs and promotions as they are stored; whoever drives next deals with them.
   */
  async work(signal: AbortSignal): Promise<void> {
    this.#leaving = signal;
    this.#recovered = false;
    this.#deps.promotions.begin();
    const attending = this.#attend(signal);
    try {
      await this.#drain(signal);
    } finally {
      const reason: unknown = signal.reason;
      await this.#deps.promotions.halt(reason instanceof ShuttingDown ? reason : undefined);
      this.#pauses.end();
      await attending;
    }
  }

  /** There is something to do: look now. No effect where another replica drives; it looks by itself. */
  wake(): void {
    this.#pauses.end();
  }

  /**
   * Brings production of every service to what is in force and prepares runs found in the middle. A service whose
   * production cannot be brought back keeps no other one waiting.
   * @throws errors of the store; everything is tried again then
   */
  async recover(): Promise<void> {
    const { store, world } = this.#deps;
    this.#recoverNext = false;
    const services = this.#options.services();
    for (const service of services) await this.#recoverProduction(service);
    await world.closeOpenIntents();
    await tellMissingDecisions(this.#deps, services);
    this.#interrupted = [...(await store.unfinishedRuns())];
    this.#recovered = true;
  }

  async #recoverProduction(service: string): Promise<void> {
    const { promotions } = this.#deps;
    try {
      await promotions.recover(service);
    } catch (error) {
      if (error instanceof ShuttingDown || !promotions.isUnsettled(service)) throw error;
      this.#options.problem?.(asError(error));
    }
  }

  /** What people and other replicas have ordered through the store since the last time. */
  attend(): Promise<void> {
    return this.#orders.attend();
  }

  /** One piece of work: an interrupted run, else the oldest queued one. False when there is none. */
  async step(): Promise<boolean> {
    const interrupted = this.#interrupted[0];
    if (interrupted !== undefined) {
      await this.#drive(interrupted, true);
      this.#interrupted.shift();
      return true;
    }
    await this.#orders.endQueued();
    const [queued] = await this.#deps.store.queuedRuns();
    if (queued === undefined) return false;
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

  async #drain(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (!this.#recovered || this.#recoverNext) await this.recover();
        if (!(await this.step())) await this.#pauses.pause(LOOK_MS, signal);
      } catch (error) {
        if (error instanceof ShuttingDown) return;
        await this.#startAgain(error, signal);
      }
    }
  }

  /** Beside the run that is driven: people's orders do not wait for its end. */
  async #attend(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#recovered) await this.attend();
        await this.#pauses.pause(LOOK_MS, signal);
      } catch (error) {
        if (error instanceof ShuttingDown) return;
        this.#recoverNext = true;
        this.#options.problem?.(asError(error));
        await this.#pauses.pause(LOOK_MS, signal);
      }
    }
  }

  /** Whatever it was (the store, most likely): from what is stored. */
  async #startAgain(error: unknown, signal: AbortSignal): Promise<void> {
    this.#recovered = false;
    this.#options.problem?.(asError(error));
    await this.#pauses.pause(AFTER_PROBLEM_MS, signal);
  }

  async #drive(record: RunRecord, interrupted: boolean): Promise<void> {
    const controller = new AbortController();
    const leaving = this.#leaving;
    const leave = (): void => {
      controller.abort(leaving.reason);
    };
    this.#active = { id: record.id, controller };
    try {
      leaving.throwIfAborted();
      leaving.addEventListener('abort', leave, { once: true });
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
      leaving.removeEventListener('abort', leave);
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

  async #endWithoutService(run: RunRecord, error: Error): Promise<void> {
    const ended = await endStored(
      this.#deps,
      run,
      new RunEnding('platform-failed', error.message),
      'Staging and production of the service were left as they are.',
    );
    await this.#options.finished?.(ended);
  }
}
