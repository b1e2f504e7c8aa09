/** Leads the workers of one measurement: they begin every segment at one moment, and what they report becomes one. */
import { monotonicUs } from '../monotonic.ts';
import type { MeasurementEnd, SenderCounters } from '../sample.ts';
import type { MeasurementPlan, SenderListener } from '../sender.ts';
import { isWarm } from '../warm-up.ts';
import {
  CLOCK_READINGS,
  Fleet,
  FleetError,
  LEAD_US,
  MOST_SILENT_US,
  type FleetOutput,
} from './fleet.ts';
import type { WorkerLink } from './link.ts';
import type { WindowMerger } from './merge.ts';
import { lastOf, type Segment } from './orders.ts';
import { shareOut } from './share-out.ts';
import type { FleetWorker } from './worker.ts';

/** For a worker to read the plan and start its threads. */
const READY_US = 60e6;
/** From a window's end to its report, on top of its requests' time-out. */
const REPORT_US = 8e6;
/** Clocks that cannot be told better than this have no common moment. */
const MOST_CLOCK_ERROR_US = 50_000;
/** Longest time that the planted block waits for its delay. */
const HELD_MS = 30_000;

export interface FleetEnd {
  readonly counters: SenderCounters;
  readonly steady: boolean;
  readonly ended: MeasurementEnd;
}

export class Coordinator {
  readonly #plan: MeasurementPlan;
  readonly #parts: readonly MeasurementPlan[];
  readonly #fleet: Fleet;
  readonly #listener: SenderListener & { stopRequested(): boolean };
  readonly #output: FleetOutput;
  readonly #mostWindows: number;
  readonly #windowUs: number;
  #steady = false;
  #stopped = false;

