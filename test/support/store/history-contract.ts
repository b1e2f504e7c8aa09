import { expect, it } from 'vitest';
import type { NewRun, RoomForRun, RunFilter } from '../../../gate-service/src/runs/run-store.ts';
import type { StoreOf } from './contract.ts';
import { finishedRun, judgement, newRun, second } from './records.ts';

/** Looking back at many runs: pages, filters, counts, trends. */
export function historyContract(store: StoreOf): void {
  const add = async (...runs: readonly NewRun[]) => {
    for (const run of runs) await store().createRun(run);
  };
  const walk = async (filter: RunFilter, limit: number, between?: () => Promise<void>) => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store().runs(filter, { limit, ...(cursor !== undefined && { cursor }) });
      expect(page.items.length).toBeLessThanOrEqual(limit);
      seen.push(...page.items.map((run) => run.id));
      cursor = page.nextCursor;
      await between?.();
    } while (cursor !== undefined);
    return seen;
  };

  it('is walked page by page without loss or repetition while newer runs arrive', async () => {
    // Three share an instant: the id must break the tie.
    for (let n = 0; n < 7; n += 1) {
      await add(newRun(`run-${n}`, { createdAt: second(Math.floor(n / 3)) }));
    }
    let later = 0;
    const seen = await walk({}, 2, async () => {
      later += 1;
      await add(newRun(`later-${later}`, { createdAt: second(1000 + later) }));
    });
    expect(seen).toStrictEqual(['run-6', 'run-5', 'run-4', 'run-3', 'run-2', 'run-1', 'run-0']);
  });

  it('is filtered by each field, and by several', async () => {
    await add(
      newRun('a', { createdAt: second(1) }),
      finishedRun('b', { createdAt: second(2), requestedBy: 'ann' }),
      finishedRun('c', { createdAt: second(3), decision: 'pass', cause: 'met' }),
      finishedRun('d', { createdAt: second(4), service: 'search', build: 'b'.repeat(64) }),
      finishedRun('e', { createdAt: second(5), service: 'search', cause: 'invalid' }),
    );
    const cases: readonly [RunFilter, string][] = [
      [{}, 'edcba'],
      [{ service: 'search' }, 'ed'],
      [{ phase: 'finished' }, 'edcb'],
      [{ build: 'b'.repeat(64) }, 'd'],
      [{ decision: 'rollback' }, 'edb'],
      [{ cause: 'breached' }, 'db'],
      [{ requestedBy: 'ann' }, 'b'],
      [{ service: 'search', decision: 'rollback', cause: 'breached' }, 'd'],
      [{ services: ['checkout'] }, 'cba'],
      [{ services: ['search', 'checkout', 'search'] }, 'edcba'],
      [{ services: ['search', 'checkout'], decision: 'rollback' }, 'edb'],
      [{ services: ['checkout'], service: 'search' }, ''],
      [{ services: [] }, ''],
      [{ service: "x' or '1'='1" }, ''],
      [{ requestedBy: 'a\0b' }, ''],
    ];
    for (const [filter, expected] of cases) {
      for (const limit of [1, 2, 10]) {
        expect((await walk(filter, limit)).join(''), JSON.stringify(filter)).toBe(expected);
      }
    }
  });

  it('tells the latest run of each of many services that are asked for at once', async () => {
    await add(
      newRun('a', { createdAt: second(5) }),
      finishedRun('b', { createdAt: second(9) }),
      // The id breaks a tie.
      newRun('c', { createdAt: second(9) }),
      newRun('d', { createdAt: second(30), service: 'search' }),
    );
    const services = ['search', newRun('x').service, 'nobody', 'search'];
    const latest = await Promise.all(services.map((service) => store().latestRun(service)));
    expect(latest.map((run) => run?.id)).toEqual(['d', 'c', undefined, 'd']);
  });

  it('counts how often a build was tried, and what waits', async () => {
    await add(newRun('a'), finishedRun('b'), newRun('c', { service: 'search' }));
    await add(newRun('d', { build: 'b'.repeat(64) }), newRun('e', { phase: 'measuring' }));
    await store().requestCancel('d', { actor: 'ann', at: second(2) });
    const found: RoomForRun[] = [];
    for (const build of [newRun('x').build, 'c'.repeat(64)]) {
      const looks = store().createRun(newRun('x', { build }), undefined, (room) => {
        found.push(room);
        throw new Error('only looks');
      });
      await expect(looks).rejects.toThrow('only looks');
    }
    expect(found).toEqual([
      { earlierRuns: 3, queued: 1, ahead: 4 },
      { earlierRuns: 0, queued: 1, ahead: 4 },
    ]);
    expect(await store().run('x')).toBeUndefined();
  });

  it('shows the trend of a service, newest end first, with what each decision rests on', async () => {
    await add(
      finishedRun('old', { finishedAt: second(10), judgementId: 'j-1', label: '1.0' }),
      finishedRun('new', {
        finishedAt: second(30),
        decision: 'rollback',
        cause: 'platform-failed',
      }),
      finishedRun('mid', { finishedAt: second(20), decision: 'pass', cause: 'met' }),
      finishedRun('other', { finishedAt: second(40), service: 'search' }),
      newRun('queued'),
    );
    await store().saveJudgement(judgement('j-1', 'old', 0.12));
    const trend = await store().trend('checkout', 10);
    expect(trend.map((point) => point.runId)).toStrictEqual(['new', 'mid', 'old']);
    expect(trend[0]).toMatchObject({
      decision: 'rollback',
      cause: 'platform-failed',
      outcomes: [],
    });
    expect(trend[2]).toStrictEqual({
      runId: 'old',
      label: '1.0',
      build: newRun('x').build,
      finishedAt: second(10),
      decision: 'rollback',
      cause: 'breached',
      outcomes: [
        {
          threshold: 'p95 <= baseline + 5%',
          effect: 0.12,
          low: 0.12 - 0.01,
          high: Infinity,
          outcome: 'breached',
        },
      ],
    });
    expect(await store().trend('checkout', 1)).toHaveLength(1);
  });
}
