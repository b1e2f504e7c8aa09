/**
 * Production as it must be: the arm in force carries everything and nothing else is left over.
 * Used at the end of every run and promotion and when the service starts.
 */
import { asError, type Clock } from './clock.ts';
import { rethrowLeaving } from './endings.ts';
import { persist } from './persistence.ts';
import type { InForce } from './records.ts';
import type { RunStore } from './run-store.ts';
import type { Owner, World } from './world.ts';

export interface Settled {
  readonly inForce?: InForce;
  /** False when the arm in force is not on the platform any more: it has to be deployed again. */
  readonly present: boolean;
  /** Whether traffic had to be brought back. */
  readonly restored: boolean;
  /** Arms that were removed. */
  readonly removed: readonly string[];
  /** Why the arm in force is still beside the nodes that are production's for good; absent when it is not. */
  readonly beside?: string;
}

/** Fresh nodes one after the other, each drained: a deadline of its own, so that cleaning up gets its own, too. */
const TAKE_OVER_MS = 600_000;
const CLEANING_MS = 120_000;

export class Production {
  readonly #world: World;
  readonly #store: RunStore;
  readonly #clock: Clock;
  readonly #unsettled = new Set<string>();

  constructor(world: World, store: RunStore, clock: Clock) {
    this.#world = world;
    this.#store = store;
    this.#clock = clock;
  }

  /** Services whose production could not be brought back or cleaned up when that was tried last. */
  get unsettled(): ReadonlySet<string> {
    return this.#unsettled;
  }

  /** @throws the platform's error when production cannot be brought back or cleaned up */
  async settle(owner: Owner): Promise<Settled> {
    try {
      const settled = await persist(this.#clock, (signal) => this.#settleOnce(owner, signal));
      this.#unsettled.delete(owner.service);
      return settled;
    } catch (error) {
      rethrowLeaving(error);
      this.#unsettled.add(owner.service);
      throw error;
    }
  }

  async #settleOnce(owner: Owner, signal: AbortSignal): Promise<Settled> {
    const { inForce } = await this.#store.serviceState(owner.service);
    const observed = await this.#world.observe(owner.service, 'production');
    const others = observed.filter((observation) => observation.arm.id !== inForce?.armId);
    if (inForce === undefined) {
      return { present: true, restored: false, removed: await this.#remove(others, owner, signal) };
    }
    const own = observed.find(({ arm, leftover }) => arm.id === inForce.armId && leftover !== true);
    if (own === undefined) return { inForce, present: false, restored: false, removed: [] };
    const restored = own.weight !== 100 || others.some((observation) => observation.weight > 0);
    if (restored) await this.#world.restore(inForce.armId, owner, signal);
    const beside = own.besidePrimary === true ? await this.#takeOver(inForce, owner) : undefined;
    const cleaning = own.besidePrimary === true ? AbortSignal.timeout(CLEANING_MS) : signal;
    const removed = await this.#remove(others, owner, cleaning);
    return { inForce, present: true, restored, removed, ...(beside !== undefined && { beside }) };
  }

  /** In force it is either way: what keeps it from its place is told, and tried again the next time. */
  async #takeOver({ armId }: InForce, owner: Owner): Promise<string | undefined> {
    try {
      await this.#world.takeOver(armId, owner, AbortSignal.timeout(TAKE_OVER_MS));
      return undefined;
    } catch (error) {
      rethrowLeaving(error);
      return asError(error).message;
    }
  }

  async #remove(
    observations: readonly { readonly arm: { readonly id: string } }[],
    owner: Owner,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const removed: string[] = [];
    for (const { arm } of observations) {
      await this.#world.remove(arm.id, 'production', owner, signal);
      removed.push(arm.id);
    }
    return removed;
  }
}

/** What production runs, in words. */
export function describe(pair: {
  readonly build: string;
  readonly configurationHash: string;
}): string {
  return `build ${short(pair.build)} on configuration ${short(pair.configurationHash)}`;
}

/** The first characters of a digest, enough for a person. */
export function short(digest: string): string {
  return digest.slice(0, 12);
}
