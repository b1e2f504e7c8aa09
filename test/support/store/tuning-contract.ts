import { expect, it } from 'vitest';
import type { TuningRecord, TuningView } from '../../../gate-service/src/runs/tuning-record.ts';
import type { StoreOf } from './contract.ts';

const view: TuningView = {
  outcome: 'under-way',
  summary: 'tuning has begun',
  objective: 'p95',
  memory: [],
  evaluations: [],
};

function record(runId: string, at: string, more: Partial<TuningRecord> = {}): TuningRecord {
  return { runId, start: 1, service: 'checkout', at, view, ...more };
}

const learnt = (value: number) => ({ space: 'knobs', session: { trials: [{ value }] } });

/** What tuning did in a run, and what later runs are told of it. */
export function tuningContract(store: StoreOf): void {
  it('keeps what was stored last of each start, and shows the last start', async () => {
    expect(await store().tuning('run-1')).toBeUndefined();
    await store().saveTuning(record('run-1', 't1'));
    await store().saveTuning(
      record('run-1', 't2', { view: { ...view, summary: 'one evaluation' }, learnt: learnt(1) }),
    );
    await store().saveTuning(
      record('run-1', 't3', { start: 2, view: { ...view, outcome: 'kept' } }),
    );
    await store().saveTuning(record('run-2', 't3'));
    const [first, second] = await Promise.all([store().tuning('run-1'), store().tuning('run-2')]);
    expect(first).toStrictEqual({ ...view, outcome: 'kept' });
    expect(second).toStrictEqual(view);
    // What the interrupted start learnt is not lost.
    expect(await store().learntSessions({}, 9)).toStrictEqual([
      { runId: 'run-1', start: 1, service: 'checkout', at: 't2', ...learnt(1) },
    ]);
  });

  it('tells what was learnt, latest first, of one service or of all', async () => {
    await store().saveTuning(record('a', 't1', { learnt: learnt(1) }));
    await store().saveTuning(record('b', 't3', { service: 'search', learnt: learnt(2) }));
    await store().saveTuning(record('c', 't2', { learnt: learnt(3) }));
    await store().saveTuning(record('d', 't4'));
    const ids = async (filter: { readonly service?: string }, limit: number) =>
      (await store().learntSessions(filter, limit)).map(({ runId }) => runId);
    expect(await ids({}, 9)).toStrictEqual(['b', 'c', 'a']);
    expect(await ids({}, 2)).toStrictEqual(['b', 'c']);
    expect(await ids({ service: 'checkout' }, 1)).toStrictEqual(['c']);
    await store().saveTuning(record('a', 't5', { learnt: learnt(4) }));
    expect(await ids({}, 9)).toStrictEqual(['a', 'b', 'c']);
  });

  it('replaces what was learnt in one start of a run, and nothing else', async () => {
    const kept = { ...view, outcome: 'kept' } as const;
    await store().saveTuning(record('a', 't1', { learnt: learnt(1) }));
    await store().saveTuning(record('a', 't2', { start: 2, view: kept, learnt: learnt(2) }));
    await store().saveTuning(record('b', 't3', { learnt: learnt(3) }));
    const [, , first] = await store().learntSessions({}, 9);
    await store().saveLearnt({ ...first!, at: 't9', ...learnt(4) });
    await store().saveLearnt({ ...first!, runId: 'nobody' });
    expect(await store().learntSessions({}, 9)).toStrictEqual([
      { runId: 'b', start: 1, service: 'checkout', at: 't3', ...learnt(3) },
      { runId: 'a', start: 2, service: 'checkout', at: 't2', ...learnt(2) },
      { runId: 'a', start: 1, service: 'checkout', at: 't1', ...learnt(4) },
    ]);
    expect(await store().tuning('a')).toStrictEqual(kept);
  });

  it('forgets what is not told any more, and keeps what runs answer', async () => {
    for (const [id, at] of [
      ['a', 't1'],
      ['b', 't2'],
      ['c', 't3'],
    ] as const) {
      await store().saveTuning(record(id, at, { learnt: learnt(1) }));
    }
    await store().saveTuning(record('other', 't0', { service: 'search', learnt: learnt(2) }));
    await store().saveTuning(record('a', 't4', { start: 2, view: { ...view, outcome: 'kept' } }));
    await store().saveTuning(record('c', 't4', { start: 2 }));
    await store().saveTuning(record('under-way', 't5'));
    // What `a` learnt in its first start, and the record of that start, which no answer needs.
    expect(await store().forgetLearnt(2)).toBe(2);
    expect(await store().forgetLearnt(2)).toBe(0);
    const left = await store().learntSessions({}, 9);
    expect(left.map(({ runId }) => runId)).toStrictEqual(['c', 'b', 'other']);
    expect(await store().forgetLearnt(1)).toBe(1);
    expect(await store().tuning('a')).toStrictEqual({ ...view, outcome: 'kept' });
    expect(await store().tuning('b')).toStrictEqual(view);
    expect(await store().tuning('under-way')).toStrictEqual(view);
  });
}
