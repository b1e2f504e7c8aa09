/** Stores what shall be told, once for each endpoint that wants it; sending comes later (courier.ts). */
import { randomUUID } from 'node:crypto';
import type { Notice } from '../runs/notifier.ts';
import type { DeliveryRecord } from '../runs/records.ts';
import type { RunStore } from '../runs/run-store.ts';
import type { Endpoint, WebhookSettings } from './endpoint.ts';
import { messageOf } from './messages.ts';
import type { Message } from './messages.ts';
import { wakeMessage } from './wake.ts';

export type OutboxStore = Pick<RunStore, 'enqueueDelivery' | 'deliveries'>;

/** Subject of the first message to an endpoint: since when it is told things. */
const FIRST = 'first';

export class Outbox {
  readonly #store: OutboxStore;
  readonly #settings: WebhookSettings;
  readonly #now: () => Date;
  /** Since when each endpoint is told things: what happened before is not for it. */
  readonly #since = new Map<string, string>();

  constructor(store: OutboxStore, settings: WebhookSettings, now: () => Date) {
    this.#store = store;
    this.#settings = settings;
    this.#now = now;
  }

  /** A new endpoint gets a `ping`, so that who set it up sees at once whether it works. */
  async introduce(): Promise<void> {
    const at = this.#now().toISOString();
    for (const { format, name } of this.#settings.endpoints) {
      if (this.#since.has(name)) continue;
      await this.#store.enqueueDelivery({
        id: randomUUID(),
        endpoint: name,
        subject: FIRST,
        type: 'ping',
        body: JSON.stringify({ type: 'ping', at, endpoint: name }),
        createdAt: at,
        // There is no job to wake yet.
        state: format === 'speed-gate' ? 'due' : 'delivered',
        attempts: 0,
        nextAt: at,
      });
      const { items } = await this.#store.deliveries(
        { endpoint: name, subject: FIRST },
        { limit: 1 },
      );
      this.#since.set(name, items[0]?.createdAt ?? at);
    }
  }

  /** @param late found again in the store, and not for an endpoint that was not there yet */
  async add(notice: Notice, late = false): Promise<void> {
    const message = messageOf(notice, this.#settings.publicUrl);
    for (const endpoint of this.#settings.endpoints) {
      if (late && message.at < (this.#since.get(endpoint.name) ?? '')) continue;
      const record = this.#record(endpoint, message, notice);
      if (record !== undefined) await this.#store.enqueueDelivery(record);
    }
  }

  #record(endpoint: Endpoint, message: Message, notice: Notice): DeliveryRecord | undefined {
    const { service, subject, type } = message;
    if (!endpoint.events.has(type)) return undefined;
    if (endpoint.services !== undefined && service !== undefined) {
      if (!endpoint.services.has(service)) return undefined;
    }
    const body =
      endpoint.format === 'speed-gate' ? message.body : wakeMessage(endpoint.name, notice);
    if (body === undefined) return undefined;
    const at = this.#now().toISOString();
    return {
      id: randomUUID(),
      endpoint: endpoint.name,
      subject,
      type,
      body,
      createdAt: at,
      state: 'due',
      attempts: 0,
      nextAt: at,
    };
  }
}
