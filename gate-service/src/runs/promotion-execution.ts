/**
 * How a promotion is carried out. Make before break: the old nodes leave last, and until the new ones
 * are stored as in force every failure leads back to them.
 */
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Arm } from '../platforms/platform.ts';
import { asError, isoNow } from './clock.ts';
import { rethrowLeaving, RunEnding } from './endings.ts';
import { broughtBack, isSame } from './in-force.ts';
import type { StepJudge } from './ports.ts';
import type { Production } from './production.ts';
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
import { rememberTakenBack } from './taken-back.ts';
import type { TakenBackDependencies } from './taken-back.ts';
import type { Owner } from './world.ts';

export interface PromotionDependencies extends DeployDependencies, TakenBackDependencies {
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

interface PromotionEnd {
  readonly state: Exclude<PromotionRecord['state'], 'running'>;
  readonly summary: string;
}

/** Call its methods while nothing else moves the service's production. */
export class PromotionExecution {
  readonly #deps: PromotionDependencies;
  readonly #create: (request: PromotionRequest) => Promise<PromotionRecord>;

  /** @param create stores a promotion of its own, where production has to be brought up again */
  constructor(
    deps: PromotionDependencies,
    create: (request: PromotionRequest) => Promise<PromotionRecord>,
  ) {
    this.#deps = deps;
    this.#create = create;
  }

  /**
   * A failure before the new nodes are in force leads back to the old ones and is told by the record's
   * state, not thrown.
   * @throws ShuttingDown, with everything left as it is for whoever drives next
   */
  async carryOut(record: PromotionRecord, signal: AbortSignal): Promise<PromotionRecord> {
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
      rethrowLeaving(error);
      const reason = signal.aborted ? asError(signal.reason) : asError(error);
      rethrowLeaving(reason);
      if (handle.record.state === 'running') await this.#goBack(handle, reason);
    }
    return handle.record;
  }

  /**
   * Deploys what is in force again when its nodes are gone from the platform.
   * @throws ShuttingDown when the signal aborts with it; any other failure is told by the record's state
   */
  async reinstate(service: string, signal: AbortSignal): Promise<void> {
    const { inForce } = await this.#deps.store.serviceState(service);
    if (inForce === undefined) return;
    // Whose it is stays: an order of that run may still take it back.
    const repeated = await this.#deps.store.promotion(inForce.promotionId);
    const record = await this.#create({
      service,
      build: inForce.build,
      configurationHash: inForce.configurationHash,
      origin: 'restore',
      actor: 'speed-gate',
      reason: 'the nodes in force were gone',
      ...(repeated?.runId === undefined ? {} : { runId: repeated.runId }),
    });
    const handle = new PromotionHandle(this.#deps, record);
    try {
      await this.#deployFirst(handle, signal);
    } catch (error) {
      rethrowLeaving(signal.aborted ? signal.reason : error);
      await handle.end(
        'failed',
        `${describe(inForce)} is not in production and could not be brought up: ${asError(error).message}`,
      );
    }
  }

  async #isThere(service: string, inForce: InForce): Promise<boolean> {
    const observed = await this.#deps.world.observe(service, 'production');
    return observed.some(({ arm, leftover }) => arm.id === inForce.armId && leftover !== true);
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
      rethrowLeaving(signal.aborted ? signal.reason : error);
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
    await this.#deps.world.confirm();
    await this.#deps.store.saveServiceState(record.service, state.version, {
      inForce,
      ...(lastKnownGood === undefined ? {} : { lastKnownGood }),
    });
    await handle.update({ stage: 'draining' });
  }

  async #drain(handle: PromotionHandle): Promise<void> {
    try {
      const { beside } = await this.#deps.production.settle(handle.owner);
      const where = beside === undefined ? '' : `, on nodes beside production's own: ${beside}`;
      await handle.end('completed', `${describe(handle.record)} is in force${where}`);
    } catch (error) {
      rethrowLeaving(error);
      // In force it is; what could not be removed is swept by the next run or start.
      await handle.end(
        'completed',
        `${describe(handle.record)} is in force, but old nodes are left: ${asError(error).message}`,
      );
    }
  }

  /** How the promotion ends then. */
  async #bringBack(
    { owner, record }: PromotionHandle,
    reason: Error,
    state: 'returned' | 'failed',
  ): Promise<PromotionEnd> {
    try {
      const { inForce, present } = await this.#deps.production.settle(owner);
      if (inForce?.promotionId === record.id) {
        const summary = `${describe(inForce)} is in force (${reason.message})`;
        return { state: 'completed', summary };
      }
      if (!present) await this.#reinstateOrFail(owner);
      return { state, summary: `${reason.message}; ${broughtBack(inForce)}` };
    } catch (error) {
      rethrowLeaving(error);
      const summary =
        `${reason.message}; production could not be brought back yet: ${asError(error).message}. ` +
        'It is tried again until it can be; `speed-gate status` shows what is there';
      return { state: 'failed', summary };
    }
  }

  /** @throws Error when the nodes in force are still not there */
  async #reinstateOrFail(owner: Owner): Promise<void> {
    await this.reinstate(owner.service, new AbortController().signal);
    const { inForce, present } = await this.#deps.production.settle(owner);
    if (inForce === undefined || present) return;
    throw new Error(`the nodes of ${describe(inForce)} are gone and could not be brought up again`);
  }

  async #goBack(handle: PromotionHandle, reason: Error): Promise<void> {
    await handle.update({ stage: 'returning' });
    await handle.tell(`production goes back: ${reason.message}`);
    const state =
      reason instanceof PromotionReturned || reason instanceof RunEnding ? 'returned' : 'failed';
    const end = await this.#bringBack(handle, reason, state);
    // Before its end: a process that dies in between has not forgotten it.
    await rememberTakenBack(this.#deps, handle.record, end.summary);
    await handle.end(end.state, end.summary);
  }
}
