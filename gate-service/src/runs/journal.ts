/** Events of runs: stored first, then told to whoever listens, on whichever replica. */
import type { Clock } from './clock.ts';
import { isoNow } from './clock.ts';
import { Follower } from './follower.ts';
import type { EventListener } from './follower.ts';
import type { RunEvent } from './run.ts';
import type { RunStore } from './run-store.ts';

export type { EventListener } from './follower.ts';

export class Journal {
  readonly #store: RunStore;
  readonly #clock: Clock;
  readonly #followers = new Map<string, Follower>();

  constructor(store: RunStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** @param message one line for a person; neither it nor `data` may hold a secret */
  async append(
    runId: string,
    type: RunEvent['type'],
    message: string,
    data: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const event = await this.#store.appendEvent({
      runId,
      at: isoNow(this.#clock),
      type,
      message,
      data,
    });
    this.#followers.get(runId)?.appended(event);
  }

  /**
   * Tells the listener every event of the run, in order and each once, also those that another replica
   * appends; the store is asked for these while somebody listens. What was there before may be told as well.
   */
  subscribe(runId: string, listener: EventListener): () => void {
    const follower = this.#followers.get(runId) ?? new Follower(this.#store, this.#clock, runId);
    this.#followers.set(runId, follower);
    const leave = follower.join(listener);
    return () => {
      leave();
      if (!follower.isAlone || this.#followers.get(runId) !== follower) return;
      follower.end();
      this.#followers.delete(runId);
    };
  }
}
