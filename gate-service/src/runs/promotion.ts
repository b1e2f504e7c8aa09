/**
 * The one way a build and configuration get into production: for runs, people, restores and the
 * first version of a service. Make before break: the old nodes leave last, and until the new ones
 * are stored as in force every failure leads back to them.
 */
import { randomUUID } from 'node:crypto';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Arm } from '../platforms/platform.ts';
import { asError, isoNow } from './clock.ts';
import { RunEnding, ShuttingDown } from './endings.ts';
import { KeyedLock } from './keyed-lock.ts';
import type { StepJudge } from './ports.ts';
import type { Production, Settled } from './production.ts';
import { describe } from './production.ts';
import { deployAndWarm } from './promotion-deploy.ts';
import type { DeployDependencies } from './promotion-deploy.ts';
import { PromotionHandle } from './promotion-handle.ts';
import { PromotionReturned, raiseWeights } from './promotion-steps.ts';
import type {
  BuildAndConfiguration,
  InForce,
  PromotionOrigin,
  PromotionRecord,
} from './records.ts';
import type { Owner } from './world.ts';

export interface PromotionDependencies extends DeployDependencies {
  readonly production: Production;
  readonly telemetry: Telemetry;
  readonly judge: StepJudge;
}

export interface PromotionRequest extends BuildAndConfiguration {
  readonly service: string;
  readonly origin: PromotionOrigin;
  readonly actor: string;
  readonly reason: string;
  readonly runId?: string;
}

export class Promotions {
  readonly #deps: PromotionDependencies;
  readonly #lock = new KeyedLock();
  /** Promotions that this process carries out or is about to: nothing to recover. */
  readonly #own = new Set<string>();

  readonly #stopping = new AbortController();

