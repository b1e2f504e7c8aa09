/** Users of production, and when which of their requests failed. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  startProductionTraffic,
  type ProductionTraffic,
  type TrafficCounters,
} from '../../gate-service/src/demo/production-traffic.ts';
import { HOST, type TestGate } from '../support/gate-fixture.ts';

const REQUESTS_PER_SECOND = 30;
const LOOK_MS = 25;

interface Look {
  readonly at: number;
  readonly counters: TrafficCounters;
}

/** What production lost since a moment; times in milliseconds after it. */
export interface Losses {
  readonly sent: number;
  readonly failed: number;
  readonly reasons: Readonly<Record<string, number>>;
  /** When the last failure was seen; 0 without one. At most 25 ms and the reader's own delay late. */
  readonly lastAtMs: number;
}

export class ProductionWatch {
  readonly #traffic: ProductionTraffic;
  readonly #looks: Look[] = [];
  readonly #looking: Promise<void>;
  #stopped = false;

  constructor(gate: TestGate, requestsPerSecond = REQUESTS_PER_SECOND) {
    this.#traffic = startProductionTraffic({
      host: '127.0.0.1',
      port: gate.ports.production,
      authority: HOST,
      paths: ['/search?id=${sequence}', '/cart?id=${sequence}'],
      requestsPerSecond,
      connections: 32,
      timeoutMs: 15_000,
      maxRequests: requestsPerSecond * 1800,
    });
    this.#looking = this.#look();
  }

  /** Now, to be given to {@link since}. */
  mark(): number {
    return performance.now();
  }

  since(mark: number): Losses {
    const before = this.#looks.findLast(({ at }) => at <= mark)?.counters;
    const now = this.#looks.at(-1);
    if (before === undefined || now === undefined || now.at <= mark) {
      throw new Error('production was not watched at this moment');
    }
    const reasons = Object.entries(now.counters.failures)
      .map(([reason, count]) => [reason, count - (before.failures[reason] ?? 0)] as const)
      .filter(([, count]) => count > 0);
    const last = this.#looks.find(({ counters }) => counters.failed === now.counters.failed);
    const failed = now.counters.failed - before.failed;
    return {
      sent: now.counters.sent - before.sent,
      failed,
      reasons: Object.fromEntries(reasons),
      lastAtMs: failed === 0 || last === undefined ? 0 : Math.round(last.at - mark),
    };
  }

  /** Waits until so many more requests were answered well. @throws Error when they are not within 30 s */
  async served(requests: number): Promise<void> {
    const from = this.#looks.at(-1)?.counters.succeeded ?? 0;
    const deadline = performance.now() + 30_000;
    while ((this.#looks.at(-1)?.counters.succeeded ?? 0) < from + requests) {
      if (performance.now() > deadline) throw new Error('production does not answer any more');
      await sleep(LOOK_MS);
    }
  }

  async stop(): Promise<TrafficCounters> {
    this.#stopped = true;
    await this.#looking;
    return this.#traffic.stop();
  }

  async #look(): Promise<void> {
    while (!this.#stopped) {
      const counters = await this.#traffic.counters();
      this.#looks.push({ at: performance.now(), counters });
      await sleep(LOOK_MS);
    }
  }
}
