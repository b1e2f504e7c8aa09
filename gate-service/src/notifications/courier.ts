/** Takes what is due out of the store and sends it: each message by one replica at a time, until it arrives. */
import type { DeliveryRecord } from '../runs/records.ts';
import type { RunStore } from '../runs/run-store.ts';
import { messageBackOff, waitAfter, wakeBackOff } from './back-off.ts';
import type { Endpoint } from './endpoint.ts';
import { DELIVERY_HEADER, EVENT_HEADER, secretsOf, sign, SIGNATURE_HEADER } from './signature.ts';
import { post } from './transport.ts';
import type { Posted } from './transport.ts';
import { wakePost } from './wake.ts';

export type CourierStore = Pick<RunStore, 'claimDueDelivery' | 'saveDelivery'>;

export interface CourierOptions {
  readonly store: CourierStore;
  readonly endpoints: readonly Endpoint[];
  /** Unique to this process. */
  readonly holder: string;
  readonly now: () => Date;
  /** In [0, 1). */
  readonly random: () => number;
  /** After every attempt. */
  readonly attempted?: (delivery: DeliveryRecord, milliseconds: number) => void;
  readonly problem: (error: Error) => void;
}

/** Longer than a wait and two attempts (30 s each at most): a message that died with its process is due again then. */
const CLAIM_SECONDS = 120;
/** One that has waited longer for those before it is claimed anew, or its claim could run out while it is sent. */
const MOST_WAIT_MS = 60_000;
/** Messages under way at once; those to one endpoint go one after the other. */
const MOST_AT_ONCE = 8;
/** To an endpoint that fails goes one at a time, so that it does not keep the others waiting; its other messages wait. */
const FAILING_PUT_BACK_MS = 30_000;
const MOST_PUT_BACK = 50;
/** Another replica may know an endpoint that this one does not, while a new configuration is rolled out. */
const UNKNOWN_ENDPOINT_MS = 60_000;
const UNKNOWN_ENDPOINT_MOST_MS = 24 * 3_600_000;
const MOST_RETRY_AFTER_SECONDS = 3_600;
/** The receiver says that it will never want it. */
const GONE = 410;

export class Courier {
  readonly #options: CourierOptions;
  readonly #endpoints: ReadonlyMap<string, Endpoint>;
  readonly #stopping = new AbortController();
  readonly #underWay = new Map<string, readonly Promise<void>[]>();
  /** Endpoints that did not take the last message. */
  readonly #failing = new Set<string>();

  constructor(options: CourierOptions) {
    this.#options = options;
    this.#endpoints = new Map(options.endpoints.map((endpoint) => [endpoint.name, endpoint]));
  }

  /** Claims and begins to send as much as may be under way at once. @throws errors of the store */
  async collect(): Promise<void> {
    const { holder, now, store } = this.#options;
    let putBack = 0;
    while (
      !this.#stopping.signal.aborted &&
      this.#count < MOST_AT_ONCE &&
      putBack < MOST_PUT_BACK
    ) {
      const delivery = await store.claimDueDelivery(holder, now().toISOString(), CLAIM_SECONDS);
      if (delivery === undefined) return;
      const endpoint = this.#endpoints.get(delivery.endpoint);
      if (endpoint === undefined) {
        putBack += 1;
        await this.#putBackUnknown(delivery);
      } else if (this.#failing.has(endpoint.name) && this.#to(endpoint.name).length > 0) {
        putBack += 1;
        await this.#putBack(delivery, FAILING_PUT_BACK_MS);
      } else {
        this.#begin(delivery, endpoint);
      }
    }
  }

  /** Nothing new is begun; what is under way is cut off, counts as an attempt and is due again. */
  abort(): void {
    this.#stopping.abort();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all([...this.#underWay.values()].flat());
  }

  get #count(): number {
    return [...this.#underWay.values()].reduce((sum, own) => sum + own.length, 0);
  }

