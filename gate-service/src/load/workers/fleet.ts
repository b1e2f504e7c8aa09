/** The workers of one measurement: segments are ordered of those that are left, and what they report becomes one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicUs } from '../monotonic.ts';
import type { SenderCounters } from '../sample.ts';
import type { MeasurementPlan, SenderListener } from '../sender.ts';
import { warmupWindowSeconds } from '../warm-up.ts';
import type { WorkerLink } from './link.ts';
import { WindowMerger, type MergedWindow } from './merge.ts';
import { MergedWarmUp } from './merged-warm-up.ts';
import { lastOf, type Segment, type SegmentKind } from './orders.ts';
import { FleetWorker } from './worker.ts';

/** Between an order and the moment it speaks of: many times what a line takes to arrive. */
export const LEAD_US = 250_000;
/** A worker that owes an answer for so long is lost: its machine, or the way there. */
export const MOST_SILENT_US = 8e6;
/** What a worker's clock is known by. */
export const CLOCK_READINGS = 8;
/** Between two looks when nothing happens. */
const TICK_MS = 50;
const HEARTBEAT_US = 1e6;

/** Who is told, in order. */
export interface FleetOutput {
  /** When the workers' clocks are known: what the common ones may be wrong by. */
  begun(clockErrorUs: number): void;
  /** Each merged window, before the listener has it. */
  window(merged: MergedWindow): void;
  plantedDelay(delayMs: number): void;
  lost(name: string, why: string): void;
}

/** All workers are gone, or none of them could be led. */
export class FleetError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FleetError';
  }
}

export class Fleet {
  readonly workers: readonly FleetWorker[];
  /** Those that are not lost. */
  readonly live: Set<FleetWorker>;
  readonly merger = new WindowMerger();
  readonly warmUp: MergedWarmUp;
  /** Of the workers' common clock: set when they are told to begin; microseconds. */
  startUs = 0;
  /** What they send now. */
  segment: Segment | undefined;
  /** The last merged window. */
  merged = Number.NEGATIVE_INFINITY;
  /** The plan's longest time has passed. */
  timeIsOver = false;
  readonly #plan: MeasurementPlan;
  readonly #listener: SenderListener;
  readonly #output: FleetOutput;
  /** Why a worker that is gone is gone, where its platform knows. */
  readonly #whyGone: (name: string) => Promise<string | undefined>;
  readonly #losses: string[] = [];
  #askedUs = 0;
  #wake: () => void = () => undefined;

  constructor(
    plan: MeasurementPlan,
    links: readonly WorkerLink[],
    listener: SenderListener,
    output: FleetOutput,
    whyGone: (name: string) => Promise<string | undefined>,
  ) {
    this.#plan = plan;
    this.#listener = listener;
    this.#output = output;
    this.#whyGone = whyGone;
    const wake = (): void => {
      this.#wake();
    };
    this.workers = links.map(
      (link, place) =>
        new FleetWorker(place, link, {
          window: (report) => {
            this.merger.report(place, report);
            wake();
          },
          changed: wake,
        }),
    );
    this.live = new Set(this.workers);
    this.warmUp = new MergedWarmUp([plan.arms[0].name, plan.arms[1].name]);
  }

  /** Since the common begin. */
  get nowUs(): number {
    return monotonicUs() - this.startUs;
  }

