import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unfitReason } from '../../judge/fitness.ts';
import type { Sample, WindowFitness } from '../sample.ts';
import type { WindowReport } from '../sender.ts';
import { mergeFitness, WindowMerger, type MergedWindow } from './merge.ts';

const fitnessOf = (window: number, change: Partial<WindowFitness> = {}): WindowFitness => ({
  window,
  latenessP99Us: 100,
  runQueueShare: 0.01,
  contained: true,
  sent: 2,
  received: 2,
  waited: 0,
  ...change,
});

function reportOf(worker: number, window: number, pairs = 1): WindowReport {
  const samples = Array.from({ length: 2 * pairs }, (_, index): Sample => ({
    arm: index % 2 === 0 ? 'baseline' : 'candidate',
    launch: `worker-${worker}`,
    window,
    kind: 'read',
    // The same times in all workers: only the worker tells their rows apart.
    intendedUs: window * 1000 + index,
    latencyUs: 5,
    status: 'ok',
  }));
  return { window, samples, fitness: fitnessOf(window, { sent: 2 * pairs, received: 2 * pairs }) };
}

type Event =
  | { readonly worker: number; readonly report: WindowReport }
  | { readonly worker: number; readonly torn: readonly Sample[] };

/** Feeds events in this order and takes after each. */
function merge(workers: readonly number[], events: readonly Event[]): readonly MergedWindow[] {
  const merger = new WindowMerger();
  merger.assign(0, workers);
  return events.flatMap((event) => {
    if ('report' in event) merger.report(event.worker, event.report);
    else merger.lost(event.worker, event.torn);
    return merger.take();
  });
}

/** Each worker's events keep their order; which worker comes next is drawn. */
function interleaved(lists: readonly (readonly Event[])[], draws: readonly number[]): Event[] {
  const left = lists.map((list) => [...list]);
  const mixed: Event[] = [];
  for (let index = 0; left.some((list) => list.length > 0); index += 1) {
    const open = left.filter((list) => list.length > 0);
    const next = open[(draws[index % draws.length] ?? 0) % open.length]?.shift();
    if (next !== undefined) mixed.push(next);
  }
  return mixed;
}

