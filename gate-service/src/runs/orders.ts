/**
 * What reaches the driving replica through the store: cancellations, newer runs that take the place of
 * queued ones, promotions and overrides that people have ordered, wherever they did.
 */
import { endStored } from './ended-early.ts';
import { RunEnding } from './endings.ts';
import { cancelled } from './recovery.ts';
import type { RunRecord } from './records.ts';
import type { RunDependencies } from './run-context.ts';
import { VersionConflictError } from './run-store.ts';

export interface OrdersOptions {
  readonly activeRun: () => string | undefined;
  /** Ends the run that is being driven. */
  readonly abort: (runId: string, reason: RunEnding) => void;
  readonly finished?: (run: RunRecord) => Promise<void>;
  /** Acts on overrides whose time has come. */
  readonly people?: () => Promise<void>;
  readonly problem: (error: Error) => void;
}

const UNTOUCHED = 'It was still queued: nothing was deployed, nothing had to be restored.';

export class Orders {
  readonly #deps: RunDependencies;
  readonly #options: OrdersOptions;

  constructor(deps: RunDependencies, options: OrdersOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** @throws errors of the store */
  async attend(): Promise<void> {
    await this.#cancelActive();
    await this.endQueued();
    await this.#options.people?.();
    await this.#deps.promotions.startQueued((error) => {
      this.#options.problem(error);
    });
  }

  /** Ends queued runs that were cancelled, or whose place a newer one takes. */
  async endQueued(): Promise<void> {
    const queued = await this.#deps.store.queuedRuns();
    for (const [place, run] of queued.entries()) {
      if (run.cancel !== undefined) {
        await this.#end(run, cancelled(run.cancel.actor));
        continue;
      }
      const newer = this.#supersedes(run.service)
        ? queued.slice(place + 1).findLast((other) => takesPlaceOf(other, run))
        : undefined;
      if (newer === undefined) continue;
      const name = newer.label === undefined ? newer.id : `${newer.id} (${newer.label})`;
      await this.#end(
        run,
        new RunEnding('superseded', `run ${name} of the same service took its place in the queue`),
        newer.id,
      );
    }
  }

  async #cancelActive(): Promise<void> {
    const id = this.#options.activeRun();
    const run = id === undefined ? undefined : await this.#deps.store.run(id);
    if (run?.cancel !== undefined) this.#options.abort(run.id, cancelled(run.cancel.actor));
  }

  async #end(run: RunRecord, ending: RunEnding, supersededBy?: string): Promise<void> {
    try {
      const more = supersededBy === undefined ? {} : { supersededBy };
      const ended = await endStored(this.#deps, run, ending, UNTOUCHED, more);
      await this.#options.finished?.(ended);
    } catch (error) {
      // Claimed or ended at this very moment: looked at again with what is stored then.
      if (!(error instanceof VersionConflictError)) throw error;
    }
  }

  #supersedes(service: string): boolean {
    try {
      return this.#deps.catalogue(service).supersede;
    } catch {
      return false;
    }
  }
}

/** A newer run of the same service that asks the same question; what is cancelled takes nobody's place. */
function takesPlaceOf(newer: RunRecord, run: RunRecord): boolean {
  return (
    newer.cancel === undefined &&
    newer.service === run.service &&
    newer.settings.against === run.settings.against
  );
}
