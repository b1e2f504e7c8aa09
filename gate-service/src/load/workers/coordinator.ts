/** Leads the workers of one measurement: they begin every segment at one moment, and what they report becomes one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicUs } from '../monotonic.ts';
import type { MeasurementEnd, SenderCounters } from '../sample.ts';
import type { MeasurementPlan, SenderListener } from '../sender.ts';
import { isWarm, warmupWindowSeconds } from '../warm-up.ts';
import type { WorkerLink } from './link.ts';
import { WindowMerger, type MergedWindow } from './merge.ts';
import { MergedWarmUp } from './merged-warm-up.ts';
import type { Segment, SegmentKind } from './orders.ts';
import { shareOut } from './share-out.ts';
import { FleetWorker } from './worker.ts';

/** Between an order and the moment it speaks of: many times what a line takes to arrive. */
const LEAD_US = 250_000;
/** Between two looks when nothing happens. */
const TICK_MS = 50;
const CLOCK_READINGS = 8;
const HEARTBEAT_US = 1e6;
/** A worker that owes an answer for so long is lost: its machine, or the way there. */
const MOST_SILENT_US = 8e6;
/** For a worker to read the plan and start its threads. */
const READY_US = 60e6;
/** From a window's end to its report, on top of its requests' time-out. */
const REPORT_US = 8e6;
/** Clocks that cannot be told better than this have no common moment. */
const MOST_CLOCK_ERROR_US = 50_000;
/** Longest time that the planted block waits for its delay. */
const HELD_MS = 30_000;

/** Whom the coordinator tells, in order. */
export interface FleetOutput {
  /** When the workers' clocks are known: what the common ones may be wrong by. */
  begun(clockErrorUs: number): void;
  /** Each merged window, before the listener has it. */
  window(merged: MergedWindow): void;
  plantedDelay(delayMs: number): void;
  lost(name: string, why: string): void;
}

export interface FleetEnd {
  readonly counters: SenderCounters;
  readonly steady: boolean;
  readonly ended: MeasurementEnd;
}

/** All workers are gone, or none of them could be led. */
export class FleetError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FleetError';
  }
}

export class Coordinator {
  readonly #plan: MeasurementPlan;
  readonly #parts: readonly MeasurementPlan[];
  readonly #workers: readonly FleetWorker[];
  readonly #live: Set<FleetWorker>;
  readonly #listener: SenderListener & { stopRequested(): boolean };
  readonly #output: FleetOutput;
  /** Why a worker that is gone is gone, where its platform knows. */
  readonly #whyGone: (name: string) => Promise<string | undefined>;
  readonly #merger = new WindowMerger();
  readonly #warmUp: MergedWarmUp;
  readonly #mostWindows: number;
  readonly #warmupUs: number;
  readonly #windowUs: number;
  readonly #losses: string[] = [];
  #segment: Segment | undefined;
  /** The last merged window. */
  #merged = Number.NEGATIVE_INFINITY;
  #steady = false;
  #ended: MeasurementEnd = 'planned';
  #startUs = 0;
  #askedUs = 0;
  #wake: () => void = () => undefined;

