import { expect, it } from 'vitest';
import type { ComponentStatus } from '../platforms/local/component.ts';
import { exitCodeOf, requireNothingRuns } from './run.ts';

const component = (name: string, running: boolean): ComponentStatus => {
  const facts = { name, title: name, ports: [], restarts: 0 };
  return running
    ? { ...facts, running, pid: 1, since: '2026-01-01T00:00:00.000Z' }
    : { ...facts, running };
};

it('ends well for pass and promote, and for nothing else', () => {
  expect([exitCodeOf('pass'), exitCodeOf('promote')]).toStrictEqual([0, 0]);
  expect([exitCodeOf('rollback'), exitCodeOf(undefined)]).toStrictEqual([1, 1]);
});

it('takes no folder in which an earlier start left a production that it would end', async () => {
  await requireNothingRuns('/s', () => Promise.resolve([]));
  await requireNothingRuns('/s', () => Promise.resolve([component('prometheus', false)]));
  const running = [component('prometheus', false), component('node checkout-1', true)];
  await expect(requireNothingRuns('/s', () => Promise.resolve(running))).rejects.toThrow(
    /^node checkout-1 of an earlier start run below \/s.*--state.*--keep.*speed-gate down/,
  );
});
