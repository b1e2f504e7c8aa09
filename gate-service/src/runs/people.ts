/** What people order beside the gate's decisions. Orders are audited and stored here; the replica that drives acts on them. */
import { randomUUID } from 'node:crypto';
import { isoNow } from './clock.ts';
import type { Clock } from './clock.ts';
import { DueOrders } from './due-orders.ts';
import type { Journal } from './journal.ts';
import type { Notifier } from './notifier.ts';
import { against } from './override-words.ts';
import { checkedExpiry, checkedReason, requirePerson, requireSomebodyElse } from './order-rules.ts';
import { promotable, requirePromotable, targetOfOverride } from './promotable.ts';
import type { Promotions } from './promotion.ts';
import type { NewAuditEntry, OverrideRecord, PromotionRecord, RunRecord } from './records.ts';
import { revisionOf } from './revision.ts';
import type { OverrideOrder, PromotionOrder } from './run-service.ts';
import { RefusedError } from './run-service.ts';
import type { RunStore } from './run-store.ts';
import type { CatalogueService } from '../settings/catalogue.ts';

export interface PeopleDependencies {
  readonly store: RunStore;
  readonly journal: Journal;
  /** Only to store promotions: they are carried out by who drives. */
  readonly promotions: Pick<Promotions, 'create'>;
  readonly clock: Clock;
  readonly notifier?: Notifier;
}

export class People {
  readonly #deps: PeopleDependencies;
  readonly #due: DueOrders;

  constructor(deps: PeopleDependencies) {
    this.#deps = deps;
    this.#due = new DueOrders(deps);
  }

  /** @throws RefusedError */
  async promote(
    service: CatalogueService,
    order: PromotionOrder,
    actor: string,
  ): Promise<PromotionRecord> {
    const { clock, journal, promotions, store } = this.#deps;
    const reason = checkedReason(order.reason);
    const pair = { build: order.build, configurationHash: order.configuration };
    await this.#requireFree(service.name);
    const { origin, run } = await promotable(store, service.name, pair);
    if (service.fourEyes && run !== undefined) {
      requireSomebodyElse(run, actor, 'promotion');
      requirePerson(service.name, actor, order);
    }
    await store.appendAudit({
      at: isoNow(clock),
      actor,
      action: 'service.promote',
      subject: service.name,
      service: service.name,
      reason,
      data: {
        build: order.build,
        configuration: order.configuration,
        origin,
        judgedBy: run?.id ?? null,
        loosened: run?.settings.loosened ?? [],
      },
    });
    const request = {
      service: service.name,
      ...pair,
      origin,
      actor,
      reason,
      ...(run === undefined ? {} : { runId: run.id }),
    };
    const promotion = await promotions.create(request);
    if (run !== undefined) {
      const words = `${actor} orders the promotion of this build: ${reason}`;
      await journal.append(run.id, 'promotion', words, { promotion: promotion.id });
    }
    return promotion;
  }

  /** @throws RefusedError */
  async override(run: RunRecord, order: OverrideOrder, actor: string): Promise<void> {
    const { clock, journal, notifier, store } = this.#deps;
    const reason = checkedReason(order.reason);
    const expiresAt = checkedExpiry(order.expiresAt, clock.now());
    requireSomebodyElse(run, actor, 'override');
    requireSeen(run, await store.overrides(run.id), order.seen);
    requirePromotable(run, order.order);
    if (run.phase === 'finished') await targetOfOverride(store, run, order.order);
    const record: OverrideRecord = {
      id: randomUUID(),
      runId: run.id,
      order: order.order,
      actor,
      reason,
      at: isoNow(clock),
      expiresAt,
      state: 'waiting',
      ...(run.cause === undefined ? {} : { cause: run.cause }),
    };
    const entry: NewAuditEntry = {
      at: record.at,
      actor,
      action: 'run.override',
      subject: run.id,
      service: run.service,
      reason,
      data: {
        override: record.id,
        order: order.order,
        expiresAt,
        decision: run.decision ?? null,
        cause: run.cause ?? null,
        loosened: run.settings.loosened ?? [],
      },
    };
    // Looked at once more where it is stored: of two who saw the same, one orders.
    await store.createOverride(record, entry, (stored, overrides) => {
      requireSeen(stored, overrides, order.seen);
      requirePromotable(stored, order.order);
    });
    await journal.append(
      run.id,
      'override',
      `${actor} orders ${order.order}${against(run.cause, order.order)}: ${reason}`,
      { override: record.id, order: order.order, expiresAt },
    );
    await notifier?.notify({ type: 'override', run, override: record });
  }

  /** For the replica that drives, about once a second: acts on every order whose time has come. */
  due(): Promise<void> {
    return this.#due.act();
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
}

function requireSeen(
  run: RunRecord,
  overrides: readonly OverrideRecord[],
  seen: string | undefined,
): void {
  const now = revisionOf(run, overrides);
  if (seen === undefined || seen === now) return;
  throw new RefusedError(
    'stale-decision',
    `run ${run.id} has changed since it was read (it is ${run.phase}${run.decision === undefined ? '' : `, ${run.decision} (${run.cause ?? 'no cause'})`}, with ${String(overrides.length)} orders beside it): read it again before you order something`,
  );
}
