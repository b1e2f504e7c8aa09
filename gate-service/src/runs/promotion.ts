/**
 * The one way a build and configuration get into production: for runs, people, restores and the
 * first version of a service. One at a time for each service; how it is done is in promotion-execution.ts.
 */
import { randomUUID } from 'node:crypto';
import { isoNow } from './clock.ts';
import { RunEnding, ShuttingDown } from './endings.ts';
import { broughtBack, isSame, supersededWords } from './in-force.ts';
import { KeyedLock } from './keyed-lock.ts';
import type { Settled } from './production.ts';
import { describe } from './production.ts';
import { PromotionExecution } from './promotion-execution.ts';
import type { PromotionDependencies, PromotionRequest } from './promotion-execution.ts';
import { PromotionHandle } from './promotion-handle.ts';
import type { BuildAndConfiguration, PromotionRecord } from './records.ts';
import type { Owner } from './world.ts';

export class Promotions {
  readonly #deps: PromotionDependencies;
  readonly #lock = new KeyedLock();
  /** Promotions that this process carries out or is about to: nothing to recover. */
  readonly #own = new Set<string>();

  readonly #stopping = new AbortController();
  readonly #execution: PromotionExecution;

  constructor(deps: PromotionDependencies) {
    this.#deps = deps;
    this.#execution = new PromotionExecution(deps, (request) => this.create(request));
  }

  /** For promotions that no run's signal ends: aborts when the service goes down. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Leaves promotions where they are stored; {@link recover} deals with them at the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort(new ShuttingDown());
    await this.#lock.idle();
  }

  /** Stores the promotion; {@link execute} has to follow at once. */
  async create(request: PromotionRequest, id: string = randomUUID()): Promise<PromotionRecord> {
    this.#own.add(id);
    try {
      return await this.#deps.store.createPromotion({
        ...request,
        id,
        createdAt: isoNow(this.#deps.clock),
        state: 'running',
        stage: 'queued',
        steps: [],
      });
    } catch (error) {
      this.#own.delete(id);
      throw error;
    }
  }

  /**
   * Brings production to what is in force and clears what is left over, while no promotion moves it.
   * @throws the platform's error when that cannot be done
   */
  settle(owner: Owner): Promise<Settled> {
    return this.#lock.run(owner.service, async () => {
      const settled = await this.#deps.production.settle(owner);
      if (settled.present) return settled;
      await this.#execution.reinstate(owner.service);
      return { ...(await this.#deps.production.settle(owner)), restored: true };
    });
  }

  /**
   * Carries a stored promotion out. A failure before the new nodes are in force leads back to the
   * old ones and is told by the record's state, not thrown.
   * @param judgedAgainst what production must still run, now that no other promotion moves it
   * @throws ShuttingDown, with everything left as it is for the next start; RunEnding `superseded`
   *   when production runs something else than `judgedAgainst`
   */
  async execute(
    id: string,
    signal: AbortSignal,
    judgedAgainst?: { readonly inForce: BuildAndConfiguration | undefined },
  ): Promise<PromotionRecord> {
    this.#own.add(id);
    try {
      const record = await this.#deps.store.promotion(id);
      if (record === undefined) throw new Error(`promotion ${id} is not stored`);
      return await this.#lock.run(record.service, async () => {
        if (judgedAgainst !== undefined) await this.#requireInForce(record, judgedAgainst.inForce);
        return this.#execution.carryOut(record, signal);
      });
    } finally {
      this.#own.delete(id);
    }
  }

  /**
   * The first version of a service, by the same path and unjudged. Nothing happens when something
   * is in force.
   * @throws Error with the promotion's summary when it did not complete
   */
  async ensureProduction(
    service: string,
    first: BuildAndConfiguration,
    actor: string,
  ): Promise<PromotionRecord | undefined> {
    const { inForce } = await this.#deps.store.serviceState(service);
    if (inForce !== undefined) return undefined;
    const record = await this.create({
      service,
      build: first.build,
      configurationHash: first.configurationHash,
      origin: 'initial',
      actor,
      reason: 'the first version of the service',
    });
    const ended = await this.execute(record.id, this.signal);
    if (ended.state !== 'completed') throw new Error(ended.summary ?? `promotion ${ended.state}`);
    return ended;
  }

  /**
   * After a restart: a promotion whose new nodes are in force is completed, any other is brought
   * back; production never stays at weights in between.
   */
  async recover(service: string): Promise<void> {
    await this.#lock.run(service, async () => {
      const { items } = await this.#deps.store.promotions(
        { service, state: 'running' },
        { limit: 200 },
      );
      const { present } = await this.#deps.production.settle({ service });
      for (const record of items.filter(({ id }) => !this.#own.has(id))) {
        const { inForce } = await this.#deps.store.serviceState(service);
        const handle = new PromotionHandle(this.#deps, record);
        if (inForce?.promotionId === record.id) {
          await handle.end('completed', `${describe(record)} is in force; the old nodes are gone`);
        } else {
          await handle.end(
            'failed',
            `the gate service was restarted while it was ${record.stage}: ${broughtBack(inForce)}`,
          );
        }
      }
      if (!present) await this.#execution.reinstate(service);
    });
  }

  async #requireInForce(
    record: PromotionRecord,
    expected: BuildAndConfiguration | undefined,
  ): Promise<void> {
    const { inForce } = await this.#deps.store.serviceState(record.service);
    if (isSame(inForce, expected)) return;
    const words = supersededWords(inForce);
    await new PromotionHandle(this.#deps, record).end('returned', words);
    throw new RunEnding('superseded', words);
  }
}
