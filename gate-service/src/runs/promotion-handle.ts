import { isoNow } from './clock.ts';
import type { Clock } from './clock.ts';
import type { Journal } from './journal.ts';
import type { Notifier } from './notifier.ts';
import type { PromotionRecord, PromotionUpdate } from './records.ts';
import type { RunStore } from './run-store.ts';
import type { Owner } from './world.ts';

export interface PromotionHandleDependencies {
  readonly store: RunStore;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Hears of every end. */
  readonly notifier?: Notifier;
}

/** A promotion's record as this process last stored it. */
export class PromotionHandle {
  readonly #deps: PromotionHandleDependencies;
  record: PromotionRecord;

  constructor(deps: PromotionHandleDependencies, record: PromotionRecord) {
    this.#deps = deps;
    this.record = record;
  }

  get owner(): Owner {
    const { id, runId, service } = this.record;
    return { service, promotionId: id, ...(runId === undefined ? {} : { runId }) };
  }

  async update(update: PromotionUpdate): Promise<void> {
    this.record = await this.#deps.store.updatePromotion(
      this.record.id,
      this.record.version,
      update,
    );
  }

  /** The end is in the audit before it is stored: a process that dies in between leaves nothing unaudited. */
  async end(
    state: Exclude<PromotionRecord['state'], 'running'>,
    summary: string,
  ): Promise<PromotionRecord> {
    const at = isoNow(this.#deps.clock);
    await this.#audit(state, summary, at);
    await this.update({ state, stage: 'ended', summary, finishedAt: at });
    await this.tell(summary, { state });
    await this.#deps.notifier?.notify({ type: 'promotion', promotion: this.record });
    return this.record;
  }

  async tell(message: string, data: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const { id, runId, stage } = this.record;
    if (runId === undefined) return;
    await this.#deps.journal.append(runId, 'promotion', message, { promotion: id, stage, ...data });
  }

  async #audit(
    state: Exclude<PromotionRecord['state'], 'running'>,
    summary: string,
    at: string,
  ): Promise<void> {
    const { store } = this.#deps;
    const { actor, build, configurationHash, id, reason, service } = this.record;
    const action = `promotion.${state}`;
    const { items } = await store.audit({ subject: id }, { limit: 10 });
    if (items.some((entry) => entry.action === action)) return;
    const data = { build, configuration: configurationHash, summary };
    await store.appendAudit({ at, actor, action, subject: id, service, reason, data });
  }
}
