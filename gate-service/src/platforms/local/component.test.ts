import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Component } from './component.ts';

let folder: string;
let component: Component | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'speed-gate-component-'));
});

afterEach(async () => {
  await component?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function sleeper(isReady: () => Promise<boolean>): Component {
  const script = join(folder, 'sleeper');
  return new Component(
    {
      name: 'sleeper',
      title: 'the sleeper',
      command: process.execPath,
      args: ['-e', 'setInterval(() => {}, 1000)', script],
      marker: script,
      cwd: folder,
      ports: [],
      isReady,
      readyMs: 20_000,
      stop: { signal: 'SIGTERM', graceMs: 5000 },
    },
    { records: folder, logs: folder },
  );
}

it('replaces a process that dies while it is adopted', async () => {
  component = sleeper(() => Promise.resolve(true));
  expect(await component.ensureRunning()).toBe('started');
  const first = component.record!.pid;

  let killed = false;
  component = sleeper(() => {
    if (killed) return Promise.resolve(component?.record?.pid !== first);
    killed = true;
    process.kill(first, 'SIGKILL');
    return Promise.resolve(false);
  });
  expect(await component.ensureRunning()).toBe('started');
  expect(component.record!.pid).not.toBe(first);
  expect(await component.status()).toMatchObject({ running: true, restarts: 1 });
});

it('adopts a process that runs and is ready', async () => {
  component = sleeper(() => Promise.resolve(true));
  await component.ensureRunning();
  const { pid } = component.record!;
  component = sleeper(() => Promise.resolve(true));
  expect(await component.ensureRunning()).toBe('adopted');
  expect(component.record!.pid).toBe(pid);
});