  /** @param whyGone why a worker that is gone is gone, where its platform knows */
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
    this.#fleet = new Fleet(plan, links, listener, output, whyGone);
    this.#mostWindows = plan.windows + (plan.replacements ?? 0);
    this.#windowUs = plan.windowSeconds * 1e6;
  }

  /** Rows that stand in no merged window. */
  rest(): ReturnType<WindowMerger['rest']> {
    this.#fleet.dropUnreported();
    return this.#fleet.merger.rest();
  }

  /**
   * Sends the whole plan.
   * @throws FleetError when no worker is left; whatever the listener's `plantedBlock` rejects with; the signal's reason
   */
  async run(signal: AbortSignal): Promise<FleetEnd> {
    const reading = this.#fleet.workers.map((worker) => worker.read());
    const abort = (): void => {
      this.#fleet.close();
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      await this.#begin(signal);
      await this.#warm(signal);
      await this.#count(signal);
      await this.#plantWhenPlanned(signal);
      await this.#end(signal);
      return { counters: this.#fleet.counters(), steady: this.#steady, ended: this.#ended };
    } finally {
      signal.removeEventListener('abort', abort);
      abort();
      await Promise.all(reading);
    }
  }

  get #ended(): MeasurementEnd {
    if (this.#fleet.timeIsOver) return 'max-seconds';
    return this.#stopped ? 'stopped' : 'planned';
  }

  /** Plans out, clocks in, and a moment at which all begin. */
  async #begin(signal: AbortSignal): Promise<void> {
    const deadlineUs = monotonicUs() + READY_US;
    this.#fleet.startUs = monotonicUs();
    for (const worker of this.#fleet.workers) {
      const part = this.#parts[worker.place];
      worker.sendPlan(JSON.stringify(part));
    }
    const isKnown = (worker: FleetWorker): boolean =>
      worker.ready && worker.clockReadings >= CLOCK_READINGS;
    while (![...this.#fleet.live].every(isKnown)) {
      for (const worker of this.#fleet.live) {
        // A thread that still starts would answer late and say little.
        if (worker.ready && worker.clockReadings < CLOCK_READINGS) worker.askClock();
        if (!isKnown(worker) && monotonicUs() > deadlineUs) {
          await this.#fleet.lose(worker, `it was not ready within ${READY_US / 1e6} s`);
        }
      }
      await this.#fleet.look(signal);
    }
    const errors = [...this.#fleet.live].map((worker) => worker.clock?.errorUs ?? Infinity);
    const worst = Math.max(...errors);
    if (worst > MOST_CLOCK_ERROR_US) {
      throw new FleetError(
        `the clocks of the workers are known to ${Math.round(worst / 1000)} ms only: the way to them takes too long for windows in common`,
      );
    }
    this.#fleet.startUs = monotonicUs() + LEAD_US;
    for (const worker of this.#fleet.live) {
      worker.send({ order: 'begin', atUs: this.#fleet.startUs + (worker.clock?.offsetUs ?? 0) });
    }
    this.#output.begun(worst);
  }

  async #warm(signal: AbortSignal): Promise<void> {
    const { maxSeconds } = this.#plan.warmup;
    const windows = Math.ceil((maxSeconds * 1e6) / this.#fleet.warmupWindowUs);
    if (windows === 0) return;
    this.#fleet.order('warm-up', -windows, windows, 0, this.#fleet.warmupWindowUs);
    while (
      !this.#steady &&
      !this.#listener.stopRequested() &&
      this.#fleet.nowUs < maxSeconds * 1e6 - LEAD_US
    ) {
      await this.#fleet.look(signal);
      this.#steady ||= isWarm(
        this.#fleet.warmUp.windows,
        this.#fleet.warmupWindowUs / 1e6,
        this.#plan.warmup,
      );
    }
  }

  /** The counted windows, and replacements for spoilt ones. */
  async #count(signal: AbortSignal): Promise<void> {
    let next = 0;
    let wanted = this.#plan.windows;
    if (this.#listener.stopRequested()) {
      this.#stopped = true;
      // Nothing of a warm-up counts: it ends with the window in progress.
      await this.#truncate(signal);
      return;
    }
    let atUs = this.#fleet.segment === undefined ? 0 : this.#fleet.nowUs + LEAD_US;
    while (next < wanted && !this.#fleet.timeIsOver) {
      this.#fleet.order('counted', next, wanted - next, atUs, this.#windowUs);
      const reached = await this.#untilMerged(wanted - 1, signal);
      next = reached + 1;
      if (this.#listener.stopRequested()) {
        if (next < wanted) this.#stopped = true;
        return;
      }
      wanted = Math.max(
        wanted,
        Math.min(this.#listener.windowsWanted?.() ?? wanted, this.#mostWindows),
      );
      atUs = this.#fleet.nowUs + LEAD_US;
    }
  }

  async #plantWhenPlanned(signal: AbortSignal): Promise<void> {
    const { planted } = this.#plan;
    if (planted === undefined || this.#fleet.timeIsOver) return;
    let half = false;
    if (this.#listener.plantedBlock !== undefined) {
      const block = await this.#fleet.within(HELD_MS, this.#listener.plantedBlock(), signal);
      half = block.half;
      this.#output.plantedDelay(block.delayMs);
    }
    this.#fleet.order(
      'planted',
      this.#mostWindows,
      planted.windows,
      this.#fleet.nowUs + LEAD_US,
      this.#windowUs,
      half,
    );
    await this.#untilMerged(this.#mostWindows + planted.windows - 1, signal);
  }

  async #end(signal: AbortSignal): Promise<void> {
    for (const worker of this.#fleet.live) worker.send({ order: 'end' });
    const deadlineUs = monotonicUs() + this.#reportUs;
    while (![...this.#fleet.live].every(({ over }) => over) && monotonicUs() < deadlineUs) {
      await this.#fleet.wait();
      signal.throwIfAborted();
      this.#fleet.askClocks();
    }
    for (const worker of [...this.#fleet.live]) {
      if (worker.facts?.counters !== undefined) continue;
      await this.#fleet.lose(worker, worker.problem ?? 'it ended without its counters');
    }
    // Where the time was over, some windows were never finished by all.
    this.#fleet.dropUnreported();
    this.#fleet.mergeNow();
  }

  get #reportUs(): number {
    return this.#plan.limits.requestTimeoutMs * 1000 + REPORT_US;
  }

  /**
   * Until this window is merged, the listener has asked to stop, or the time is over.
   * @returns the last window that was sent
   */
  async #untilMerged(window: number, signal: AbortSignal): Promise<number> {
    let last = window;
    let stopping = false;
    while (this.#fleet.merged < last && !this.#fleet.timeIsOver) {
      await this.#fleet.look(signal);
      if (!stopping && this.#fleet.segment?.kind === 'counted' && this.#listener.stopRequested()) {
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
    const segment = this.#fleet.segment;
    if (segment === undefined) return this.#fleet.merged;
    const asked = Math.min(this.#windowAt(segment, this.#fleet.nowUs + LEAD_US), lastOf(segment));
    for (const worker of this.#fleet.live) worker.send({ order: 'last', window: asked });
    const deadlineUs = monotonicUs() + MOST_SILENT_US;
    while (![...this.#fleet.live].every(({ lastWindow }) => lastWindow !== undefined)) {
      await this.#fleet.look(signal);
      if (monotonicUs() < deadlineUs) continue;
      for (const worker of [...this.#fleet.live]) {
        if (worker.lastWindow === undefined) await this.#fleet.lose(worker, 'it does not answer');
      }
    }
    const ends = [...this.#fleet.live].map(({ lastWindow, place }) => ({
      place,
      last: Math.min(lastWindow ?? asked, lastOf(segment)),
    }));
    for (const { last, place } of ends) this.#fleet.merger.ends(place, last);
    const last = Math.max(asked, ...ends.map((one) => one.last));
    this.#fleet.segment = { ...segment, windows: last - segment.first + 1 };
    return last;
  }

  #windowAt({ atUs, first, windowUs }: Segment, nowUs: number): number {
    return first + Math.max(0, Math.floor((nowUs - atUs) / windowUs));
  }

  /** A worker whose report is overdue will not send it any more. */
  async #dropOverdue(last: number): Promise<void> {
    const segment = this.#fleet.segment;
    if (segment === undefined) return;
    const endUs = segment.atUs + (last - segment.first + 1) * segment.windowUs;
    if (this.#fleet.nowUs < endUs + this.#reportUs) return;
    for (const worker of this.#fleet.merger.owing(last)) {
      const owing = this.#fleet.workers[worker];
      if (owing !== undefined && this.#fleet.live.has(owing)) {
        await this.#fleet.lose(owing, 'its last windows were never reported');
      }
    }
  }
}
