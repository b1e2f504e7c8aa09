import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../../gate-service/src/processes/free-port.ts';
import { knownProcess, until } from '../processes.ts';
import { defaultLayout, pathsOf } from './layout.ts';
import type { ClusterLayout } from './layout.ts';
import {
  ensureRunning,
  recordOfRunning,
  requireFreePorts,
  startedNames,
  stopComponent,
} from './supervise.ts';
import type { Component } from './supervise.ts';

let layout: ClusterLayout;

beforeEach(async () => {
  layout = { ...defaultLayout, state: await mkdtemp(path.join(tmpdir(), 'speed-gate-cluster-')) };
});
afterEach(async () => {
  for (const name of await startedNames(layout)) await stopComponent(layout, name, true);
  await rm(layout.state, { recursive: true });
});

function component(script: string, more: Partial<Component> = {}): Component {
  return {
    name: 'part',
    command: 'sh',
    args: ['-c', script],
    listens: [],
    ready: () => Promise.resolve(true),
    withinMs: 20_000,
    ...more,
  };
}

async function pid(): Promise<number> {
  return (await recordOfRunning(layout, 'part'))!.pid;
}

test('what runs just so is left alone; another command or other files are another start', async () => {
  const file = path.join(layout.state, 'part.conf');
  const first = component('exec sleep 600', { files: { [file]: 'a' } });
  expect(await ensureRunning(layout, first)).toBe(true);
  const started = await pid();
  expect(await ensureRunning(layout, first)).toBe(false);
  expect(await pid()).toBe(started);
  expect(await ensureRunning(layout, { ...first, files: { [file]: 'b' } })).toBe(true);
  const again = await pid();
  expect(again).not.toBe(started);
  expect(knownProcess(started).isRunning()).toBe(false);
  expect(await ensureRunning(layout, { ...first, args: ['-c', 'exec sleep 601'] })).toBe(true);
  expect(await pid()).not.toBe(again);
});

test('one that ends tells its name and the end of its log', async () => {
  const bad = component('echo the address is in use; exit 3', {
    ready: () => Promise.reject(new Error('refused')),
  });
  await expect(ensureRunning(layout, bad)).rejects.toThrow(
    /part ended right after its start[^]*part\.log:\n {2}the address is in use/,
  );
});

test('one that does not get ready tells for how long it was waited for, and why not', async () => {
  const slow = component('echo still thinking; exec sleep 600', {
    ready: async () => {
      await until('it has said something', async () =>
        (await readFile(path.join(pathsOf(layout).logs, 'part.log'), 'utf8')) === ''
          ? undefined
          : true,
      );
      throw new Error('refused');
    },
    withinMs: 300,
  });
  await expect(ensureRunning(layout, slow)).rejects.toThrow(
    /part was not ready in 0\.3 s \(refused\)[^]*still thinking/,
  );
});

test('a taken port is told with who has it, before anything is started', async () => {
  const port = await freePort();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  try {
    const wants = component('exec sleep 600', { listens: [{ address: '127.0.0.1', port }] });
    await expect(requireFreePorts(layout, [wants])).rejects.toThrow(
      new RegExp(`part needs 127\\.0\\.0\\.1:${port}, where process ${process.pid} `),
    );
    expect(await startedNames(layout)).toEqual([]);
    await ensureRunning(layout, wants);
    // Its own port is taken by itself.
    await requireFreePorts(layout, [wants]);
  } finally {
    server.close();
  }
});

test('the port of a process of its own that was killed a moment ago is waited for', async () => {
  const port = await freePort();
  const wants = component('exec sleep 600', { listens: [{ address: '127.0.0.1', port }] });
  await ensureRunning(layout, wants);
  const former = knownProcess(await pid());
  process.kill(former.pid, 'SIGKILL');
  await until('it is gone', () => (former.isRunning() ? undefined : true));
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const free = requireFreePorts(layout, [wants]);
  setTimeout(() => server.close(), 200);
  await free;
});
