/** A lease while this process has it: renewed, confirmed, given back, or lost. */
import { asError } from './clock.ts';
import type { Clock } from './clock.ts';
import type { Fence } from './driving.ts';
import { DrivingLost } from './endings.ts';
import type { Lease, RunStore } from './run-store.ts';

export type LeaseStore = Pick<RunStore, 'acquireLease' | 'leases' | 'releaseLease' | 'renewLease'>;

/** How long a lease lasts after it was renewed. */
export const LEASE_SECONDS = 15;
const RENEW_MS = 5_000;
/** A renewal that failed is tried again sooner. */
const RETRY_MS = 1_000;
/**
 * It counts as lost so long before it has run out: time for what is under way to stop before another
 * process may begin.
 */
const MARGIN_MS = 3_000;
const SAFE_MS = LEASE_SECONDS * 1000 - MARGIN_MS;
const LATE = `the store could not be asked for ${SAFE_MS / 1000} s`;

export class HeldLease implements Fence {
  readonly #store: LeaseStore;
  readonly #clock: Clock;
  readonly #lost = new AbortController();
  readonly #done = new AbortController();
  #lease: Lease;
  /** When it was last asked for with success: from before the asking, so that the store's own count is never behind. */
  #asked: Instant;

  private constructor(store: LeaseStore, clock: Clock, lease: Lease, asked: Instant) {
    this.#store = store;
    this.#clock = clock;
    this.#lease = lease;
    this.#asked = asked;
    void this.#keep();
    void this.#watch();
  }

  /** Undefined when somebody else has it. */
  static async acquire(
    store: LeaseStore,
    clock: Clock,
    name: string,
    holder: string,
  ): Promise<HeldLease | undefined> {
    const asked = instant(clock);
    const lease = await store.acquireLease(name, holder, LEASE_SECONDS);
    return lease === undefined ? undefined : new HeldLease(store, clock, lease, asked);
  }

  /** Aborts with {@link DrivingLost} when the lease is lost. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async confirm(): Promise<{ readonly holder: string; readonly token: number }> {
    this.#lost.signal.throwIfAborted();
    await this.#renew();
    this.#lost.signal.throwIfAborted();
    return { holder: this.#lease.holder, token: this.#lease.token };
  }

  requireTime(): void {
    if (this.#leftMs() <= 0) this.#lose(LATE);
    this.#lost.signal.throwIfAborted();
  }

  /** Another process may have it at once. */
  async release(): Promise<void> {
    this.#done.abort();
    if (!this.#lost.signal.aborted) await this.#store.releaseLease(this.#lease);
  }

  async #renew(): Promise<void> {
    const asked = instant(this.#clock);
    const renewed = await this.#store.renewLease(this.#lease, LEASE_SECONDS);
    if (renewed === undefined) {
      this.#lose('another one has taken the lease over');
      return;
    }
    this.#lease = renewed;
    if (asked.steady >= this.#asked.steady) this.#asked = asked;
  }

  async #keep(): Promise<void> {
    const signal = this.#over;
    let pause = RENEW_MS;
    while (await this.#slept(pause, signal)) {
      try {
        await this.#renew();
        pause = RENEW_MS;
      } catch {
        // The store is away: #watch tells when that has lasted too long.
        pause = RETRY_MS;
      }
    }
  }

  async #watch(): Promise<void> {
    const signal = this.#over;
    for (let left = this.#leftMs(); left > 0; left = this.#leftMs()) {
      if (!(await this.#slept(left, signal))) return;
    }
    this.#lose(LATE);
  }

  /** The wall clock may be set back, the other one stands still while the machine sleeps: the later one counts. */
  #leftMs(): number {
    const { steady, wall } = instant(this.#clock);
    return SAFE_MS - Math.max(wall - this.#asked.wall, steady - this.#asked.steady);
  }

  get #over(): AbortSignal {
    return AbortSignal.any([this.#lost.signal, this.#done.signal]);
  }

  async #slept(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#clock.sleep(milliseconds, signal);
      return !signal.aborted;
    } catch {
      return false;
    }
  }

  #lose(why: string): void {
    if (!this.#done.signal.aborted) this.#lost.abort(asError(new DrivingLost(why)));
  }
}

interface Instant {
  readonly wall: number;
  readonly steady: number;
}

function instant(clock: Clock): Instant {
  return { wall: clock.now(), steady: clock.steady?.() ?? clock.now() };
}