describe('WindowMerger', () => {
  it('makes the same windows of the same reports, in whatever order they come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ windows: fc.integer({ min: 1, max: 5 }), isLost: fc.boolean() }), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 40 }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 40 }),
        (plans, one, other) => {
          // Who is not lost sends all windows.
          const lists = plans.map(({ isLost, windows }, worker): Event[] => [
            ...Array.from({ length: isLost ? windows : 6 }, (_, window) => ({
              worker,
              report: reportOf(worker, window, 1 + ((worker + window) % 3)),
            })),
            ...(isLost ? [{ worker, torn: reportOf(worker, windows).samples.slice(0, 1) }] : []),
          ]);
          const workers = plans.map((_, worker) => worker);
          const merged = merge(workers, interleaved(lists, one));
          expect(merge(workers, interleaved(lists, other))).toEqual(merged);
          const rows = merged.flatMap(({ samples }) => samples).length;
          const fed = lists
            .flat()
            .flatMap((event) => ('report' in event ? event.report.samples : event.torn)).length;
          expect(rows).toBe(fed);
          expect(merged.map(({ window }) => window)).toEqual(
            [...merged.map(({ window }) => window)].sort((a, b) => a - b),
          );
        },
      ),
    );
  });

  it('waits for the slowest worker and keeps the order of windows', () => {
    const merger = new WindowMerger();
    merger.assign(0, [0, 1]);
    merger.report(0, reportOf(0, 0));
    merger.report(0, reportOf(0, 1));
    expect(merger.take()).toEqual([]);
    expect(merger.owing(1)).toEqual([1]);
    merger.report(1, reportOf(1, 0));
    expect(merger.take().map(({ window }) => window)).toEqual([0]);
    merger.report(1, reportOf(1, 1));
    expect(merger.take().map(({ window }) => window)).toEqual([1]);
  });

  it('calls a window that a lost worker did not report unfit, and one it had reported fit', () => {
    const merger = new WindowMerger();
    merger.assign(0, [0, 1]);
    merger.report(1, reportOf(1, 0));
    merger.lost(1, reportOf(1, 1).samples);
    for (const window of [0, 1, 2]) merger.report(0, reportOf(0, window));
    const [whole, torn, alone] = merger.take();
    expect(whole && unfitReason(whole.fitness)).toBeUndefined();
    expect(torn?.missing).toEqual([1]);
    expect(torn?.samples).toHaveLength(4);
    // Its rows are counted, so that rows and report agree.
    expect(torn?.fitness).toMatchObject({ sent: 4, received: 4, missingWorkers: 1 });
    expect(torn && unfitReason(torn.fitness)).toContain('never reported');
    // Nobody took its part over yet.
    expect(alone && unfitReason(alone.fitness)).toContain('never reported');
  });

  it('wants nothing of a lost worker in windows that others were assigned', () => {
    const merger = new WindowMerger();
    merger.assign(0, [0, 1]);
    merger.lost(1);
    merger.assign(2, [0]);
    for (const window of [0, 1, 2]) merger.report(0, reportOf(0, window));
    expect(merger.take().map(({ missing }) => missing)).toEqual([[1], [1], []]);
  });

  it('takes a window that one worker passed over for one without its part', () => {
    const merger = new WindowMerger();
    merger.assign(0, [0, 1]);
    for (const window of [0, 1]) merger.report(0, reportOf(0, window));
    merger.report(1, reportOf(1, 1));
    expect(merger.take().map(({ missing }) => missing)).toEqual([[1], []]);
  });

  it('does not wait for who ends a window earlier than the others', () => {
    const merger = new WindowMerger();
    merger.assign(0, [0, 1]);
    merger.ends(0, 0);
    merger.ends(1, 1);
    merger.report(0, reportOf(0, 0));
    for (const window of [0, 1]) merger.report(1, reportOf(1, window));
    expect(merger.take().map(({ missing }) => missing)).toEqual([[], [0]]);
    expect(merger.rest()).toEqual([]);
  });

  it('keeps rows of windows that never became complete', () => {
    const merger = new WindowMerger();
    merger.assign(0, [0, 1]);
    merger.report(0, reportOf(0, 0));
    expect(merger.take()).toEqual([]);
    expect(merger.rest()).toHaveLength(2);
  });
});

describe('mergeFitness', () => {
  const merged = (...reports: readonly Partial<WindowFitness>[]): WindowFitness =>
    mergeFitness(
      3,
      reports.map((change) => fitnessOf(3, { sent: 100, received: 100, ...change })),
      { missing: 0, torn: 0 },
    );

  it('is fit only where every worker was: one that is not spoils the window of all', () => {
    const unfit: readonly Partial<WindowFitness>[] = [
      { latenessP99Us: 20_001 },
      { runQueueShare: 0.21 },
      { waited: 3 },
      { foreignCores: 0.76 },
      { foreignCores: Number.NaN },
    ];
    expect(unfitReason(merged({}, {}))).toBeUndefined();
    for (const change of unfit) {
      const both = 'foreignCores' in change ? { foreignCores: 0 } : {};
      const reason = unfitReason(fitnessOf(3, { sent: 100, received: 100, ...change }));
      expect(reason, JSON.stringify(change)).toBeDefined();
      expect(unfitReason(merged(both, change, both)), JSON.stringify(change)).toBeDefined();
      expect(unfitReason(merged(change, both, both)), JSON.stringify(change)).toBeDefined();
    }
  });

  it('adds requests up, and waits as if all had fared like the worst', () => {
    expect(merged({ waited: 1 }, { waited: 2 }, {})).toMatchObject({
      sent: 300,
      received: 300,
      waited: 6,
    });
  });

  it('has watched foreign CPU only where every worker did', () => {
    const watched = { foreignCores: 0.2 };
    expect(merged(watched, { foreignCores: 0.5 }).foreignCores).toBe(0.5);
    expect(merged(watched, {}).foreignCores).toBeUndefined();
    const free = mergeFitness(3, [fitnessOf(3), { ...fitnessOf(3), contained: false }], {
      missing: 0,
      torn: 0,
    });
    expect(unfitReason(free)).toContain('nobody watched');
  });
});
