import { beforeEach, expect, it } from 'vitest';
import { Journal } from './journal.ts';
import type { RunStore } from './run-store.ts';
import { FakeClock } from './test-support/fake-clock.ts';
import { MemoryStore } from './test-support/memory-store.ts';

let clock: FakeClock;
let store: MemoryStore;

beforeEach(() => {
  clock = new FakeClock();
  store = new MemoryStore(() => clock.now());
});

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

it('tells events that another replica appends, in order and each once', async () => {
  const here = new Journal(store, clock);
  const there = new Journal(store, clock);
  const seen: number[] = [];
  await there.append('run', 'phase', 'queued');
  const leave = here.subscribe('run', ({ sequence }) => seen.push(sequence));
  for (let round = 0; round < 10; round += 1) {
    await there.append('run', 'progress', 'there');
    await here.append('run', 'progress', 'here');
    await Promise.all([
      there.append('run', 'progress', 'at once'),
      here.append('run', 'progress', 'at once'),
    ]);
    if (round % 3 === 0) await clock.run(clock.sleep(2_000));
  }
  await clock.run(clock.sleep(2_000));
  expect(seen).toEqual(upTo(41));
  leave();
  await there.append('run', 'progress', 'later');
  await clock.run(clock.sleep(2_000));
  expect(seen).toHaveLength(41);
});

it('tells its own events at once, and to everybody whatever one listener does', async () => {
  const journal = new Journal(store, clock);
  const seen: number[] = [];
  journal.subscribe('run', () => {
    throw new Error('the connection is gone');
  });
  journal.subscribe('run', ({ sequence }) => seen.push(sequence));
  await clock.run(clock.sleep(1));
  await journal.append('run', 'progress', 'now');
  expect(seen).toEqual([1]);
});

it('loses nothing while the store is away', async () => {
  let away = false;
  const flaky = new Proxy<RunStore>(store, {
    get: (own, property) => {
      const value: unknown = Reflect.get(own, property, own);
      if (typeof value !== 'function') return value;
      return (...parameters: unknown[]): unknown =>
        away && property === 'events'
          ? Promise.reject(new Error('the database does not answer'))
          : Reflect.apply(value, own, parameters);
    },
  });
  const here = new Journal(flaky, clock);
  const there = new Journal(store, clock);
  const seen: number[] = [];
  here.subscribe('run', ({ sequence }) => seen.push(sequence));
  await there.append('run', 'progress', 'before');
  await clock.run(clock.sleep(2_000));
  away = true;
  await there.append('run', 'progress', 'meanwhile');
  await clock.run(clock.sleep(5_000));
  expect(seen).toEqual([1]);
  away = false;
  await there.append('run', 'progress', 'after');
  await clock.run(clock.sleep(2_000));
  expect(seen).toEqual([1, 2, 3]);
});
