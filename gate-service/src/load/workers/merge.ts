/**
 * One measurement from the windows of several workers. What comes of it depends on what each worker reported,
 * not on the order in which the reports came. Pure.
 */
import type { Sample, WindowFitness } from '../sample.ts';
import type { WindowReport } from '../sender.ts';

export interface MergedWindow extends WindowReport {
  /** Reports of the workers, by number; without those whose report never came. */
  readonly byWorker: ReadonlyMap<number, WindowFitness>;
  /** Workers whose report never came. */
  readonly missing: readonly number[];
}

interface OpenWindow {
  readonly reports: Map<number, WindowReport>;
  /** Rows of workers that were lost before they reported. */
  readonly torn: Map<number, Sample[]>;
}

interface Assignment {
  readonly from: number;
  readonly workers: ReadonlySet<number>;
  /** Workers that end with another window than the rest, and with which. */
  readonly last: Map<number, number>;
}

/**
 * Each worker reports its windows in rising order. A window is complete when every worker that was to send it has
 * reported it, or a later one, or is lost; complete windows are handed out in order.
 */
export class WindowMerger {
  readonly #open = new Map<number, OpenWindow>();
  readonly #assignments: Assignment[] = [];
  /** The last window that each worker reported. */
  readonly #progress = new Map<number, number>();
  readonly #lost = new Set<number>();

  /** From this window on it is these workers who send; windows before keep theirs. */
  assign(from: number, workers: Iterable<number>): void {
    while ((this.#assignments.at(-1)?.from ?? Number.NEGATIVE_INFINITY) >= from) {
      this.#assignments.pop();
    }
    this.#assignments.push({ from, workers: new Set(workers), last: new Map() });
  }

  /** Of the windows assigned last, this worker sends none after this one. */
  ends(worker: number, last: number): void {
    this.#assignments.at(-1)?.last.set(worker, last);
  }

  report(worker: number, report: WindowReport): void {
    this.#progress.set(worker, report.window);
    this.#openOf(report.window).reports.set(worker, report);
  }

  /** @param rows what came of windows that it did not report; they stay in the measurement, in windows that do not count */
  lost(worker: number, rows: readonly Sample[] = []): void {
    if (this.#lost.has(worker)) return;
    this.#lost.add(worker);
    for (const row of rows) {
      const { torn } = this.#openOf(row.window);
      const own = torn.get(worker);
      if (own === undefined) torn.set(worker, [row]);
      else own.push(row);
    }
  }

  /** Complete windows that were not taken yet, in order. */
  take(): readonly MergedWindow[] {
    const taken: MergedWindow[] = [];
    for (const [window, open] of [...this.#open].sort(([a], [b]) => a - b)) {
      const due = this.#dueFrom(window);
      if (!due.every((worker) => this.#isSettled(worker, window))) break;
      this.#open.delete(window);
      taken.push(merged(window, open, due));
    }
    return taken;
  }

  /** Workers that owe the report of this window or of one before. */
  owing(window: number): readonly number[] {
    return this.#dueFrom(window).filter((worker) => !this.#isSettled(worker, window));
  }

  /** What is left of windows that never became complete: rows without a report. */
  rest(): readonly Sample[] {
    const rows = [...this.#open].sort(([a], [b]) => a - b).flatMap(([, open]) => rowsOf(open));
    this.#open.clear();
    return rows;
  }

  #openOf(window: number): OpenWindow {
    const known = this.#open.get(window);
    if (known !== undefined) return known;
    const open: OpenWindow = { reports: new Map(), torn: new Map() };
    this.#open.set(window, open);
    return open;
  }

  #dueFrom(window: number): readonly number[] {
    return [...(this.#assignmentOf(window)?.workers ?? [])];
  }

  #isSettled(worker: number, window: number): boolean {
    const progress = this.#progress.get(worker) ?? Number.NEGATIVE_INFINITY;
    if (progress >= window || this.#lost.has(worker)) return true;
    return (this.#assignmentOf(window)?.last.get(worker) ?? window) < window;
  }

  #assignmentOf(window: number): Assignment | undefined {
    return this.#assignments.findLast(({ from }) => from <= window);
  }
}

function merged(window: number, open: OpenWindow, due: readonly number[]): MergedWindow {
  const missing = due.filter((worker) => !open.reports.has(worker)).sort((a, b) => a - b);
  const samples = rowsOf(open);
  const byWorker = new Map(
    [...open.reports]
      .sort(([a], [b]) => a - b)
      .map(([worker, { fitness }]) => [worker, fitness] as const),
  );
  return {
    window,
    samples,
    fitness: mergeFitness(window, [...byWorker.values()], {
      missing: missing.length,
      torn: [...open.torn.values()].reduce((sum, rows) => sum + rows.length, 0),
    }),
    byWorker,
    missing,
  };
}

/** By intended time, and where that is the same by worker: one order whatever came first. */
function rowsOf({ reports, torn }: OpenWindow): readonly Sample[] {
  const rows = [...[...reports].map(([worker, { samples }]) => [worker, samples] as const), ...torn]
    .sort(([a], [b]) => a - b)
    .flatMap(([worker, samples]) => samples.map((sample) => ({ sample, worker })));
  return rows
    .sort((a, b) => a.sample.intendedUs - b.sample.intendedUs || a.worker - b.worker)
    .map(({ sample }) => sample);
}

/**
 * Fit only if every worker was: of what the judge holds against a limit the worst worker counts, and of the
 * requests all. Requests of a worker that never reported are counted by their rows.
 * @param torn rows of workers that never reported
 */
export function mergeFitness(
  window: number,
  reports: readonly WindowFitness[],
  { missing, torn }: { readonly missing: number; readonly torn: number },
): WindowFitness {
  const sum = (of: (report: WindowFitness) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const worst = (of: (report: WindowFitness) => number): number =>
    reports.reduce((most, report) => Math.max(most, of(report)), 0);
  const foreign = reports.flatMap(({ foreignCores }) => foreignCores ?? []);
  const sent = sum((report) => report.sent) + torn;
  const waitedShare = worst(({ sent: own, waited = 0 }) => (own === 0 ? 0 : waited / own));
  return {
    window,
    latenessP99Us: worst(({ latenessP99Us }) => latenessP99Us),
    runQueueShare: worst(({ runQueueShare }) => runQueueShare),
    // One that nobody watched makes the whole window unwatched.
    ...(foreign.length === reports.length && reports.length > 0
      ? { foreignCores: Math.max(...foreign) }
      : {}),
    ...(reports.length > 0 && reports.every(({ contained }) => contained === true)
      ? { contained: true }
      : {}),
    ...(missing === 0 ? {} : { missingWorkers: missing }),
    sent,
    received: sum(({ received }) => received) + torn,
    waited: Math.min(sent, Math.ceil(waitedShare * sent - 1e-9)),
  };
}
