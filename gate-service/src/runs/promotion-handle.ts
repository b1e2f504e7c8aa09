import { isoNow } from './clock.ts';
import type { Clock } from './clock.ts';
import type { Journal } from './journal.ts';
import type { PromotionRecord, PromotionUpdate } from './records.ts';
import type { RunStore } from './run-store.ts';
import type { Owner } from './world.ts';

export interface PromotionHandleDependencies {
  readonly store: RunStore;
  readonly journal: Journal;
  readonly clock: Clock;
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

  async end(
    state: Exclude<PromotionRecord['state'], 'running'>,
    summary: string,
  ): Promise<PromotionRecord> {
    const { actor, id, reason, service } = this.record;
    const at = isoNow(this.#deps.clock);
    await this.update({ state, stage: 'ended', summary, finishedAt: at });
    await this.#deps.store.appendAudit({
      at,
      actor,
      action: `promotion.${state}`,
      subject: id,
      service,
      reason,
      data: { build: this.record.build, configuration: this.record.configurationHash, summary },
    });
    await this.tell(summary, { state });
    return this.record;
  }

  async tell(message: string, data: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const { id, runId, stage } = this.record;
    if (runId === undefined) return;
    await this.#deps.journal.append(runId, 'promotion', message, { promotion: id, stage, ...data });
  }
}