  constructor(
    plan: MeasurementPlan,
    links: readonly WorkerLink[],
    listener: SenderListener & { stopRequested(): boolean },
    output: FleetOutput,
    whyGone: (name: string) => Promise<string | undefined>,
  ) {
    this.#plan = plan;
    this.#parts = shareOut(plan, links.length);
    this.#listener = listener;
    this.#output = output;
    this.#whyGone = whyGone;
    const wake = (): void => {
      this.#wake();
    };
    this.#workers = links.map(
      (link, place) =>
        new FleetWorker(place, link, {
          window: (report) => {
            this.#merger.report(place, report);
            wake();
          },
          changed: wake,
        }),
    );
    this.#live = new Set(this.#workers);
    this.#warmUp = new MergedWarmUp([plan.arms[0].name, plan.arms[1].name]);
    this.#mostWindows = plan.windows + (plan.replacements ?? 0);
    this.#windowUs = plan.windowSeconds * 1e6;
    this.#warmupUs = warmupWindowSeconds(plan) * 1e6;
  }

  /**
   * Sends the whole plan.
   * @throws FleetError when no worker is left; whatever the listener's `plantedBlock` rejects with; the signal's reason
   */
  async run(signal: AbortSignal): Promise<FleetEnd> {
    const reading = this.#workers.map((worker) => worker.read());
    const abort = (): void => {
      for (const worker of this.#workers) worker.close();
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      await this.#begin(signal);
      await this.#warm(signal);
      await this.#count(signal);
      await this.#plantWhenPlanned(signal);
      await this.#end(signal);
      return { counters: this.#counters(), steady: this.#steady, ended: this.#ended };
    } finally {
      signal.removeEventListener('abort', abort);
      abort();
      await Promise.all(reading);
    }
  }

  /** Rows that stand in no merged window. */
  rest(): ReturnType<WindowMerger['rest']> {
    for (const worker of this.#live) this.#merger.lost(worker.place, worker.unreported);
    return this.#merger.rest();
  }

  get #nowUs(): number {
    return monotonicUs() - this.#startUs;
  }

  /** Plans out, clocks in, and a moment at which all begin. */
  async #begin(signal: AbortSignal): Promise<void> {
    const deadlineUs = monotonicUs() + READY_US;
    this.#startUs = monotonicUs();
    for (const worker of this.#workers) {
      const part = this.#parts[worker.place];
      worker.sendPlan(JSON.stringify(part));
    }
    const isKnown = (worker: FleetWorker): boolean =>
      worker.ready && worker.clockReadings >= CLOCK_READINGS;
    while (![...this.#live].every(isKnown)) {
      for (const worker of this.#live) {
        // A thread that still starts would answer late and say little.
        if (worker.ready && worker.clockReadings < CLOCK_READINGS) worker.askClock();
        if (!isKnown(worker) && monotonicUs() > deadlineUs) {
          await this.#lose(worker, `it was not ready within ${READY_US / 1e6} s`);
        }
      }
      await this.#look(signal);
    }
    const errors = [...this.#live].map((worker) => worker.clock?.errorUs ?? Infinity);
    const worst = Math.max(...errors);
    if (worst > MOST_CLOCK_ERROR_US) {
      throw new FleetError(
        `the clocks of the workers are known to ${Math.round(worst / 1000)} ms only: the way to them takes too long for windows in common`,
      );
    }
    this.#startUs = monotonicUs() + LEAD_US;
    for (const worker of this.#live) {
      worker.send({ order: 'begin', atUs: this.#startUs + (worker.clock?.offsetUs ?? 0) });
    }
    this.#output.begun(worst);
  }

  async #warm(signal: AbortSignal): Promise<void> {
    const { maxSeconds } = this.#plan.warmup;
    const windows = Math.ceil((maxSeconds * 1e6) / this.#warmupUs);
    if (windows === 0) return;
    this.#order('warm-up', -windows, windows, 0, this.#warmupUs);
    while (
      !this.#steady &&
      !this.#listener.stopRequested() &&
      this.#nowUs < maxSeconds * 1e6 - LEAD_US
    ) {
      await this.#look(signal);
      this.#steady ||= isWarm(this.#warmUp.windows, this.#warmupUs / 1e6, this.#plan.warmup);
    }
  }

  /** The counted windows, and replacements for spoilt ones. */
  async #count(signal: AbortSignal): Promise<void> {
    let next = 0;
    let wanted = this.#plan.windows;
    if (this.#listener.stopRequested()) {
      this.#ended = 'stopped';
      // Nothing of a warm-up counts: it ends with the window in progress.
      await this.#truncate(signal);
      return;
    }
    let atUs = this.#segment === undefined ? 0 : this.#nowUs + LEAD_US;
    while (next < wanted && !this.#isOver) {
      this.#order('counted', next, wanted - next, atUs, this.#windowUs);
      const reached = await this.#untilMerged(wanted - 1, signal);
      next = reached + 1;
      if (this.#listener.stopRequested()) {
        if (next < wanted) this.#ended = 'stopped';
        return;
      }
      wanted = Math.max(
        wanted,
        Math.min(this.#listener.windowsWanted?.() ?? wanted, this.#mostWindows),
      );
      atUs = this.#nowUs + LEAD_US;
    }
  }

  async #plantWhenPlanned(signal: AbortSignal): Promise<void> {
    const { planted } = this.#plan;
    if (planted === undefined || this.#isOver) return;
    let half = false;
    if (this.#listener.plantedBlock !== undefined) {
      const block = await this.#within(HELD_MS, this.#listener.plantedBlock(), signal);
      half = block.half;
      this.#output.plantedDelay(block.delayMs);
    }
    this.#order(
      'planted',
      this.#mostWindows,
      planted.windows,
      this.#nowUs + LEAD_US,
      this.#windowUs,
      half,
    );
    await this.#untilMerged(this.#mostWindows + planted.windows - 1, signal);
  }

  async #end(signal: AbortSignal): Promise<void> {
    for (const worker of this.#live) worker.send({ order: 'end' });
    const deadlineUs = monotonicUs() + this.#reportUs;
    while (![...this.#live].every(({ over }) => over) && monotonicUs() < deadlineUs) {
      await this.#wait();
      signal.throwIfAborted();
      this.#askClocks();
    }
    for (const worker of [...this.#live]) {
      if (worker.facts?.counters !== undefined) continue;
      await this.#lose(worker, worker.problem ?? 'it ended without its counters');
    }
    // Where the time was over, some windows were never finished by all.
    for (const worker of this.#live) this.#merger.lost(worker.place, worker.unreported);
    this.#mergeNow();
  }

  get #isOver(): boolean {
    return this.#ended === 'max-seconds';
  }

  get #reportUs(): number {
    return this.#plan.limits.requestTimeoutMs * 1000 + REPORT_US;
  }

  #order(
    kind: SegmentKind,
    first: number,
    windows: number,
    atUs: number,
    windowUs: number,
    half = false,
  ): void {
    const live = [...this.#live];
    this.#segment = {
      kind,
      first,
      windows,
      atUs,
      windowUs,
      half,
      share: { place: 0, of: live.length },
    };
    this.#merger.assign(
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

  /**
   * Until this window is merged, the listener has asked to stop, or the time is over.
   * @returns the last window that was sent
   */
  async #untilMerged(window: number, signal: AbortSignal): Promise<number> {
    let last = window;
    let stopping = false;
    while (this.#merged < last && !this.#isOver) {
      await this.#look(signal);
      if (!stopping && this.#segment?.kind === 'counted' && this.#listener.stopRequested()) {
        stopping = true;
        last = await this.#truncate(signal);
      }
      await this.#dropOverdue(last);
    }
    return last;
  }

  /**
   * Ends the segment with the window in progress.
   * @returns the last window that any worker sends
   */
  async #truncate(signal: AbortSignal): Promise<number> {
    const segment = this.#segment;
    if (segment === undefined) return this.#merged;
    const asked = Math.min(this.#windowAt(segment, this.#nowUs + LEAD_US), lastOf(segment));
    for (const worker of this.#live) worker.send({ order: 'last', window: asked });
    const deadlineUs = monotonicUs() + MOST_SILENT_US;
    while (![...this.#live].every(({ lastWindow }) => lastWindow !== undefined)) {
      await this.#look(signal);
      if (monotonicUs() < deadlineUs) continue;
      for (const worker of [...this.#live]) {
        if (worker.lastWindow === undefined) await this.#lose(worker, 'it does not answer');
      }
    }
    const ends = [...this.#live].map(({ lastWindow, place }) => ({
      place,
      last: Math.min(lastWindow ?? asked, lastOf(segment)),
    }));
    for (const { last, place } of ends) this.#merger.ends(place, last);
    const last = Math.max(asked, ...ends.map((one) => one.last));
    this.#segment = { ...segment, windows: last - segment.first + 1 };
    return last;
  }

  #windowAt({ atUs, first, windowUs }: Segment, nowUs: number): number {
    return first + Math.max(0, Math.floor((nowUs - atUs) / windowUs));
  }

  /** A worker whose report is overdue will not send it any more. */
  async #dropOverdue(last: number): Promise<void> {
    const segment = this.#segment;
    if (segment === undefined) return;
    const endUs = segment.atUs + (last - segment.first + 1) * segment.windowUs;
    if (this.#nowUs < endUs + this.#reportUs) return;
    for (const worker of this.#merger.owing(last)) {
      const owing = this.#workers[worker];
      if (owing !== undefined && this.#live.has(owing)) {
        await this.#lose(owing, 'its last windows were never reported');
      }
    }
  }

  /** One turn: what has come is merged, workers that are gone are dropped, clocks are asked. */
  async #look(signal: AbortSignal): Promise<void> {
    await this.#wait();
    signal.throwIfAborted();
    for (const worker of [...this.#live]) {
      if (worker.over) await this.#lose(worker, worker.problem ?? (await this.#whyOver(worker)));
      else if (worker.silentUs > MOST_SILENT_US) {
        await this.#lose(worker, `it has not answered for ${MOST_SILENT_US / 1e6} s`);
      }
    }
    this.#askClocks();
    this.#mergeNow();
    if (this.#startUs > 0 && this.#nowUs >= this.#plan.limits.maxSeconds * 1e6) {
      this.#ended = 'max-seconds';
    }
  }

  async #whyOver({ facts, name }: FleetWorker): Promise<string> {
    if (facts?.ended === 'max-seconds') return 'it reached its cap on time';
    return (await this.#whyGone(name)) ?? 'its connection broke';
  }

  #mergeNow(): void {
    for (const merged of this.#merger.take()) {
      this.#merged = merged.window;
      if (merged.window < 0) this.#warmUp.add(merged, this.#endOf(merged.window));
      this.#output.window(merged);
      const { fitness, samples, window } = merged;
      this.#listener.window({ window, samples, fitness });
    }
  }

  /** Of a warm-up window. */
  #endOf(window: number): number {
    const windows = Math.ceil((this.#plan.warmup.maxSeconds * 1e6) / this.#warmupUs);
    return (window + windows + 1) * this.#warmupUs;
  }

  #askClocks(): void {
    const nowUs = monotonicUs();
    if (nowUs - this.#askedUs < HEARTBEAT_US) return;
    this.#askedUs = nowUs;
    for (const worker of this.#live) {
      if (worker.clockReadings >= CLOCK_READINGS) worker.askClock();
    }
  }

  /**
   * The others take its part over from the next window on, so that the rate is the asked one again. Windows that
   * it did not report stay without its part, and do not count.
   */
  async #lose(worker: FleetWorker, why: string): Promise<void> {
    if (!this.#live.delete(worker)) return;
    worker.close();
    this.#merger.lost(worker.place, worker.unreported);
    if (this.#live.size > 0) this.#takeOver();
    const reason = worker.problem ?? (await this.#whyGone(worker.name)) ?? why;
    this.#losses.push(`${worker.name}: ${reason}`);
    this.#output.lost(worker.name, reason);
    if (this.#live.size === 0) {
      throw new FleetError(
        this.#losses.length === 1
          ? `the sender's worker was lost: ${this.#losses.join('')}`
          : `all workers of the sender were lost: ${this.#losses.join('; ')}`,
      );
    }
    this.#listener.said?.(
      `a worker of the sender was lost (${worker.name}: ${reason}); the windows that it had begun do not count, and ${this.#live.size === 1 ? 'the other one takes' : `the other ${this.#live.size} take`} its part over`,
    );
  }

  #takeOver(): void {
    const segment = this.#segment;
    if (segment === undefined) return;
    const nextAtUs = Math.max(segment.atUs, this.#nowUs + LEAD_US);
    const first = segment.first + Math.ceil((nextAtUs - segment.atUs) / segment.windowUs);
    const left = lastOf(segment) - first + 1;
    if (left <= 0) return;
    const { half, kind, windowUs } = segment;
    this.#order(
      kind,
      first,
      left,
      segment.atUs + (first - segment.first) * windowUs,
      windowUs,
      half,
    );
  }

  #counters(): SenderCounters {
    const sums = { sent: 0, received: 0, inFlight: 0, cpuSeconds: 0 };
    for (const worker of this.#workers) {
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
  async #within<T>(mostMs: number, asked: Promise<T>, signal: AbortSignal): Promise<T> {
    const deadlineUs = monotonicUs() + mostMs * 1000;
    const state = { settled: false };
    const end = (): void => {
      state.settled = true;
      this.#wake();
    };
    asked.then(end, end);
    for (;;) {
      await this.#look(signal);
      if (state.settled) return asked;
      if (monotonicUs() > deadlineUs) {
        throw new Error(`nobody said the planted delay within ${mostMs / 1000} s`);
      }
    }
  }

  /** Until something happens, or a little while. */
  async #wait(): Promise<void> {
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

function lastOf({ first, windows }: Segment): number {
  return first + windows - 1;
}
