/** Follows the events of one run in the store for everybody who listens to it in this process. */
import type { Clock } from './clock.ts';
import type { RunEvent } from './run.ts';
import type { RunStore } from './run-store.ts';

export type EventListener = (event: RunEvent) => void;

/** Events of a run that another replica drives are this late at most, on top of what the store takes. */
const POLL_MS = 500;
const EVENTS_PER_READ = 1_000;

export class Follower {
  readonly #store: Pick<RunStore, 'events'>;
  readonly #clock: Clock;
  readonly #runId: string;
  readonly #listeners = new Set<{ readonly tell: EventListener }>();
  readonly #ended = new AbortController();
  /** Sequence of the last event that was told; undefined before the store was read for the first time. */
  #last: number | undefined;
  #reading = false;
  #readAgain = false;

  constructor(store: Pick<RunStore, 'events'>, clock: Clock, runId: string) {
    this.#store = store;
    this.#clock = clock;
    this.#runId = runId;
    void this.#poll();
  }

  /** Whether nobody listens any more. */
  get isAlone(): boolean {
    return this.#listeners.size === 0;
  }

  /** @returns takes the listener away */
  join(listener: EventListener): () => void {
    const own = { tell: listener };
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  /** This process has stored an event: the next one in turn is told at once, otherwise the store is read. */
  appended(event: RunEvent): void {
    if (this.#last !== undefined && !this.#reading && event.sequence === this.#last + 1) {
      this.#tell(event);
    } else if (this.#last === undefined || event.sequence > this.#last) {
      void this.#read();
    }
  }

  end(): void {
    this.#ended.abort();
  }

  async #poll(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await this.#read();
      await this.#clock.sleep(POLL_MS, signal).catch(() => undefined);
    }
  }

  /** One read at a time, so that the order of telling is that of the sequences. */
  async #read(): Promise<void> {
    this.#readAgain = true;
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (this.#readAgain && !this.#ended.signal.aborted) {
        this.#readAgain = false;
        const events = await this.#store.events(this.#runId, this.#last ?? 0, EVENTS_PER_READ);
        this.#last ??= 0;
        for (const event of events) this.#tell(event);
        if (events.length === EVENTS_PER_READ) this.#readAgain = true;
      }
    } catch {
      // The store is away: the next poll reads from where this one has stopped.
    } finally {
      this.#reading = false;
    }
  }

  #tell(event: RunEvent): void {
    this.#last = event.sequence;
    for (const { tell } of this.#listeners) {
      try {
        tell(event);
      } catch {
        // A listener is somebody's open connection: its failure is not the run's.
      }
    }
  }
}
