/** Events of runs: stored first, then told to whoever listens. */
import type { Clock } from './clock.ts';
import { isoNow } from './clock.ts';
import type { RunEvent } from './run.ts';
import type { RunStore } from './run-store.ts';

export type EventListener = (event: RunEvent) => void;

export class Journal {
  readonly #store: RunStore;
  readonly #clock: Clock;
  readonly #listeners = new Map<string, Set<EventListener>>();

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
    for (const listener of this.#listeners.get(runId) ?? []) {
      try {
        listener(event);
      } catch {
        // A listener is somebody's open connection: its failure is not the run's.
      }
    }
  }

  subscribe(runId: string, listener: EventListener): () => void {
    const listeners = this.#listeners.get(runId) ?? new Set();
    this.#listeners.set(runId, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(runId) === listeners) {
        this.#listeners.delete(runId);
      }
    };
  }
}
