/** What people order beside the gate's decisions: overrides, promotions, the button back. Every order is audited. */
import { asError, isoNow } from './clock.ts';
import type { Clock } from './clock.ts';
import { isSame } from './in-force.ts';
import type { Journal } from './journal.ts';
import type { Promotions } from './promotion.ts';
import type {
  BuildAndConfiguration,
  OverrideRecord,
  PromotionOrigin,
  PromotionRecord,
  RunRecord,
} from './records.ts';
import type { OverrideOrder, PromotionOrder } from './run-service.ts';
import { RefusedError } from './run-service.ts';
import type { RunStore } from './run-store.ts';

export interface PeopleDependencies {
  readonly store: RunStore;
  readonly journal: Journal;
  readonly promotions: Promotions;
  readonly clock: Clock;
  readonly problem?: (error: Error) => void;
}

export class People {
  readonly #deps: PeopleDependencies;

  constructor(deps: PeopleDependencies) {
    this.#deps = deps;
  }

  /** @throws RefusedError */
  async promote(service: string, order: PromotionOrder, actor: string): Promise<PromotionRecord> {
    const { clock, store } = this.#deps;
    const pair = { build: order.build, configurationHash: order.configuration };
    await this.#requireFree(service);
    const origin = await this.#originOf(service, pair);
    await store.appendAudit({
      at: isoNow(clock),
      actor,
      action: 'service.promote',
      subject: service,
      service,
      reason: order.reason,
      data: { build: order.build, configuration: order.configuration, origin },
    });
    return this.#start({ service, ...pair, origin, actor, reason: order.reason });
  }

  /** @throws RefusedError */
  async override(run: RunRecord, order: OverrideOrder, actor: string): Promise<void> {
    const { clock, journal, store } = this.#deps;
    const now = clock.now();
    const expires = Date.parse(order.expiresAt);
    if (!(expires > now)) {
      throw new RefusedError(
        'expired',
        `expiresAt ${order.expiresAt} has passed or is no instant: an expired override does nothing`,
        '/expiresAt',
      );
    }
    if (run.phase === 'finished') await this.#requireActionable(run, order.order);
    const record: OverrideRecord = {
      runId: run.id,
      order: order.order,
      actor,
      reason: order.reason,
      at: isoNow(clock),
      expiresAt: new Date(expires).toISOString(),
    };
    await store.appendAudit({
      at: record.at,
      actor,
      action: 'run.override',
      subject: run.id,
      service: run.service,
      reason: order.reason,
      data: { order: order.order, expiresAt: record.expiresAt, decision: run.decision ?? null },
    });
    await store.saveOverride(record);
    await journal.append(run.id, 'override', `${actor} orders ${order.order}: ${order.reason}`, {
      order: order.order,
      expiresAt: record.expiresAt,
    });
    if (run.phase === 'finished') await this.#act(run, record);
  }

  /** An override that was given while the run was under way acts when it ends, unless it has expired. */
  async afterRun(run: RunRecord): Promise<void> {
    const { clock, journal, store } = this.#deps;
    const override = await store.override(run.id);
    if (override === undefined) return;
    try {
      if (Date.parse(override.expiresAt) <= clock.now()) {
        throw new RefusedError('expired', `it expired at ${override.expiresAt}`);
      }
      await this.#requireActionable(run, override.order);
      await this.#act(run, override);
    } catch (error) {
      await journal.append(
        run.id,
        'override',
        `the override of ${override.actor} does nothing: ${asError(error).message}`,
      );
    }
  }

  async #act(run: RunRecord, override: OverrideRecord): Promise<void> {
    const target = await this.#targetOf(run, override.order);
    if (target === undefined) return;
    const promotion = await this.#start({
      service: run.service,
      build: target.build,
      configurationHash: target.configurationHash,
      origin: override.order === 'rollback' ? 'restore' : 'person',
      actor: override.actor,
      reason: override.reason,
      runId: run.id,
    });
    await this.#deps.journal.append(run.id, 'override', `promotion ${promotion.id} begins`, {
      promotion: promotion.id,
    });
  }

  /** @throws RefusedError when the order has nothing to act on */
  async #requireActionable(run: RunRecord, order: OverrideRecord['order']): Promise<void> {
    const target = await this.#targetOf(run, order);
    if (target !== undefined) await this.#requireFree(run.service);
  }

  /** What the order puts in force; undefined when it only stands beside the decision. @throws RefusedError */
  async #targetOf(
    run: RunRecord,
    order: OverrideRecord['order'],
  ): Promise<BuildAndConfiguration | undefined> {
    const { store } = this.#deps;
    const { inForce, lastKnownGood } = await store.serviceState(run.service);
    if (order === 'promote') return this.#judgedPairOf(run);
    // Only the build of this run is taken back; what came later is another run's matter.
    if (inForce?.build !== run.build || run.decision === 'rollback') return undefined;
    if (lastKnownGood === undefined || isSame(lastKnownGood, inForce)) {
      throw new RefusedError(
        'nothing-to-promote',
        `nothing was in production of ${run.service} before build ${run.build}: there is nothing to go back to`,
      );
    }
    return lastKnownGood;
  }

  async #judgedPairOf(run: RunRecord): Promise<BuildAndConfiguration> {
    if (run.settings.against === 'reference') {
      throw new RefusedError(
        'not-judged',
        `run ${run.id} compared with the reference, not with production: gate the build against production first`,
      );
    }
    const pair =
      run.configuration === undefined
        ? undefined
        : { build: run.build, configurationHash: run.configuration.hash };
    if (
      pair === undefined ||
      (await this.#deps.store.judgedPair(run.service, pair)) === undefined
    ) {
      throw new RefusedError(
        'not-judged',
        `run ${run.id} ended before its build was judged: only a judged build and configuration can be promoted`,
      );
    }
    return pair;
  }

  /** @throws RefusedError when the pair may not be promoted */
  async #originOf(service: string, pair: BuildAndConfiguration): Promise<PromotionOrigin> {
    const { store } = this.#deps;
    const { inForce, lastKnownGood } = await store.serviceState(service);
    if (isSame(pair, lastKnownGood) || isSame(pair, inForce)) return 'restore';
    const judged = await store.judgedPair(service, pair);
    if (judged === undefined) {
      throw new RefusedError(
        'not-judged',
        `build ${pair.build} was never judged on configuration ${pair.configurationHash} for ${service}: only judged pairs or the last known good can be promoted`,
      );
    }
    if (judged.decision !== 'pass') {
      throw new RefusedError(
        'judged-rollback',
        `build ${pair.build} was judged ${judged.cause} by run ${judged.runId}: an override of that run, with a reason, is the way to promote it all the same`,
      );
    }
    return 'person';
  }

  async #requireFree(service: string): Promise<void> {
    const { items } = await this.#deps.store.promotions(
      { service, state: 'running' },
      { limit: 1 },
    );
    const [running] = items;
    if (running === undefined) return;
    throw new RefusedError(
      'promotion-running',
      `promotion ${running.id} of ${service} is ${running.stage}: wait for its end`,
    );
  }

  /** Answers when the promotion is stored; it is carried out in the background. */
  async #start(request: Parameters<Promotions['create']>[0]): Promise<PromotionRecord> {
    const { promotions } = this.#deps;
    const record = await promotions.create(request);
    promotions.execute(record.id, promotions.signal).catch((error: unknown) => {
      this.#deps.problem?.(asError(error));
    });
    return record;
  }
}
