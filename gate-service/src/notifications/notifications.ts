/** Puts the parts of this room together: notices go into the store, a courier takes them to their endpoints. */
import type { Notice, Notifier } from '../runs/notifier.ts';
import type { DeliveryRecord } from '../runs/records.ts';
import { catchUp } from './catch-up.ts';
import type { CatchUpStore } from './catch-up.ts';
import { Courier } from './courier.ts';
import type { CourierStore } from './courier.ts';
import type { WebhookSettings } from './endpoint.ts';
import { Outbox } from './outbox.ts';
import type { OutboxStore } from './outbox.ts';

export type NotificationStore = OutboxStore & CourierStore & CatchUpStore;

export interface NotificationOptions {
  readonly store: NotificationStore;
  readonly settings: WebhookSettings;
  /** Unique to this process. */
  readonly holder: string;
  /** After every attempt at a delivery, with its outcome. */
  readonly attempted?: (delivery: DeliveryRecord, milliseconds: number) => void;
  /** What keeps messages from being stored or sent; it is tried again. */
  readonly problem: (error: Error) => void;
  readonly now?: () => Date;
  readonly random?: () => number;
  /** How often is looked for what is due, in milliseconds; default 1,000. */
  readonly everyMs?: number;
}

/** What happened while the store was away is found again so often. */
const CATCH_UP_MS = 60_000;
/** A pass looks back beyond the one before it: what was stored meanwhile carries an earlier time. */
const OVERLAP_MS = 10 * 60_000;
const DAY_MS = 24 * 3_600_000;

export class Notifications implements Notifier {
  readonly #options: NotificationOptions;
  readonly #outbox: Outbox;
  readonly #courier: Courier;
  readonly #now: () => Date;
  readonly #everyMs: number;
  readonly #stopping = new AbortController();
  #wake: (() => void) | undefined;
  #loop: Promise<void> | undefined;
  #caughtUpTo: Date | undefined;

  constructor(options: NotificationOptions) {
    const { attempted, holder, problem, settings, store } = options;
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
    this.#everyMs = options.everyMs ?? 1_000;
    this.#outbox = new Outbox(store, settings, this.#now);
    this.#courier = new Courier({
      store,
      endpoints: settings.endpoints,
      holder,
      now: this.#now,
      random: options.random ?? Math.random,
      attempted: (delivery, milliseconds) => {
        attempted?.(delivery, milliseconds);
        this.#wake?.();
      },
      problem,
    });
  }

  /** See the port. */
  async notify(notice: Notice): Promise<void> {
    try {
      await this.#outbox.add(notice);
      this.#wake?.();
    } catch (error) {
      this.#options.problem(asError(error));
    }
  }

  /** Catches up, then sends what is due until {@link stop}. */
  start(): void {
    if (this.#options.settings.endpoints.length > 0) this.#loop ??= this.#work();
  }

  /** Ends attempts that are under way: they are due again at the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#courier.abort();
    this.#wake?.();
    await this.#loop;
    await this.#courier.idle();
  }

  async #work(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#outbox.introduce();
        await this.#catchUp();
        await this.#courier.collect();
      } catch (error) {
        this.#options.problem(asError(error));
      }
      await this.#idle();
    }
  }

  async #catchUp(): Promise<void> {
    const now = this.#now();
    const last = this.#caughtUpTo?.getTime();
    if (last !== undefined && now.getTime() - last < CATCH_UP_MS) return;
    const since = new Date(last === undefined ? now.getTime() - DAY_MS : last - OVERLAP_MS);
    await catchUp(this.#options.store, this.#outbox, since, now);
    this.#caughtUpTo = now;
  }

  async #idle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#wake = () => {
      resolve(undefined);
    };
    if (this.#stopping.signal.aborted) resolve(undefined);
    const timer = setTimeout(() => {
      resolve(undefined);
    }, this.#everyMs);
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
