/** Numbers that are counted in the store when they are asked for. */
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { ApiStore } from '../../dependencies.ts';
import { shared } from './shared.ts';

interface Source {
  readonly registry: Registry;
  readonly store: ApiStore;
  readonly now: () => Date;
  /** Told when the store does not answer. */
  readonly failed: (error: unknown) => void;
}

export function storedMetrics(source: Source): void {
  runCounts(source);
  promotionCounts(source);
  overrideCounts(source);
  deliveryCounts(source);
}

function runCounts({ failed, now, registry, store }: Source): void {
  new Counter({
    name: 'speed_gate_runs_finished_total',
    help: 'Finished runs by service, decision and cause.',
    labelNames: ['service', 'decision', 'cause'] as const,
    registers: [registry],
    async collect() {
      await store.finishedCounts().then((counts) => {
        this.reset();
        for (const { runs, ...labels } of counts) this.inc(labels, runs);
      }, failed);
    },
  });
  new Gauge({
    name: 'speed_gate_runs_unfinished',
    help: 'Runs by phase; `queued` is the length of the queue.',
    labelNames: ['phase'] as const,
    registers: [registry],
    async collect() {
      await store.phaseCounts().then((counts) => {
        this.reset();
        this.set({ phase: 'queued' }, 0);
        for (const [phase, runs] of counts) this.set({ phase }, runs);
      }, failed);
    },
  });
  new Gauge({
    name: 'speed_gate_queue_oldest_age_seconds',
    help: 'How long the run that waits longest has been queued; 0 when none waits.',
    registers: [registry],
    async collect() {
      await store.oldestQueued().then((oldest) => {
        this.set(oldest === undefined ? 0 : secondsSince(oldest, now()));
      }, failed);
    },
  });
}

function promotionCounts({ failed, registry, store }: Source): void {
  const collect = shared(async () => {
    ended.reset();
    running.reset();
    for (const { origin, promotions, service, state } of await store.promotionCounts()) {
      running.inc({ service }, state === 'running' ? promotions : 0);
      if (state !== 'running') ended.inc({ service, origin, state }, promotions);
    }
  });
  const orNone = (): Promise<void> => collect().catch(failed);
  const ended = new Counter({
    name: 'speed_gate_promotions_ended_total',
    help: 'Promotions that ended, by where they came from and how they ended.',
    labelNames: ['service', 'origin', 'state'] as const,
    registers: [registry],
    collect: orNone,
  });
  const running = new Gauge({
    name: 'speed_gate_promotions_running',
    help: 'Promotions under way.',
    labelNames: ['service'] as const,
    registers: [registry],
    collect: orNone,
  });
}

function overrideCounts({ failed, registry, store }: Source): void {
  const collect = shared(async () => {
    ordered.reset();
    waiting.reset();
    for (const { order, overrides, service, state } of await store.overrideCounts()) {
      ordered.inc({ service, order }, overrides);
      waiting.inc({ service }, state === 'waiting' ? overrides : 0);
    }
  });
  const orNone = (): Promise<void> => collect().catch(failed);
  const ordered = new Counter({
    name: 'speed_gate_overrides_total',
    help: 'Orders of people against a decision.',
    labelNames: ['service', 'order'] as const,
    registers: [registry],
    collect: orNone,
  });
  const waiting = new Gauge({
    name: 'speed_gate_overrides_waiting',
    help: 'Orders that have not acted yet.',
    labelNames: ['service'] as const,
    registers: [registry],
    collect: orNone,
  });
}

function deliveryCounts({ failed, now, registry, store }: Source): void {
  const collect = shared(async () => {
    messages.reset();
    oldestDue.reset();
    for (const { deliveries, endpoint, oldest, state } of await store.deliveryCounts()) {
      messages.set({ endpoint, state }, deliveries);
      if (state === 'due') oldestDue.set({ endpoint }, secondsSince(oldest, now()));
    }
  });
  const orNone = (): Promise<void> => collect().catch(failed);
  const messages = new Gauge({
    name: 'speed_gate_deliveries',
    help: 'Webhook messages by endpoint and state: due, delivered, given-up.',
    labelNames: ['endpoint', 'state'] as const,
    registers: [registry],
    collect: orNone,
  });
  const oldestDue = new Gauge({
    name: 'speed_gate_delivery_oldest_due_age_seconds',
    help: 'How long the oldest message that has not arrived yet is waiting.',
    labelNames: ['endpoint'] as const,
    registers: [registry],
    collect: orNone,
  });
}

function secondsSince(instant: string, now: Date): number {
  return Math.max(0, (now.getTime() - Date.parse(instant)) / 1000);
}