  constructor(deps: PromotionDependencies) {
    this.#deps = deps;
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
      await this.#reinstate(owner.service);
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
        return this.#carryOut(record, signal);
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
      if (!present) await this.#reinstate(service);
    });
  }

  /** Deploys what is in force again when its nodes are gone from the platform. Call within the lock. */
  async #reinstate(service: string): Promise<void> {
    const { inForce } = await this.#deps.store.serviceState(service);
    if (inForce === undefined) return;
    const record = await this.create({
      service,
      build: inForce.build,
      configurationHash: inForce.configurationHash,
      origin: 'restore',
      actor: 'speed-gate',
      reason: 'the nodes in force were gone',
    });
    const handle = new PromotionHandle(this.#deps, record);
    try {
      await this.#deployFirst(handle, new AbortController().signal);
    } catch (error) {
      await handle.end(
        'failed',
        `${describe(inForce)} is not in production and could not be brought up: ${asError(error).message}`,
      );
    }
  }

  async #carryOut(record: PromotionRecord, signal: AbortSignal): Promise<PromotionRecord> {
    const handle = new PromotionHandle(this.#deps, record);
    try {
      const { inForce } = await this.#deps.store.serviceState(record.service);
      const present = inForce !== undefined && (await this.#isThere(record.service, inForce));
      if (present && isSame(inForce, record)) {
        return await handle.end(
          'completed',
          `${describe(record)} is in force already: nothing had to be promoted`,
        );
      }
      if (present) await this.#replace(handle, inForce, signal);
      else await this.#deployFirst(handle, signal);
    } catch (error) {
      const reason = signal.aborted ? asError(signal.reason) : asError(error);
      if (reason instanceof ShuttingDown) throw reason;
      if (handle.record.state === 'running') await this.#goBack(handle, reason);
    }
    return handle.record;
  }

  async #requireInForce(
    record: PromotionRecord,
    expected: BuildAndConfiguration | undefined,
  ): Promise<void> {
    const { inForce } = await this.#deps.store.serviceState(record.service);
    const same =
      expected === undefined || inForce === undefined
        ? expected === inForce
        : isSame(inForce, expected);
    if (same) return;
    const words = supersededWords(inForce);
    await new PromotionHandle(this.#deps, record).end('returned', words);
    throw new RunEnding('superseded', words);
  }

  async #isThere(service: string, inForce: InForce): Promise<boolean> {
    const observed = await this.#deps.world.observe(service, 'production');
    return observed.some((observation) => observation.arm.id === inForce.armId);
  }

  /** Beside nodes that are in force. */
  async #replace(handle: PromotionHandle, inForce: InForce, signal: AbortSignal): Promise<void> {
    const { clock, judge, telemetry, world } = this.#deps;
    const service = this.#deps.catalogue(handle.record.service);
    await handle.update({ currentArmId: inForce.armId });
    const canary = await deployAndWarm(this.#deps, handle, 'canary', signal);
    await handle.update({ stage: 'weighting' });
    await raiseWeights(
      {
        service: service.name,
        canaryArmId: canary.id,
        currentArmId: inForce.armId,
        telemetry,
        judge,
        world,
        clock,
        minimumRequests: service.promotion.minimumRequests,
      },
      service.promotion,
      handle.owner,
      {
        raising: async (weight) => {
          if (weight === 100) await handle.update({ stage: 'holding' });
          await handle.tell(`${weight} % of production goes to the new nodes`, { weight });
        },
        ended: async (step) => {
          await handle.update({ steps: [...handle.record.steps, step] });
          await handle.tell(step.sentence, { weight: step.weight, outcome: step.outcome });
        },
      },
      signal,
    );
    signal.throwIfAborted();
    await this.#putInForce(handle, canary);
    await this.#drain(handle);
  }

  /** Where nothing is in force, or its nodes are gone: there is nothing to compare with and nothing to go back to. */
  async #deployFirst(handle: PromotionHandle, signal: AbortSignal): Promise<void> {
    const arm = await deployAndWarm(this.#deps, handle, 'current', signal);
    signal.throwIfAborted();
    const before = await this.#deps.store.serviceState(handle.record.service);
    // In force first: a restart in between brings the traffic to it.
    await this.#putInForce(handle, arm);
    try {
      await this.#deps.world.routeProduction(
        { service: handle.record.service, weights: [{ armId: arm.id, weight: 100 }] },
        handle.owner,
        signal,
      );
    } catch (error) {
      const now = await this.#deps.store.serviceState(handle.record.service);
      await this.#deps.store.saveServiceState(handle.record.service, now.version, {
        ...(before.inForce === undefined ? {} : { inForce: before.inForce }),
        ...(before.lastKnownGood === undefined ? {} : { lastKnownGood: before.lastKnownGood }),
      });
      throw error;
    }
    const step = {
      weight: 100,
      outcome: 'held',
      sentence: '100 %: nothing was there before',
    } as const;
    await handle.update({ steps: [{ ...step, at: isoNow(this.#deps.clock) }] });
    await this.#drain(handle);
  }

  /** The point of no return: from here on the new nodes are what everything leads back to. */
  async #putInForce(handle: PromotionHandle, arm: Arm): Promise<void> {
    const { record } = handle;
    const state = await this.#deps.store.serviceState(record.service);
    const inForce: InForce = {
      build: record.build,
      configurationHash: record.configurationHash,
      armId: arm.id,
      since: isoNow(this.#deps.clock),
      promotionId: record.id,
    };
    // A restore leads to the last known good itself; what it replaced is no place to go back to.
    const lastKnownGood =
      record.origin === 'restore' ? (state.lastKnownGood ?? state.inForce) : state.inForce;
    await this.#deps.store.saveServiceState(record.service, state.version, {
      inForce,
      ...(lastKnownGood === undefined ? {} : { lastKnownGood }),
    });
    await handle.update({ stage: 'draining' });
  }

  async #drain(handle: PromotionHandle): Promise<void> {
    try {
      await this.#deps.production.settle(handle.owner);
      await handle.end('completed', `${describe(handle.record)} is in force`);
    } catch (error) {
      // In force it is; what could not be removed is swept by the next run or start.
      await handle.end(
        'completed',
        `${describe(handle.record)} is in force, but old nodes are left: ${asError(error).message}`,
      );
    }
  }

  async #goBack(handle: PromotionHandle, reason: Error): Promise<void> {
    await handle.update({ stage: 'returning' });
    await handle.tell(`production goes back: ${reason.message}`);
    const state =
      reason instanceof PromotionReturned || reason instanceof RunEnding ? 'returned' : 'failed';
    try {
      const { inForce, present } = await this.#deps.production.settle(handle.owner);
      if (inForce?.promotionId === handle.record.id) {
        await handle.end('completed', `${describe(inForce)} is in force (${reason.message})`);
        return;
      }
      if (!present) await this.#reinstate(handle.record.service);
      await handle.end(state, `${reason.message}; ${broughtBack(inForce)}`);
    } catch (error) {
      await handle.end(
        'failed',
        `${reason.message}; production could not be brought back yet: ${asError(error).message}. ` +
          'It is tried again before the next run and at the next start; `speed-gate status` shows what is there',
      );
    }
  }
}

/** Why a comparison with an earlier production decides nothing. */
export function supersededWords(inForce: BuildAndConfiguration | undefined): string {
  return `production changed meanwhile (now ${inForce === undefined ? 'nothing' : describe(inForce)}): the comparison says nothing about it; push again`;
}

function broughtBack(inForce: InForce | undefined): string {
  return inForce === undefined
    ? 'nothing was in production before, and nothing is now'
    : `production is all on ${describe(inForce)}`;
}

function isSame(one: BuildAndConfiguration, other: BuildAndConfiguration): boolean {
  return one.build === other.build && one.configurationHash === other.configurationHash;
}