  #to(endpoint: string): readonly Promise<void>[] {
    return this.#underWay.get(endpoint) ?? [];
  }

  #begin(delivery: DeliveryRecord, endpoint: Endpoint): void {
    const { now, store } = this.#options;
    const before = this.#to(endpoint.name).at(-1);
    const claimed = now().getTime();
    const sending = (before ?? Promise.resolve())
      .then(() => {
        if (before !== undefined && this.#failing.has(endpoint.name)) {
          return this.#putBack(delivery, FAILING_PUT_BACK_MS);
        }
        // As it was: it keeps its place among the others.
        if (now().getTime() - claimed > MOST_WAIT_MS) return store.saveDelivery(delivery);
        return this.#attempt(delivery, endpoint);
      })
      .catch((error: unknown) => {
        // Not stored: it is due again when the claim runs out, and may arrive twice under the same id.
        this.#options.problem(error instanceof Error ? error : new Error(String(error)));
      })
      .finally(() => {
        this.#underWay.set(
          endpoint.name,
          this.#to(endpoint.name).filter((one) => one !== sending),
        );
      });
    this.#underWay.set(endpoint.name, [...this.#to(endpoint.name), sending]);
  }

  async #attempt(delivery: DeliveryRecord, endpoint: Endpoint): Promise<void> {
    const { attempted, now, store } = this.#options;
    if (this.#stopping.signal.aborted) {
      await store.saveDelivery(delivery);
      return;
    }
    const started = performance.now();
    const posted = await this.#post(delivery, endpoint);
    const outcome = this.#outcome(delivery, endpoint, posted, now());
    if (outcome.state === 'delivered') this.#failing.delete(endpoint.name);
    else this.#failing.add(endpoint.name);
    await store.saveDelivery(outcome);
    attempted?.(outcome, performance.now() - started);
  }

  async #post(delivery: DeliveryRecord, endpoint: Endpoint): Promise<Posted> {
    const { now } = this.#options;
    try {
      const secrets = await secretsOf(endpoint);
      const isWake = endpoint.format === 'jenkins-webhook-step';
      const { body, url } = isWake
        ? wakePost(endpoint, delivery.body)
        : { url: endpoint.url, body: delivery.body };
      const [secret] = secrets;
      return await post({
        url,
        body,
        timeoutMs: endpoint.timeoutMs,
        signal: this.#stopping.signal,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'speed-gate',
          [DELIVERY_HEADER]: delivery.id,
          [EVENT_HEADER]: delivery.type,
          // The plugin compares the header with the hook's authToken as it stands.
          ...(isWake && secret !== undefined && { authorization: secret }),
          ...(!isWake && {
            [SIGNATURE_HEADER]: sign(secrets, body, Math.floor(now().getTime() / 1000)),
          }),
        },
      });
    } catch (error) {
      return { words: `not sent: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  #outcome(
    delivery: DeliveryRecord,
    endpoint: Endpoint,
    { retryAfterSeconds = 0, status, words }: Posted,
    now: Date,
  ): DeliveryRecord {
    const attempts = delivery.attempts + 1;
    const attempt = { ...delivery, attempts, lastAnswer: words };
    if (status !== undefined && status >= 200 && status < 300) {
      return { ...attempt, state: 'delivered' };
    }
    const backOff = endpoint.format === 'speed-gate' ? messageBackOff : wakeBackOff;
    const wait = waitAfter(attempts, backOff, this.#options.random());
    if (wait === undefined || status === GONE) return { ...attempt, state: 'given-up' };
    const asked = Math.min(retryAfterSeconds, MOST_RETRY_AFTER_SECONDS) * 1000;
    return { ...attempt, nextAt: after(now, Math.max(wait, asked)) };
  }

  async #putBackUnknown(delivery: DeliveryRecord): Promise<void> {
    const age = this.#options.now().getTime() - Date.parse(delivery.createdAt);
    if (age < UNKNOWN_ENDPOINT_MOST_MS) {
      await this.#putBack(delivery, UNKNOWN_ENDPOINT_MS);
    } else {
      await this.#options.store.saveDelivery({
        ...delivery,
        state: 'given-up',
        lastAnswer: `not sent: no endpoint is called ${delivery.endpoint} any more`,
      });
    }
  }

  async #putBack(delivery: DeliveryRecord, milliseconds: number): Promise<void> {
    await this.#options.store.saveDelivery({
      ...delivery,
      nextAt: after(this.#options.now(), milliseconds),
    });
  }
}

function after(now: Date, milliseconds: number): string {
  return new Date(now.getTime() + milliseconds).toISOString();
}
