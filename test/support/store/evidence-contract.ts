import { expect, it } from 'vitest';
import type { StoreOf } from './contract.ts';
import { BUILD, finishedRun, measurement, newRun, second } from './records.ts';

/** What decisions rest on: builds, intents, measurements, judged pairs; and what of it may go. */
export function evidenceContract(store: StoreOf): void {
  it('keeps intents open until their one outcome is stored', async () => {
    const intent = {
      id: 'i-1',
      service: 'checkout',
      runId: 'run-1',
      kind: 'deploy',
      at: 't',
      data: { role: 'candidate' },
    } as const;
    await store().saveIntent(intent);
    await store().saveIntent({ ...intent, id: 'i-2', kind: 'remove' });
    const outcome = { at: 't2', succeeded: true, message: 'up', data: {} };
    await store().saveOutcome('i-1', outcome);
    await expect(store().saveOutcome('i-1', outcome)).rejects.toThrow();
    await expect(store().saveOutcome('i-9', outcome)).rejects.toThrow();
    expect(await store().intents({ runId: 'run-1' })).toStrictEqual([
      { ...intent, outcome },
      { ...intent, id: 'i-2', kind: 'remove' },
    ]);
    const open = await store().intents({ open: true });
    expect(open.map((one) => one.id)).toStrictEqual(['i-2']);
    expect(await store().intents({ promotionId: 'p' })).toStrictEqual([]);
  });

  it('lists intents in the order of storing, also of many writers', async () => {
    const save = (n: number) =>
      store().saveIntent({
        id: `i-${n}`,
        service: 'checkout',
        kind: 'deploy',
        at: 'same',
        data: { n },
      });
    await Promise.all(Array.from({ length: 12 }, (_, n) => save(n)));
    await save(99);
    const all = await store().intents({});
    expect(all).toHaveLength(13);
    expect(all.at(-1)?.id).toBe('i-99');
  });

  it('keeps the first record of a build, and the latest judgement of a pair', async () => {
    const build = { digest: 'd', location: '/1', sizeBytes: 3e9, uploadedBy: 'a', uploadedAt: 't' };
    await store().saveBuild(build);
    await store().saveBuild({ ...build, location: '/2' });
    expect(await store().build('d')).toStrictEqual(build);
    const pair = {
      service: 'checkout',
      build: 'd',
      configurationHash: 'c',
      runId: 'run-1',
      judgementId: 'j-1',
      decision: 'pass',
      cause: 'met',
      at: 't',
    } as const;
    await store().saveJudgedPair(pair);
    const latest = {
      ...pair,
      judgementId: 'j-2',
      decision: 'rollback',
      cause: 'breached',
    } as const;
    await store().saveJudgedPair(latest);
    expect(await store().judgedPair('checkout', pair)).toStrictEqual(latest);
    expect(await store().judgedPair('other', pair)).toBeUndefined();
  });

  it('gives a measurement back as it was stored', async () => {
    await store().createRun(newRun('run-1'));
    const stored = measurement('m-1', 'run-1', { cpuSeconds: { baseline: 1.5 } });
    await store().saveMeasurement(stored);
    expect(await store().measurement('m-1')).toStrictEqual(stored);
    expect(await store().measurements('run-1')).toStrictEqual([stored]);
  });

  it('names samples that may go: old, of a finished run, of no build that matters', async () => {
    const runs = {
      old: finishedRun('old', { build: '1'.repeat(64) }),
      young: finishedRun('young', { build: '2'.repeat(64) }),
      open: newRun('open', { build: '3'.repeat(64), phase: 'measuring' }),
      inForce: finishedRun('inForce', { build: '4'.repeat(64) }),
      lastGood: finishedRun('lastGood', { build: '5'.repeat(64) }),
      reference: finishedRun('reference', { build: '6'.repeat(64) }),
      // The build is in force of another service: that one's business.
      elsewhere: finishedRun('elsewhere', { build: '4'.repeat(64), service: 'search' }),
      older: finishedRun('older', { build: '7'.repeat(64) }),
    };
    for (const run of Object.values(runs)) {
      await store().createRun(run);
      const endedAt = { young: second(500), older: second(5) }[run.id] ?? second(30);
      await store().saveMeasurement(measurement(`m-${run.id}`, run.id, { endedAt }));
    }
    const spell = (build: string) => ({
      build,
      configurationHash: 'c',
      armId: build,
      since: second(0),
      promotionId: 'p',
    });
    await store().saveServiceState('checkout', 0, {
      inForce: spell(runs.inForce.build),
      lastKnownGood: spell(runs.lastGood.build),
    });
    await store().saveReference({
      service: 'checkout',
      build: runs.reference.build,
      actor: 'ann',
      reason: 'r',
      at: 't',
    });
    const ids = async (limit: number) =>
      (await store().prunableMeasurements(second(100), limit)).map((one) => one.id);
    expect(await ids(1)).toStrictEqual(['m-older']);
    expect((await ids(10)).sort()).toStrictEqual(['m-elsewhere', 'm-old', 'm-older']);

    await store().markSamplesPruned('m-older', second(200));
    await store().markSamplesPruned('m-older', second(300));
    expect((await ids(10)).sort()).toStrictEqual(['m-elsewhere', 'm-old']);
    expect(await store().measurement('m-older')).toMatchObject({ samplesPrunedAt: second(200) });
    await expect(store().markSamplesPruned('nobody', second(1))).rejects.toThrow('nobody');
  });

  it('names nothing while there is nothing', async () => {
    expect(await store().prunableMeasurements(second(1e6), 10)).toStrictEqual([]);
    expect(await store().build(BUILD)).toBeUndefined();
  });
}
