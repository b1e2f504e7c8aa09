/** Exactly one replica drives: it holds the lease, and only while it does it touches platform, runs and promotions. */
import { asError } from './clock.ts';
import type { Clock } from './clock.ts';
import { DRIVER_LEASE } from './driving.ts';
import type { Driving, Fence } from './driving.ts';
import { DrivingLost, ShuttingDown } from './endings.ts';
import { HeldLease } from './held-lease.ts';
import type { LeaseStore } from './held-lease.ts';

export interface DriverOptions {
  readonly store: LeaseStore;
  readonly clock: Clock;
  /** Unique to this process; for a person too. */
  readonly holder: string;
  /** Whether the process of this name is known to be gone, so that nobody has to wait for its lease to run out. */
  readonly isGone: (holder: string) => boolean;
  /** Starts or adopts the world. @throws when that cannot be done; it is tried again later */
  readonly begin: () => Promise<void>;
  /** Drives until the signal aborts, and leaves everything as it is stored then. */
  readonly drive: (signal: AbortSignal) => Promise<void>;
  /** Lets go of the world, which goes on by itself. */
  readonly end: () => Promise<void>;
  /** This replica drives now, or stands by for somebody else. */
  readonly changed?: (driving: Driving) => void;
  /** What keeps this replica from driving, or from finding out whether it may. */
  readonly problem?: (error: Error) => void;
}

/** A standby asks so often whether it may drive. */
const ASK_MS = 1_000;
const AFTER_PROBLEM_MS = 5_000;

export class Driver implements Fence {
  readonly #options: DriverOptions;
  readonly #stopping = new AbortController();
  readonly #first = Promise.withResolvers<'driving' | 'standby'>();
  #loop: Promise<void> | undefined;
  #lease: HeldLease | undefined;
  #driving: Driving = { here: false };

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  /** Who drives, as last seen. */
  get driving(): Driving {
    return this.#driving;
  }

  /**
   * Begins to drive, or to stand by for it, and answers which of them it was at first.
   * @throws the first error when the world could not be started: nothing is tried again then
   */
  start(): Promise<'driving' | 'standby'> {
    this.#loop ??= this.#run();
    return this.#first.promise;
  }

  /** Leaves everything as it is stored and gives the lease back, so that another replica drives at once. */
  async stop(): Promise<void> {
    this.#stopping.abort(new ShuttingDown());
    await this.#loop;
  }

  /** @throws DrivingLost; errors of the store */
  async confirm(): Promise<{ readonly holder: string; readonly token: number }> {
    return this.#held().confirm();
  }

  /** @throws DrivingLost */
  requireTime(): void {
    this.#held().requireTime();
  }

  #held(): HeldLease {
    if (this.#lease === undefined) throw new DrivingLost('it has no lease');
    return this.#lease;
  }

  async #run(): Promise<void> {
    const { problem } = this.#options;
    let settled = false;
    while (!this.#stopping.signal.aborted) {
      try {
        const lease = await this.#acquire();
        if (lease === undefined) {
          this.#first.resolve('standby');
          settled = true;
          await this.#pause(ASK_MS);
          continue;
        }
        await this.#tenure(lease, () => {
          this.#first.resolve('driving');
          settled = true;
        });
      } catch (error) {
        if (!settled) {
          this.#first.reject(asError(error));
          return;
        }
        problem?.(asError(error));
        await this.#pause(AFTER_PROBLEM_MS);
      }
    }
    this.#first.resolve('standby');
  }

  async #acquire(): Promise<HeldLease | undefined> {
    const { clock, holder, isGone, store } = this.#options;
    const lease = await HeldLease.acquire(store, clock, DRIVER_LEASE, holder);
    if (lease !== undefined) return lease;
    const other = (await store.leases()).find(({ name }) => name === DRIVER_LEASE);
    if (other !== undefined && isGone(other.holder)) {
      await store.releaseLease(other);
      return HeldLease.acquire(store, clock, DRIVER_LEASE, holder);
    }
    this.#tell({ here: false, ...(other === undefined ? {} : { holder: other.holder }) });
    return undefined;
  }

  async #tenure(lease: HeldLease, began: () => void): Promise<void> {
    const { begin, drive, end, holder } = this.#options;
    this.#lease = lease;
    const signal = AbortSignal.any([this.#stopping.signal, lease.lost]);
    try {
      await begin();
      this.#tell({ here: true, holder });
      began();
      try {
        await drive(signal);
      } finally {
        await end();
      }
      if (lease.lost.aborted) throw asError(lease.lost.reason);
    } finally {
      this.#lease = undefined;
      this.#tell({ here: false });
      await this.#giveBack(lease);
    }
  }

  /** What cannot be given back runs out by itself. */
  async #giveBack(lease: HeldLease): Promise<void> {
    try {
      await lease.release();
    } catch (error) {
      this.#options.problem?.(asError(error));
    }
  }

  #tell(driving: Driving): void {
    const { here, holder } = this.#driving;
    if (here === driving.here && holder === driving.holder) return;
    this.#driving = driving;
    this.#options.changed?.(driving);
  }

  async #pause(milliseconds: number): Promise<void> {
    await this.#options.clock.sleep(milliseconds, this.#stopping.signal).catch(() => undefined);
  }
}
