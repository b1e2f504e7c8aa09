/**
 * Acts on overrides whose run has its decision. Only the replica that drives does, and only it changes
 * what an override came to; it may be repeated at any point, because an order's promotion has its id.
 */
import { isoNow } from './clock.ts';
import { KeyedLock } from './keyed-lock.ts';
import { against } from './override-words.ts';
import type { PeopleDependencies } from './people.ts';
import { targetOfOverride } from './promotable.ts';
import type { OverrideRecord, OverrideState, RunRecord } from './records.ts';
import { RefusedError } from './run-service.ts';

export class DueOrders {
  readonly #deps: PeopleDependencies;
  readonly #lock = new KeyedLock();

  constructor(deps: PeopleDependencies) {
    this.#deps = deps;
  }

  /** @throws errors of the store */
  act(): Promise<void> {
    return this.#lock.run('', () => this.#act());
  }

  async #act(): Promise<void> {
    const { store } = this.#deps;
    const waiting = await store.waitingOverrides();
    for (const override of waiting) {
      const run = await store.run(override.runId);
      if (run === undefined) continue;
      const later = waiting.findLast((one) => one.runId === override.runId);
      if (later !== undefined && later.id !== override.id) {
        const words = `a later order of ${later.actor} (${later.order}) takes its place`;
        await this.#settle(run, override, 'refused', words);
      } else {
        await this.#actOn(run, override);
      }
    }
  }

  async #actOn(run: RunRecord, override: OverrideRecord): Promise<void> {
    const { clock, promotions, store } = this.#deps;
    // Stored before a restart, which then came before the override was.
    if ((await store.promotion(override.id)) !== undefined) {
      await this.#acted(run, override);
      return;
    }
    if (Date.parse(override.expiresAt) <= clock.now()) {
      const words = `it expired at ${override.expiresAt}, before it could act: nothing was changed`;
      await this.#settle(run, override, 'expired', words);
      return;
    }
    if (run.phase !== 'finished') return;
    let target: Awaited<ReturnType<typeof targetOfOverride>>;
    try {
      target = await targetOfOverride(store, run, override.order);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      await this.#settle(run, override, 'refused', error.message);
      return;
    }
    if ('nothing' in target) {
      await this.#settle(run, override, 'stands', target.nothing);
      return;
    }
    if (await this.#isBusy(run.service)) return;
    await promotions.create(
      {
        service: run.service,
        build: target.pair.build,
        configurationHash: target.pair.configurationHash,
        origin: override.order === 'rollback' ? 'restore' : 'person',
        actor: override.actor,
        reason: override.reason,
        runId: run.id,
      },
      override.id,
    );
    await this.#acted(run, override);
  }

  /** Another promotion of the service is under way: the order waits for its end. */
  async #isBusy(service: string): Promise<boolean> {
    const { items } = await this.#deps.store.promotions(
      { service, state: 'running' },
      { limit: 1 },
    );
    return items.length > 0;
  }

  async #acted(run: RunRecord, override: OverrideRecord): Promise<void> {
    const { order, id } = override;
    const words =
      order === 'promote'
        ? `overridden${against(run.cause, order)}: promotion ${id} begins`
        : `promotion ${id} back to the last known good begins`;
    await this.#settle(run, override, 'acted', words, { promotion: id });
  }

  async #settle(
    run: RunRecord,
    override: OverrideRecord,
    state: Exclude<OverrideState, 'waiting'>,
    outcome: string,
    data: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const { clock, journal, store } = this.#deps;
    const action = `override.${state}`;
    if (!(await this.#isAudited(override, action))) {
      await store.appendAudit({
        at: isoNow(clock),
        actor: override.actor,
        action,
        subject: run.id,
        service: run.service,
        reason: override.reason,
        data: { override: override.id, outcome },
      });
    }
    await store.saveOverride({
      ...override,
      state,
      outcome,
      ...(run.cause === undefined ? {} : { cause: run.cause }),
    });
    const message =
      state === 'acted'
        ? outcome
        : `the override of ${override.actor} ${wordsOf(state)}: ${outcome}`;
    await journal.append(run.id, 'override', message, { override: override.id, state, ...data });
  }

  /** By an earlier try, which ended before it could store what came of the order. */
  async #isAudited({ id, runId }: OverrideRecord, action: string): Promise<boolean> {
    const { items } = await this.#deps.store.audit({ subject: runId }, { limit: 200 });
    return items.some((entry) => entry.action === action && entry.data.override === id);
  }
}

function wordsOf(state: 'refused' | 'expired' | 'stands'): string {
  switch (state) {
    case 'refused':
      return 'is not carried out';
    case 'expired':
      return 'does nothing';
    case 'stands':
      return 'stands beside the decision';
  }
}
