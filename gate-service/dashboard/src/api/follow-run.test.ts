import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { followRun } from './follow-run.ts';
import type { Follower, Line } from './follow-run.ts';
import { stubService } from './stub-service.ts';

let lines: Line[];
let told: number[];
let follower: Follower;
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('window', {
    setTimeout,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  });
  vi.stubGlobal('sessionStorage', { getItem: () => null });
  lines = [];
  told = [];
  follower = {
    events: (events) => told.push(...events.map(({ sequence }) => sequence)),
    reset: () => (told = []),
    line: (line) => lines.push(line),
  };
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it.each([401, 403, 404])('says that it was refused with %i, and tries no more', async (status) => {
  stubService(() => ({ status, json: { detail: 'no right any more' } }));
  await followRun('run-1', 3, follower, new AbortController().signal);
  expect(lines).toMatchObject([
    { state: 'connecting' },
    { state: 'refused', problem: { status, message: 'No right any more.' } },
  ]);
});

it('begins again when the service does not know the last event', async () => {
  const event = (sequence: number) =>
    `id: ${sequence}\nevent: progress\ndata: ${JSON.stringify({ sequence })}\n\n`;
  const asked: (string | null)[] = [];
  stubService((_url, headers) => {
    const last = headers.get('last-event-id');
    asked.push(last);
    return last === '0'
      ? { text: `${event(1)}${event(2)}event: end\ndata: {}\n\n` }
      : { status: 400, json: { code: 'unknown-event', detail: 'no event 9' } };
  });
  told = [8, 9];
  const ended = followRun('run-1', 9, follower, new AbortController().signal);
  await vi.runAllTimersAsync();
  await ended;
  expect(asked).toEqual(['9', '0']);
  expect(told).toEqual([1, 2]);
  expect(lines.at(-1)).toEqual({ state: 'ended' });
});