  get warmupWindowUs(): number {
    return warmupWindowSeconds(this.#plan) * 1e6;
  }

  /** What the others have not reported will not come any more. */
  dropUnreported(): void {
    for (const worker of this.live) this.merger.lost(worker.place, worker.unreported);
  }

  close(): void {
    for (const worker of this.workers) worker.close();
  }

  /** Those that are left begin these windows at `atUs`, after the common begin. */
  order(
    kind: SegmentKind,
    first: number,
    windows: number,
    atUs: number,
    windowUs: number,
    half = false,
  ): void {
    const live = [...this.live];
    this.segment = {
      kind,
      first,
      windows,
      atUs,
      windowUs,
      half,
      share: { place: 0, of: live.length },
    };
    this.merger.assign(
      first,
      live.map(({ place }) => place),
    );
    live.forEach((worker, place) => {
      const share = { place, of: live.length };
      worker.send({
        order: 'segment',
        segment: { kind, first, windows, atUs, windowUs, half, share },
      });
    });
  }

  /** One turn: what has come is merged, workers that are gone are dropped, clocks are asked. */
  async look(signal: AbortSignal): Promise<void> {
    await this.wait();
    signal.throwIfAborted();
    for (const worker of [...this.live]) {
      if (worker.over) await this.lose(worker, worker.problem ?? (await this.#whyOver(worker)));
      else if (worker.silentUs > MOST_SILENT_US) {
        await this.lose(worker, `it has not answered for ${MOST_SILENT_US / 1e6} s`);
      }
    }
    this.askClocks();
    this.mergeNow();
    if (this.startUs > 0 && this.nowUs >= this.#plan.limits.maxSeconds * 1e6) {
      this.timeIsOver = true;
    }
  }

  async #whyOver({ facts, name }: FleetWorker): Promise<string> {
    if (facts?.ended === 'max-seconds') return 'it reached its cap on time';
    return (await this.#whyGone(name)) ?? 'its connection broke';
  }

  mergeNow(): void {
    for (const merged of this.merger.take()) {
      this.merged = merged.window;
      if (merged.window < 0) this.warmUp.add(merged, this.#endOf(merged.window));
      this.#output.window(merged);
      const { fitness, samples, window } = merged;
      this.#listener.window({ window, samples, fitness });
    }
  }

  /** Of a warm-up window. */
  #endOf(window: number): number {
    const windows = Math.ceil((this.#plan.warmup.maxSeconds * 1e6) / this.warmupWindowUs);
    return (window + windows + 1) * this.warmupWindowUs;
  }

  askClocks(): void {
    const nowUs = monotonicUs();
    if (nowUs - this.#askedUs < HEARTBEAT_US) return;
    this.#askedUs = nowUs;
    for (const worker of this.live) {
      if (worker.clockReadings >= CLOCK_READINGS) worker.askClock();
    }
  }

  /**
   * The others take its part over from the next window on, so that the rate is the asked one again. Windows that
   * it did not report stay without its part, and do not count.
   */
  async lose(worker: FleetWorker, why: string): Promise<void> {
    if (!this.live.delete(worker)) return;
    worker.close();
    this.merger.lost(worker.place, worker.unreported);
    if (this.live.size > 0) this.#takeOver();
    const reason = worker.problem ?? (await this.#whyGone(worker.name)) ?? why;
    this.#losses.push(`${worker.name}: ${reason}`);
    this.#output.lost(worker.name, reason);
    if (this.live.size === 0) {
      throw new FleetError(
        this.#losses.length === 1
          ? `the sender's worker was lost: ${this.#losses.join('')}`
          : `all workers of the sender were lost: ${this.#losses.join('; ')}`,
      );
    }
    this.#listener.said?.(
      `a worker of the sender was lost (${worker.name}: ${reason}); the windows that it had begun do not count, and ${this.live.size === 1 ? 'the other one takes' : `the other ${this.live.size} take`} its part over`,
    );
  }

  #takeOver(): void {
    const segment = this.segment;
    if (segment === undefined) return;
    const nextAtUs = Math.max(segment.atUs, this.nowUs + LEAD_US);
    const first = segment.first + Math.ceil((nextAtUs - segment.atUs) / segment.windowUs);
    const left = lastOf(segment) - first + 1;
    if (left <= 0) return;
    const { half, kind, windowUs } = segment;
    this.order(
      kind,
      first,
      left,
      segment.atUs + (first - segment.first) * windowUs,
      windowUs,
      half,
    );
  }

  counters(): SenderCounters {
    const sums = { sent: 0, received: 0, inFlight: 0, cpuSeconds: 0 };
    for (const worker of this.workers) {
      // Of a lost one only its rows are known.
      const { cpuSeconds, inFlight, received, sent } = worker.facts?.counters ?? {
        sent: worker.received,
        received: worker.received,
        inFlight: 0,
        cpuSeconds: 0,
      };
      sums.sent += sent;
      sums.received += received;
      sums.inFlight += inFlight;
      sums.cpuSeconds += cpuSeconds;
    }
    return sums;
  }

  /** The workers hear of us meanwhile. */
  async within<T>(mostMs: number, asked: Promise<T>, signal: AbortSignal): Promise<T> {
    const deadlineUs = monotonicUs() + mostMs * 1000;
    const state = { settled: false };
    const end = (): void => {
      state.settled = true;
      this.#wake();
    };
    asked.then(end, end);
    for (;;) {
      await this.look(signal);
      if (state.settled) return asked;
      if (monotonicUs() > deadlineUs) {
        throw new Error(`nobody said the planted delay within ${mostMs / 1000} s`);
      }
    }
  }

  /** Until something happens, or a little while. */
  async wait(): Promise<void> {
    const woken = Promise.withResolvers<undefined>();
    this.#wake = () => {
      woken.resolve(undefined);
    };
    const over = new AbortController();
    try {
      await Promise.race([
        woken.promise,
        sleep(TICK_MS, undefined, { signal: over.signal }).catch(() => undefined),
      ]);
    } finally {
      over.abort();
    }
  }
}
